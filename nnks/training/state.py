"""What a step carries from one to the next, and how a run can fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from nnks.ansatz.base import FRAME
from nnks.averaging import AVERAGE
from nnks.types import Array, Int, Params, PRNGKey, record


@record
class TrainState:
    """Everything that changes in training.

    Attributes:
        step: steps taken; with `key` it is all the randomness there is, so a resumed run is bit-identical.
        params: the ansatz's parameters.
        opt_state: the optimizer's.
        key: the run's key; step n uses `fold_in(key, n)`.
        evaluations: energy gradients evaluated so far.
    """

    step: Int[Array, ""]
    params: Params
    opt_state: Any
    key: PRNGKey
    evaluations: Int[Array, ""]


Metrics = dict[str, Array]
StepFn = Callable[[TrainState], tuple[TrainState, Metrics]]
"""Pure: the same state gives the same next state. Metrics are named `family/name`."""


class TrainingDiverged(RuntimeError):
    """A run met a number that is not finite.

    Attributes:
        step: the step at which it did.
        term: what broke: terms of the energy if any did, else the first metric.
        state: the last state whose energy was finite.
        saved: the sentence on where that state is stored; empty where it is not.
    """

    saved = ""

    def __init__(self, step: int, metrics: dict[str, float], state: TrainState, last: float | None):
        broken = [name for name, value in metrics.items() if not math.isfinite(value)]
        terms = [name.removeprefix("energy/") for name in broken if name.startswith("energy/")]
        terms = [name for name in terms if name != "total"]
        self.step, self.term, self.state = step, ", ".join(terms) or broken[0], state
        good = "there was no finite total before it" if last is None else f"the last finite total was {last:.6f} Ha"
        what = f"the energy's term '{terms[0]}'" if len(terms) == 1 else f"the energy ({self.term})" if terms else ""
        advice = "Look at what that term computes, all others were finite, or try" if len(terms) == 1 else "Try"
        super().__init__(
            f"{what or self.term} was not finite (nan or infinite) at step {step}; {good}. {advice} a smaller "
            "optimizer.learning_rate, a larger sampler.batch_size, or another orthogonalizer.name."
        )

    def __str__(self) -> str:
        return " ".join(filter(None, (super().__str__(), self.saved)))


def initial_state(params: Params, opt_state: Any, key: PRNGKey) -> TrainState:
    """The state before the first step."""
    zero = jax.device_put(np.int32(0))
    return TrainState(zero, params, opt_state, key, zero)


def member(states: TrainState, index: int) -> TrainState:
    """One state of a stack."""
    return jax.tree.map(lambda leaf: leaf[index], states)


def count_parameters(params: Params) -> int:
    """Number of trainable numbers."""
    trained = {k: v for k, v in params.items() if k not in (AVERAGE, FRAME)} if isinstance(params, dict) else params
    return sum(leaf.size for leaf in jax.tree.leaves(trained))


def energy_metrics(energies: dict[str, Array]) -> Metrics:
    """Energies under the names that every writer uses."""
    return {f"energy/{name}": value for name, value in energies.items()}
