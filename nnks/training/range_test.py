r"""Which learning rate? A range test: one run in which every step has a larger rate than the one before.

The energy falls faster as the rate grows, and levels out or rises where steps become too long. The rate suggested is a
third of that at which it first does. The lowest energy of the test says less: it goes on falling, with detours, at
rates at which training gets nowhere.

References:
    Smith, WACV 2017, "Cyclical learning rates for training neural networks", for the test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.objective import Problem
from nnks.training.gradient import Recipe, descend
from nnks.training.state import Metrics, TrainState, initial_state
from nnks.types import Params, PRNGKey, Scalar

LOWEST, HIGHEST, TRIED = 1e-4, 10.0, 50
"""Rates of the test, and how many in equal ratios."""

SMOOTHED = 5
"""Neighboring rates whose mean energy counts: half a decade, for batches are noisy."""

LEVEL = 0.1
"""A fall from one rate to the next by less than this share of the steepest one before counts as level."""

NOTICED = 0.01
"""Share of the whole fall that the steepest one must have had; less is noise."""

MARGIN = 3.0
"""The suggestion is the rate at which the energy levels out over this."""


@dataclasses.dataclass(frozen=True)
class RangeTest:
    """What a range test saw.

    Attributes:
        rates: learning rates, growing.
        energies: of the state after the step at each rate [Ha]; not finite, or absent, beyond where steps were too
            long.
    """

    rates: np.ndarray
    energies: np.ndarray

    @property
    def suggestion(self) -> float:
        """A learning rate to train with."""
        width = min(SMOOTHED, len(self.energies))
        smooth = np.convolve(
            np.where(np.isfinite(self.energies), self.energies, np.inf), np.ones(width) / width, "valid"
        )
        finite = smooth[np.isfinite(smooth)]
        if len(finite) == 0:
            return float(self.rates[0])
        drops = -np.diff(finite)
        steepest = np.maximum.accumulate(drops)
        level = np.flatnonzero((drops < LEVEL * steepest) & (steepest > NOTICED * (finite[0] - finite.min())))
        last = level[0] if len(level) else int(np.argmin(finite))
        return float(self.rates[width // 2 + last] / MARGIN)


class Descent:
    """First-order steps whose learning rate is an argument of the compiled program."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.step = jax.jit(self._step)

    def make(self, rate: Scalar | float) -> Any:
        """The optax optimizer of a rate."""
        options: Mapping[str, Any] = {**self.recipe.numbers, **self.recipe.fixed}
        return self.recipe.make(rate, **options)

    def init(self, params: Params) -> Any:
        """Its state, which is the same for every rate."""
        return self.make(1.0).init(params)

    def _step(self, problem: Problem, state: TrainState, rate: Scalar) -> tuple[TrainState, Metrics]:
        return descend(self.make(rate), problem, state)


def range_test(descent: Descent, problem: Problem, params: Params, key: PRNGKey) -> RangeTest:
    """Trains a copy of the parameters at growing rates: `TRIED` energy gradients, fewer if an energy is not finite."""
    rates = np.geomspace(LOWEST, HIGHEST, TRIED)
    state = initial_state(params, descent.init(params), key)
    energies: list[float] = []
    for rate in rates:
        state, metrics = descent.step(problem, state, jnp.float64(rate))
        energies.append(float(metrics["energy/total"]))
        if not np.isfinite(energies[-1]):
            break
    # a step's energy is that of the state before it
    return RangeTest(rates[: max(len(energies) - 1, 1)], np.asarray(energies[1:] or energies))
