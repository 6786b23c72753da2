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
from nnks.training.base import OPTIMIZERS
from nnks.training.frame import SMALL_GAP, gaussian_energy, make_frame
from nnks.training.lbfgs import LBFGSState, empty_history, inverse_hessian, line_search, remembered
from nnks.training.stability import NEGATIVE, Canonical, smallest_gap, softest
from nnks.training.state import Evaluated, Metrics, Problem, StepFn, TrainState, energy_metrics
from nnks.types import Array, Bool, Float, Int, Params, PRNGKey, Scalar, record

ROTATION = "rotation"

TESTED = 1e-6
"""A point whose energy is off by less than this [Ha] is tested for being a minimum."""

SAFE_GAP = 0.15
"""Smallest difference of orbital energies [Ha] above which a point counts as a minimum without a test."""

LOWER = 1e-7
"""How much lower [Ha] a point beyond a saddle must be."""

ESCAPES = (-0.6, -0.3, -0.1, 0.1, 0.3, 0.6)
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
        stability: whether a converged point is tested for being a minimum where some difference of orbital energies is
            below 0.2 Ha, and left along the softest rotation if it is a saddle.
    """

    memory: int = 20
    largest_step: float = 0.6
    reach: float = 0.8
    trials: int = 8
    stability: bool = True

    minibatch: ClassVar[bool] = False
    line_search: ClassVar[bool] = True
    reports_end: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuses settings that no step can use."""
        for name, least in (("memory", 1), ("trials", 2)):
            if getattr(self, name) < least:
                raise InputError(f"optimizer.{name} is {getattr(self, name)}; it must be at least {least}.")
        for name in ("largest_step", "reach"):
            if not 0 < getattr(self, name) <= 1.5:
                raise InputError(
                    f"optimizer.{name} is {getattr(self, name)} rad; it must be positive and at most 1.5, such as 0.6."
                )

    def check(self, problem: Problem) -> None:
        """Refuses orbitals that are not rotations of molecular orbitals.

        Raises:
            InputError: with what could be used.
        """
        ansatz, table = problem.model.ansatz, problem.model.table
        rotated = isinstance(ansatz, GaussianModuleAnsatz) and isinstance(table, BasisBlocks)
        if getattr(getattr(ansatz, "module", None), "guess", "") == "random":
            raise InputError(
                "optimizer 'direct' rotates the guess's molecular orbitals, and ansatz.guess='random' has none; use ansatz.guess='minao', or "
                "optimizer.name='lbfgs'."
            )
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
        one = np.array([np.eye(frame.shape[-1], dtype=frame.dtype)] * len(frame))
        return {**params, FRAME: {"orbitals": jax.device_put(one), "scale": scale}}

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> DirectState:
        """No gradient yet: the first step moves by nothing and evaluates the start."""
        return _unmoved(self, params[ROTATION], tuple(problem.functional.names))

    def make_step(self, problem: Problem) -> StepFn:
        """A step, after a new frame where the old one has served."""

        def step(state: TrainState) -> tuple[TrainState, Metrics]:
            if self._due(state.opt_state):
                state = self._reframed(problem, state)
            state, metrics = _step(self, problem, state)
            if bool(state.opt_state.tested) or float(metrics["energy/error"]) > TESTED:
                return state, metrics
            return self._tested(problem, state, metrics)

        return step

    def _tested(self, problem: Problem, state: TrainState, metrics: Metrics) -> tuple[TrainState, Metrics]:
        """The same point if it is a minimum, or one beyond the saddle."""
        accepted = dataclasses.replace(state, opt_state=dataclasses.replace(state.opt_state, tested=jnp.bool_(True)))
        hartree = [term for term in problem.functional.terms if term.name == "hartree"]
        if not self._soft(problem, state.params) or not all(isinstance(term, Interacts) for term in hartree):
            return accepted, metrics
        framed = make_frame(problem, state.params)
        # a Fock matrix costs about as much as a gradient
        accepted = dataclasses.replace(accepted, evaluations=state.evaluations + 1)
        if smallest_gap(framed.canonical, problem.model.counts) > SAFE_GAP:
            return accepted, metrics
        curvature, rotation = _softest(problem, framed.canonical)
        metrics = metrics | {"stability/curvature": curvature}
        if float(curvature) > NEGATIVE:
            return accepted, metrics
        params = framed.params(state.params, ROTATION)
        coordinates = rotation / jnp.where(framed.scale > 0, framed.scale, 1.0)
        energies = [float(_energy(problem, {**params, ROTATION: t * coordinates})) for t in ESCAPES]
        evaluations = accepted.evaluations + len(ESCAPES)
        if min(energies) > float(metrics["energy/total"]) - LOWER:
            # the curvature of a flat or wrinkled energy: no way down was found
            return dataclasses.replace(accepted, evaluations=evaluations), metrics
        moved = {**params, ROTATION: ESCAPES[int(np.argmin(energies))] * coordinates}
        # not converged, whatever the gradient of the saddle was
        metrics["energy/error"] = jnp.maximum(metrics["energy/total"] - min(energies), -0.5 * curvature)
        return TrainState(state.step, moved, self.init(problem, moved, state.key), state.key, evaluations), metrics

    def _soft(self, problem: Problem, params: Params) -> bool:
        """Whether some difference of orbital energies was so small that the frame's coordinates count it as larger."""
        electrons, scale = np.asarray(problem.model.occupations), np.asarray(params[FRAME]["scale"])
        sizes = 2 * electrons[:, None, :] * scale**2  # zero where nothing is mixed
        return bool(sizes.max(initial=0.0) >= 1 / ((1 + 1e-9) * SMALL_GAP))

    def _reframed(self, problem: Problem, state: TrainState) -> TrainState:
        """The same orbitals, in a frame of their own."""
        framed = make_frame(problem, state.params)
        gradient = framed.gradient.reshape(-1)
        history = empty_history(self.memory, gradient, Evaluated(framed.energies, None))
        zero = jnp.zeros((), gradient.dtype)
        new = DirectState(history, -gradient, jnp.int32(0), jnp.int32(1), zero, state.opt_state.tested)
        params = framed.params(state.params, ROTATION)
        return TrainState(state.step, params, new, state.key, state.evaluations + 1)

    def _due(self, old: DirectState) -> bool:
        left = float(old.reach) > self.reach or int(old.trials) > 2
        return left and int(old.age) >= 2


@jax.jit(static_argnums=(0, 2))
def _unmoved(optimizer: Direct, rotation: Float[Array, "spin n orbitals"], terms: tuple[str, ...]) -> DirectState:
    flat = rotation.reshape(-1)
    zero = jnp.zeros((), flat.dtype)
    unknown = {name: jnp.full((), jnp.inf, flat.dtype) for name in terms}
    history = empty_history(optimizer.memory, jnp.zeros_like(flat), Evaluated(unknown, None))
    tested = jnp.bool_(not optimizer.stability)
    return DirectState(history, jnp.zeros_like(flat), jnp.int32(0), jnp.int32(1), zero, tested)


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


@jax.jit
def _energy(problem: Problem, params: Params) -> Scalar:
    return problem.energies(params, jax.random.key(0), jnp.int32(0))["total"]


@jax.jit
def _softest(problem: Problem, orbitals: Canonical) -> tuple[Scalar, Array]:
    return softest(gaussian_energy(problem), orbitals, problem.model.occupations, problem.model.counts)
