r"""Direct minimization for Gaussian orbitals: L-BFGS in rotations of a frame that follows the orbitals.

In a frame of molecular orbitals the Hessian along a rotation of orbital $i$ into $a$ is close to
$2n_i(\epsilon_a - \epsilon_i)$, so that coordinates scaled by its inverse root make it close to one, and L-BFGS with unit steps
converges in about eight gradients. Where a calculation goes far from its start that frame no longer fits: it is then made anew
from one Fock matrix, whose blocks of occupied and of empty orbitals are diagonalized.

References:
    Head-Gordon, Pople, J. Phys. Chem. 92, 3063 (1988); Van Voorhis, Head-Gordon, Mol. Phys. 100, 1713 (2002) for
    direct minimization in such a frame.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import FRAME, GaussianModuleAnsatz
from nnks.blocks import BasisBlocks
from nnks.functional import Interacts
from nnks.registry import InputError
from nnks.scf import GaussianEnergy
from nnks.training.base import OPTIMIZERS
from nnks.training.lbfgs import LBFGSState, empty_history, inverse_hessian, line_search, remembered
from nnks.training.stability import NEGATIVE, Canonical, smallest_gap, softest
from nnks.training.state import Evaluated, Metrics, Problem, StepFn, TrainState, energy_metrics
from nnks.types import Array, Bool, Float, Int, Params, PRNGKey, Scalar, record

ROTATION = "rotation"

TESTED = 1e-6
"""A point whose energy is off by less than this [Ha] is tested for being a minimum."""

SAFE_GAP = 0.15
"""Smallest difference of orbital energies [Ha] above which no rotation is soft: half of what the response of exchange and
correlation can take away from it (helium to neon, both spins: `docs/decisions.md`)."""

ESCAPES = (-0.6, -0.3, 0.3, 0.6)
"""Angles [rad] along the softest rotation that are tried to leave a saddle."""


@record
class DirectState:
    """What goes from step to step.

    Attributes:
        history: pairs, gradient and energies, in coordinates of the present frame.
        direction: of the next step, before it is bounded.
        age: steps that the frame has served.
        trials: energies that the last line search took.
        reach: largest angle by which an orbital has left the frame.
        tested: whether the point was found to be a minimum, or no test was due.
    """

    history: LBFGSState
    direction: Float[Array, " parameters"]
    age: Int[Array, ""]
    trials: Int[Array, ""]
    reach: Scalar
    tested: Bool[Array, ""]


@OPTIMIZERS.register("direct")
@dataclasses.dataclass(frozen=True)
class Direct:
    """L-BFGS in preconditioned rotations of molecular orbitals, on the full grid; for `lcgto` alone.

    Attributes:
        memory: pairs of steps and gradient changes that are kept.
        largest_step: angle [rad] by which one step may rotate an orbital.
        reach: angle by which orbitals may leave their frame before it is made anew.
        trials: energy gradients that one line search may use.
        small_gap: differences of orbital energies [Ha] count as at least this in the preconditioner.
        stability: whether a converged point is tested for being a minimum where some difference is below `small_gap`, and
            left along the softest rotation if it is a saddle.
    """

    memory: int = 20
    largest_step: float = 0.6
    reach: float = 0.8
    trials: int = 8
    small_gap: float = 0.2
    stability: bool = True

    minibatch: ClassVar[bool] = False
    line_search: ClassVar[bool] = True

    def check(self, problem: Problem) -> None:
        """Refuses orbitals that are not rotations of molecular orbitals.

        Raises:
            InputError: with what could be used.
        """
        ansatz, table = problem.model.ansatz, problem.model.table
        rotated = isinstance(ansatz, GaussianModuleAnsatz) and isinstance(table, BasisBlocks)
        if not rotated or set(jax.eval_shape(problem.init_params, jax.random.key(0))) != {ROTATION}:
            raise InputError(
                "optimizer 'direct' rotates molecular orbitals in a fixed Gaussian basis with an analytic Gram matrix, on the "
                "full grid; use ansatz.name='lcgto' with orthogonalizer.gram='auto' and sampler.name='full', or "
                "optimizer.name='lbfgs'."
            )

    def prepare(self, problem: Problem, params: Params) -> Params:
        """The parameters with the frame that they refer to beside them."""
        self.check(problem)
        ansatz = problem.model.ansatz
        assert isinstance(ansatz, GaussianModuleAnsatz)
        frame, scale = ansatz.start.frame, ansatz.start.scale
        one = jnp.eye(frame.shape[-1], dtype=frame.dtype)
        return {**params, FRAME: {"orbitals": jnp.broadcast_to(one, frame.shape[:1] + one.shape), "scale": scale}}

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> DirectState:
        """No gradient yet: the first step moves by nothing and evaluates the start."""
        flat = params[ROTATION].reshape(-1)
        zero = jnp.zeros((), flat.dtype)
        unknown = {name: jnp.full((), jnp.inf, flat.dtype) for name in problem.functional.names}
        history = empty_history(self.memory, flat, Evaluated(unknown, None))
        return DirectState(
            history, jnp.zeros_like(flat), jnp.int32(0), jnp.int32(1), zero, jnp.bool_(not self.stability)
        )

    def make_step(self, problem: Problem) -> StepFn:
        """A step, after a new frame where the old one has served."""

        def step(state: TrainState) -> tuple[TrainState, Metrics]:
            if self._due(state.opt_state):
                state, _ = _reframed(self, problem, state)
            state, metrics = _step(self, problem, state)
            if bool(state.opt_state.tested) or float(metrics["energy/error"]) > TESTED:
                return state, metrics
            return self._tested(problem, state, metrics)

        return step

    def _tested(self, problem: Problem, state: TrainState, metrics: Metrics) -> tuple[TrainState, Metrics]:
        """The same point if it is a minimum, or one beyond the saddle."""
        old: DirectState = state.opt_state
        soft = float(jnp.max(_inverse_gaps(problem, state.params))) >= (1 - 1e-9) / self.small_gap
        hartree = [term for term in problem.functional.terms if term.name == "hartree"]
        if not soft or not all(isinstance(term, Interacts) for term in hartree):
            return _with(state, dataclasses.replace(old, tested=jnp.bool_(True))), metrics
        framed, orbitals = _reframed(self, problem, state)
        if smallest_gap(orbitals, problem.model.counts) > SAFE_GAP:
            return _with(state, dataclasses.replace(old, tested=jnp.bool_(True))), metrics
        curvature, rotation = _softest(problem, orbitals)
        metrics = metrics | {"stability/curvature": curvature}
        if float(curvature) > NEGATIVE:
            return _with(state, dataclasses.replace(old, tested=jnp.bool_(True))), metrics
        scale = framed.params[FRAME]["scale"]
        coordinates = rotation / jnp.where(scale > 0, scale, 1.0)
        energies = [float(_energy(problem, {**framed.params, ROTATION: t * coordinates})) for t in ESCAPES]
        moved = {**framed.params, ROTATION: ESCAPES[int(np.argmin(energies))] * coordinates}
        evaluations = framed.evaluations + len(ESCAPES)
        # not converged, whatever the gradient of the saddle was
        metrics["energy/error"] = jnp.maximum(metrics["energy/total"] - min(energies), -0.5 * curvature)
        return TrainState(state.step, moved, self.init(problem, moved, state.key), state.key, evaluations), metrics

    def _due(self, old: DirectState) -> bool:
        left = float(old.reach) > self.reach or int(old.trials) > 2
        return left and int(old.age) >= 2


@jax.jit(static_argnums=0)
def _step(optimizer: Direct, problem: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
    old: DirectState = state.opt_state
    rotation, scale = state.params[ROTATION], state.params[FRAME]["scale"]
    x, direction = rotation.reshape(-1), old.direction
    direction *= jnp.minimum(1.0, optimizer.largest_step / jnp.maximum(_angle(scale, direction), 1e-30))
    slope = jnp.dot(direction, old.history.gradient)

    def evaluate(length: Scalar) -> tuple[Evaluated, Array]:
        def loss(x: Array) -> tuple[Scalar, Evaluated]:
            return problem.loss({**state.params, ROTATION: x.reshape(rotation.shape)}, state.key, state.step)

        (_, evaluated), gradient = jax.value_and_grad(loss, has_aux=True)(x + length * direction)
        return evaluated, gradient

    found = line_search(evaluate, old.history, direction, slope, optimizer.trials, problem.resolution)
    moved = found.length * direction
    history = remembered(old.history, moved, found.gradient, found.evaluated)
    ahead = _descent(history)
    reach = _angle(scale, x + moved)
    new = DirectState(history, ahead, old.age + 1, found.count, reach, old.tested)
    metrics = energy_metrics(found.evaluated.energies) | {
        "grad/norm": jnp.linalg.norm(found.gradient),
        "line_search/evaluations": found.count,
        "energy/error": -0.5 * jnp.dot(ahead, found.gradient),
        "direct/angle": reach,
    }
    params = {**state.params, ROTATION: (x + moved).reshape(rotation.shape)}
    return TrainState(state.step + 1, params, new, state.key, state.evaluations + found.count), metrics


def _descent(history: LBFGSState) -> Array:
    """The quasi-Newton direction, or the preconditioned gradient where rounding spoiled it."""
    direction = -inverse_hessian(history, history.gradient)
    return jnp.where(jnp.dot(direction, history.gradient) < 0, direction, -history.gradient)


def _angle(scale: Float[Array, "spin n orbitals"], x: Float[Array, " parameters"]) -> Scalar:
    """The largest angle by which coordinates turn an orbital, for small ones."""
    return jnp.sqrt(jnp.max(jnp.sum((scale * x.reshape(scale.shape)) ** 2, axis=1)))


def _with(state: TrainState, opt_state: DirectState) -> TrainState:
    return dataclasses.replace(state, opt_state=opt_state)


def gaussian_energy(problem: Problem) -> GaussianEnergy:
    """The problem's functional as a builder of Fock matrices."""
    table = problem.model.table
    assert isinstance(table, BasisBlocks)
    return GaussianEnergy(problem.functional, table, problem.grid.quadrature())


@jax.jit
def _energy(problem: Problem, params: Params) -> Scalar:
    return problem.energies(params, jax.random.key(0), jnp.int32(0))["total"]


@jax.jit
def _softest(problem: Problem, orbitals: Canonical) -> tuple[Scalar, Array]:
    return softest(gaussian_energy(problem), orbitals, problem.model.occupations, problem.model.counts)


@jax.jit
def _inverse_gaps(problem: Problem, params: Params) -> Array:
    """What the preconditioner takes for the inverse differences of orbital energies [1/Ha]."""
    return 2 * problem.model.occupations[:, None, :] * params[FRAME]["scale"] ** 2


@jax.jit(static_argnums=0)
def _reframed(optimizer: Direct, problem: Problem, state: TrainState) -> tuple[TrainState, Canonical]:
    """The same orbitals in a frame of their own: canonical within the occupied and within the empty space."""
    model, ansatz = problem.model, problem.model.ansatz
    assert isinstance(ansatz, GaussianModuleAnsatz)
    start = ansatz.start
    occupied = model(state.params, problem.grid.quadrature()).require_coefficients()
    energies, fock = gaussian_energy(problem)(occupied, model.occupations)
    coordinates = ansatz.coordinates(state.params)
    shape = coordinates.shape
    orbitals, levels, scales, gradients = [], [], [], []
    for s, count in enumerate(model.counts):
        # the first `count` columns span the occupied space, the others what is orthogonal to it
        frame, _ = jnp.linalg.qr(coordinates[s, :, :count], mode="complete")
        matrix = start.frame[s].T @ fock[s] @ start.frame[s]
        matrix = frame.T @ matrix @ frame
        low, u = jnp.linalg.eigh(matrix[:count, :count])
        high, v = jnp.linalg.eigh(matrix[count:, count:])
        orbitals.append(jnp.concatenate([frame[:, :count] @ u, frame[:, count:] @ v], axis=1))
        levels.append(jnp.concatenate([low, high]))
        n = model.occupations[s, :count]
        gap = jnp.maximum(high[:, None] - low[None, :], optimizer.small_gap)
        scale = 1 / jnp.sqrt(2 * n[None, :] * gap)
        empty = jnp.zeros(shape[1:], scale.dtype)
        scales.append(empty.at[count:, :count].set(scale))
        mixed = v.T @ matrix[count:, :count] @ u
        gradients.append(empty.at[count:, :count].set(2 * n[None, :] * scale * mixed))
    frame, zero = {"orbitals": jnp.stack(orbitals), "scale": jnp.stack(scales)}, jnp.zeros(shape, coordinates.dtype)
    flat = jnp.stack(gradients).reshape(-1)
    history = empty_history(optimizer.memory, flat, Evaluated(energies, None))
    history = dataclasses.replace(history, gradient=flat)
    old: DirectState = state.opt_state
    new = DirectState(history, -flat, jnp.int32(0), jnp.int32(1), jnp.zeros((), flat.dtype), old.tested)
    params = {**state.params, ROTATION: zero, FRAME: frame}
    # a Fock matrix costs about as much as a gradient
    moved = TrainState(state.step, params, new, state.key, state.evaluations + 1)
    return moved, Canonical(start.frame @ frame["orbitals"], jnp.stack(levels))
