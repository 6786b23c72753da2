"""The energy of one system as an objective: orbitals, functional, and the points that a step sees."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.ansatz.base import BasisAnsatz
from nnks.averaging import with_average
from nnks.functional import Functional
from nnks.objective.base import COEFFICIENTS, Evaluated, Objective
from nnks.objective.constraint import Constraint
from nnks.objective.variable_projection import VariableProjection
from nnks.orbitals import AnyOrbitals, OrbitalModel, Orbitals
from nnks.quadrature import Grid
from nnks.quadrature.sampler import Sampler
from nnks.types import Array, Int, Params, PRNGKey, Scalar, cast, record


@record
class Problem:
    """What is minimized: orbitals, functional, and the quadrature that a step sees. An argument of every step.

    With a `projection` the energy is that of solved linear coefficients, on the full grid; with a `constraint` that
    of orbitals which no layer orthonormalizes.
    """

    model: OrbitalModel
    functional: Functional
    sampler: Sampler
    grid: Grid
    projection: VariableProjection | None = None
    constraint: Constraint | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the energies that an evaluation reports: `total`, and each term."""
        return self.functional.names

    @property
    def exact(self) -> bool:
        """Whether every step sees the whole grid."""
        return self.sampler.exact

    @property
    def solves(self) -> bool:
        """Whether linear coefficients are solved for, and not trained."""
        return self.projection is not None

    @property
    def resolution(self) -> float:
        """Differences of energies [Ha] that mean nothing, beside rounding: how well coefficients are solved for."""
        return 0.0 if self.projection is None else self.projection.energy_tolerance

    def init_params(self, key: PRNGKey) -> Params:
        """Initial parameters of the ansatz, and room for what steps remember in them."""
        params, model = self.retract(self.model.ansatz.init_params(key)), self.model
        if model.gram != "ema":
            return params
        return with_average(params, model.occupations)

    def unknown(self, params: Params) -> Evaluated:
        """What an evaluation finds before there was one: infinite energies."""
        dtype = jax.tree.leaves(params)[0].dtype
        energies = {name: jnp.full((), jnp.inf, dtype) for name in self.names}
        return Evaluated(energies, params[COEFFICIENTS] if self.solves else None)

    def followed(self, params: Params, gradient: Params) -> Params:
        """The gradient that an optimizer is given."""
        return gradient if self.constraint is None else self.constraint.followed(params, gradient)

    def slope(self, params: Params, gradient: Params) -> Params:
        """The gradient that vanishes at the minimum."""
        return gradient if self.constraint is None else self.constraint.slope(params, gradient)

    def retract(self, params: Params) -> Params:
        """The parameters of orthonormal orbitals, where a constraint keeps these and no layer does."""
        return params if self.constraint is None else self.constraint.retract(params)

    def settle(self, params: Params) -> Params:
        """The parameters with linear coefficients solved for, where they are eliminated; else as they are."""
        ansatz = self.model.ansatz
        if self.projection is None or not isinstance(ansatz, BasisAnsatz):
            return params
        return self.projection(ansatz, self.functional, params, self.grid.quadrature())

    def orbitals(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> tuple[AnyOrbitals, AnyOrbitals]:
        """The orbitals on this step's two independent batches; on a full grid both are the same object."""
        x, y, _ = self._orbitals(params, key, step)
        return x, y

    def _orbitals(
        self, params: Params, key: PRNGKey, step: Int[Array, ""]
    ) -> tuple[AnyOrbitals, AnyOrbitals, dict[str, Array] | None]:
        """The same, and the moving average of Gram matrices after this step, if one is kept."""
        if self.sampler.exact:
            x = self.model(params, self.grid.quadrature())
            return x, x, None
        first, second = self.sampler.draw(key, step)
        return self.model.pair(params, self.grid.take(first), self.grid.take(second))

    def _tabulated(self, params: Params) -> tuple[Params, Orbitals] | None:
        """Solved parameters and the orbitals, from one table; None where functions are known at one point alone."""
        ansatz, quadrature = self.model.ansatz, self.grid.quadrature()
        if self.projection is None or not isinstance(ansatz, BasisAnsatz) or (basis := ansatz.basis(params)) is None:
            return None
        table = self.projection.tabulated(basis, quadrature)
        coefficients = self.projection.solved(table, self.functional, params[COEFFICIENTS], quadrature)
        return {**params, COEFFICIENTS: coefficients}, self.model.from_table(table, coefficients, quadrature)

    def energies(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> dict[str, Array]:
        """Every term [Ha] as this step estimates it, and their `total`."""
        return self.functional.energies(*self.orbitals(params, key, step))

    def loss(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> tuple[Scalar, Evaluated]:
        """The total, and beside it all terms, the coefficients that were solved for, and a new average."""
        if (tabulated := self._tabulated(params)) is not None:
            (params, x), average = tabulated, None
            y = x
        else:
            params = self.settle(params)
            x, y, average = self._orbitals(params, key, step)
        energies = self.functional.energies(x, y)
        if self.constraint is not None:
            energies = self.constraint.objective(self.model, params, x, y, energies)
        solved = None if self.projection is None else params[COEFFICIENTS]
        return energies["total"], Evaluated(energies, solved, average)


@jax.jit
def settled(objective: Objective, params: Params) -> Params:
    """`Objective.settle` in float64, compiled: the orbitals that a run reports."""
    return objective.settle(cast(params, jnp.float64))
