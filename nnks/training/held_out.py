r"""A guard against fitting the grid: the energy on a second grid, of which training knows nothing.

A flexible ansatz can lower the energy of the quadrature by structure between its points. On the points of a finer grid such a step
raises the energy, and a step that lowers the energy itself lowers it on both. The state before the first step that does not is the
best that the training grid can tell.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from nnks.functional import Functional
from nnks.orbitals import OrbitalModel
from nnks.quadrature import Quadrature
from nnks.training.state import TrainState
from nnks.types import Params, Scalar, cast, record


@record
class HeldOut:
    """Orbitals, functional and points of the grid that is held out."""

    model: OrbitalModel
    functional: Functional
    quadrature: Quadrature

    def energy(self, params: Params) -> Scalar:
        """The total [Ha] of orbitals as they are: no coefficient is solved for on these points."""
        return self.functional.energies(self.model(cast(params, jnp.float64), self.quadrature))["total"]


@jax.jit
def _energy(held_out: HeldOut, params: Params) -> Scalar:
    return held_out.energy(params)


@dataclasses.dataclass
class Guard:
    """Compares both energies every few steps.

    Attributes:
        held_out: the second grid.
        every: steps between comparisons.
        tolerance: a rise [Ha] that means nothing.
        last: the state compared before, its energy on the training grid and on the other one [Ha].
    """

    held_out: HeldOut
    every: int
    tolerance: float
    last: tuple[TrainState, float, float] | None = None

    def check(self, state: TrainState, metrics: dict[str, float]) -> TrainState | None:
        """The state to go back to, if the energy fell from there on the training grid alone; adds `energy/held_out`.

        Args:
            state: the one that the metrics belong to.
            metrics: of that state, with `energy/total`.
        """
        if int(state.step) % self.every:
            return None
        total, other = float(metrics["energy/total"]), float(_energy(self.held_out, state.params))
        metrics["energy/held_out"] = other
        before, self.last = self.last, (state, total, other)
        if before is None:
            return None
        best, former, former_other = before
        return best if total < former and other > former_other + self.tolerance else None
