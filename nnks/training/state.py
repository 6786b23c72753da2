"""What a step carries from one to the next, what a run minimizes, and how a run can fail."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import FRAME, BasisAnsatz
from nnks.averaging import AVERAGE, with_average
from nnks.functional import Functional
from nnks.orbitals import AnyOrbitals, OrbitalModel
from nnks.quadrature import Grid, make_full
from nnks.quadrature.sampler import Sampler
from nnks.training.constraint import Constraint
from nnks.training.variable_projection import VariableProjection
from nnks.types import Array, Int, Params, PRNGKey, Scalar, cast, record


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


@record
class Evaluated:
    """What an evaluation of the energy finds besides the total.

    Attributes:
        energies: every term and the total [Ha].
        coefficients: the solution for eliminated coefficients, from which the next one starts; else None.
        average: the moving average of Gram matrices after this step, for `gram="ema"`; else None.
    """

    energies: dict[str, Array]
    coefficients: Array | None
    average: dict[str, Array] | None = None

    def remember(self, params: Params) -> Params:
        """The parameters with what the next step needs of this one kept in them."""
        averaged = {"coefficients": self.coefficients, AVERAGE: self.average}
        kept = {name: value for name, value in averaged.items() if value is not None}
        return {**params, **kept} if kept else params


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
    def resolution(self) -> float:
        """Differences of energies [Ha] that mean nothing, beside rounding: how well coefficients are solved for."""
        return 0.0 if self.projection is None else self.projection.energy_tolerance

    def init_params(self, key: PRNGKey) -> Params:
        """Initial parameters of the ansatz, and room for what steps remember in them."""
        params, model = self.model.ansatz.init_params(key), self.model
        if self.constraint is not None:
            params = self.constraint.retract(params)
        if model.gram != "ema":
            return params
        return with_average(params, model.occupations)

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

    def energies(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> dict[str, Array]:
        """Every term [Ha] as this step estimates it, and their `total`."""
        return self.functional.energies(*self.orbitals(params, key, step))

    def loss(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> tuple[Scalar, Evaluated]:
        """The total, and beside it all terms, the coefficients that were solved for, and a new average."""
        params = self.settle(params)
        x, y, average = self._orbitals(params, key, step)
        energies = self.functional.energies(x, y)
        if self.constraint is not None:
            energies = self.constraint.objective(self.model, params, x, y, energies)
        solved = None if self.projection is None else params["coefficients"]
        return energies["total"], Evaluated(energies, solved, average)


def whole(problem: Problem) -> Problem:
    """The problem on the full grid, whatever batches its steps take."""
    return problem if problem.sampler.exact else dataclasses.replace(problem, sampler=make_full(grid=problem.grid))


@jax.jit
def settled(problem: Problem, params: Params) -> Params:
    """`Problem.settle` in float64, compiled: the orbitals that a run reports."""
    return problem.settle(cast(params, jnp.float64))


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
