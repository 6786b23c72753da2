r"""A guard against fitting the grid: the energy on a second grid, of which training knows nothing.

A flexible ansatz can lower the energy of the quadrature by structure between its points. On the points of a finer grid
such a step raises the energy, and a step that lowers the energy itself lowers it on both. The best state that the
training grid can tell is the lowest on the second grid, once the energy has gone down from there on the first one
alone.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from nnks.functional import Functional
from nnks.objective import Objective, Variables, settled
from nnks.orbitals import OrbitalModel
from nnks.quadrature import Quadrature
from nnks.training.loop import StepTaken
from nnks.training.state import TrainState
from nnks.types import Params, Scalar, cast, record

WINDOW = 3
"""Comparisons over which a fall of the energy is judged, and how many judgments in a row end a run."""

CONFIRMED = 0.5
"""Share of a fall on the training grid that the held-out grid must confirm."""

APART = 5e-5
"""Growth [Ha] of the difference between the grids that means nothing: at level 2 it stays below 2e-5 (LiH and
helium)."""


@record
class ValidationEnergy:
    """Orbitals, functional and points of the grid that is held out."""

    model: OrbitalModel
    functional: Functional
    quadrature: Quadrature

    def energy(self, params: Params) -> Scalar:
        """The total [Ha] of orbitals as they are: no coefficient is solved for on these points."""
        return self.functional.energies(self.model(cast(params, jnp.float64), self.quadrature))["total"]


@record
class ValidationOfSeveral:
    """The same of several systems, whose energies are added."""

    systems: tuple[ValidationEnergy, ...]

    def energy(self, params: Variables) -> Scalar:
        """The sum of totals [Ha]."""
        return sum((system.energy(params.of(n)) for n, system in enumerate(self.systems)), jnp.zeros(()))


@jax.jit
def _energy(held_out: ValidationEnergy | ValidationOfSeveral, params: Params) -> Scalar:
    return held_out.energy(params)


@dataclasses.dataclass(frozen=True)
class Compared:
    """A state and its energies [Ha] on the training grid and on the held-out one."""

    state: TrainState
    total: float
    held_out: float

    def fits(self, former: Compared) -> bool:
        """Whether it is lower than a former state for the larger part on the training grid alone."""
        fall, confirmed = former.total - self.total, former.held_out - self.held_out
        return fall > 0 and confirmed < CONFIRMED * fall and fall - confirmed > APART


@dataclasses.dataclass
class EarlyStopping:
    """Compares both energies every few steps; what it knows is saved with the state.

    Attributes:
        held_out: the second grid.
        every: steps between comparisons.
        reports_end: whether a step's numbers belong to the state after it, as `Optimizer.reports_end` says.
        best: the state that is lowest on the held-out grid.
        recent: the states compared last, oldest first.
        doubts: comparisons in a row whose fall was for the larger part one on the training grid alone.
    """

    held_out: ValidationEnergy | ValidationOfSeveral
    every: int
    reports_end: bool

    reason: ClassVar[str] = "grid"
    """What a run is said to end by."""

    molecules: ClassVar[tuple[str, ...]] = ()
    """Names of the molecules that are held out, if it is molecules."""

    best: Compared | None = None
    recent: collections.deque[Compared] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=WINDOW + 1)
    )
    doubts: int = 0

    def fresh(self) -> EarlyStopping:
        """One for another run on the same grids."""
        return EarlyStopping(self.held_out, self.every, self.reports_end)

    def check(self, objective: Objective, before: TrainState, progress: StepTaken) -> bool:
        """Whether a step shows that training fits its grid; adds `energy/held_out` to the step's metrics.

        Args:
            objective: on the training grid.
            before: the state that the step started from.
            progress: the step.
        """
        if (progress.step - 1) % self.every:
            return False
        state = progress.state if self.reports_end else before
        if not self.reports_end and objective.solves:
            # coefficients of a step's start are solved for in the step, and are not in the state yet
            state = dataclasses.replace(state, params=settled(objective, state.params))
        now = Compared(state, progress.metrics["energy/total"], float(_energy(self.held_out, state.params)))
        progress.metrics["energy/held_out"] = now.held_out
        self.recent.append(now)
        self.doubts = self.doubts + 1 if now.fits(self.recent[0]) else 0
        if self.best is None or now.held_out < self.best.held_out:
            self.best = now
        return self.doubts >= WINDOW

    @property
    def apart(self) -> float:
        """How far the grids' energies of the last state are apart [Ha]."""
        return abs(self.recent[-1].total - self.recent[-1].held_out) if self.recent else 0.0

    def better(self) -> TrainState | None:
        """The state to go back to at the end, if the last ones are in doubt: the lowest on the held-out grid."""
        return self.best.state if self.best is not None and self.doubts else None
