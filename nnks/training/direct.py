r"""Direct minimization for Gaussian orbitals: L-BFGS in rotations of a frame that follows the orbitals.

In a frame of molecular orbitals the Hessian along a rotation of orbital $i$ into $a$ is close to
$2n_i(\epsilon_a - \epsilon_i)$, so that coordinates scaled by its inverse root make it close to one, and L-BFGS with
unit steps converges in about eight gradients. Where a calculation goes far from its start that frame no longer fits: it
is then made anew from one Fock matrix, whose blocks of occupied and of empty orbitals are diagonalized.

References:
    Head-Gordon, Pople, J. Phys. Chem. 92, 3063 (1988); Van Voorhis, Head-Gordon, Mol. Phys. 100, 1713 (2002) for
    direct minimization in such a frame.
"""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import FRAME, GaussianModuleAnsatz
from nnks.blocks import BasisBlocks
from nnks.objective import Evaluated, Problem
from nnks.registry import InputError
from nnks.training.base import OPTIMIZERS
from nnks.training.frame import gaussian_ansatz, make_frame
from nnks.training.lbfgs import LBFGSState, empty_history, inverse_hessian, line_search, remembered
from nnks.training.saddle import PATIENCE, Kept, examine, nothing_kept, soft
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Array, Bool, Float, Int, Params, PRNGKey, Scalar, record

ROTATION = "rotation"

TESTED = 1e-6
"""A point whose energy is off by less than this [Ha] is tested for being a minimum."""

LEFT = 1e-3
"""What a point that has just been left counts as off [Ha], at least: no run ends there."""


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
        kept: the minimum to come back to if the way from a turn ends higher; None where no turns are taken.
    """

    history: LBFGSState
    direction: Float[Array, " parameters"]
    age: Int[Array, ""]
    trials: Int[Array, ""]
    reach: Scalar
    tested: Bool[Array, ""]
    kept: Kept | None


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
            below 0.2 Ha, and left along the softest rotation if it is a saddle, or if it is a shallow minimum of equal
            spin counts (`nnks.training.saddle`). A run that is out of steps on the way from there ends where it is. An
            open-shell atom is turned to the lowest orientation that is found on the points
            (`nnks.training.orientation`).
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
                "optimizer 'direct' rotates the guess's molecular orbitals, and ansatz.guess='random' has none; use "
                "ansatz.guess='minao', or optimizer.name='lbfgs'."
            )
        if not rotated or set(jax.eval_shape(problem.init_params, jax.random.key(0))) != {ROTATION}:
            raise InputError(
                "optimizer 'direct' rotates molecular orbitals in a fixed Gaussian basis with an analytic Gram matrix, "
                "on the full grid; use ansatz.name='lcgto' with orthogonalizer.gram='auto' and sampler.name='full', or "
                "optimizer.name='lbfgs'."
            )

    def prepare(self, problem: Problem, params: Params) -> Params:
        """The parameters with the frame that they refer to beside them."""
        self.check(problem)
        start = gaussian_ansatz(problem).start
        frame, scale = start.frame, start.scale
        one = np.array([np.eye(frame.shape[-1], dtype=frame.dtype)] * len(frame))
        return {**params, FRAME: {"orbitals": jax.device_put(one), "scale": scale}}

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> DirectState:
        """No gradient yet: the first step moves by nothing and evaluates the start."""
        state = _unmoved(self, params[ROTATION], tuple(problem.functional.names))
        return dataclasses.replace(state, kept=nothing_kept(problem, params))

    def make_step(self, problem: Problem) -> StepFn:
        """A step, after a new frame where the old one has served."""

        def step(state: TrainState) -> tuple[TrainState, Metrics]:
            if self._due(state.opt_state):
                state = self._reframed(problem, state)
            state, metrics = _step(self, problem, state)
            if bool(state.opt_state.tested):
                return state, metrics
            if (kept := state.opt_state.kept) is not None and math.isfinite(kept.energy):
                lost = state.evaluations - kept.since > PATIENCE
                arrived = float(metrics["energy/error"]) < TESTED
                if lost or (arrived and metrics["energy/total"] > kept.energy + TESTED):
                    return self._back(problem, state, metrics, kept)
            if float(metrics["energy/error"]) > TESTED:
                return state, metrics
            return self._tested(problem, state, metrics)

        return step

    def _tested(self, problem: Problem, state: TrainState, metrics: Metrics) -> tuple[TrainState, Metrics]:
        """The same point if it is a minimum, one beyond a saddle, or another orientation."""
        accepted = dataclasses.replace(
            state, opt_state=dataclasses.replace(state.opt_state, tested=jax.device_put(np.True_))
        )
        if not soft(problem, state.params) or not problem.functional.has_curvature:
            return accepted, metrics
        examined = examine(problem, state.params, ROTATION, float(metrics["energy/total"]))
        accepted = dataclasses.replace(accepted, evaluations=state.evaluations + examined.evaluations)
        if examined.curvature is not None:
            metrics = metrics | {"stability/curvature": jnp.asarray(examined.curvature)}
        kept = state.opt_state.kept
        if examined.beyond is not None:
            metrics["energy/error"] = jnp.maximum(metrics["energy/total"] - examined.lower, LEFT)
            return self._moved(problem, accepted, examined.beyond, kept), metrics
        if examined.turned is None or kept is None or math.isfinite(kept.energy):
            return accepted, metrics
        assert examined.frame is not None
        kept = Kept(**examined.frame[FRAME], energy=metrics["energy/total"], since=accepted.evaluations)
        metrics["energy/error"] = jnp.full_like(metrics["energy/error"], LEFT)
        return self._moved(problem, accepted, examined.turned, kept), metrics

    def _back(self, problem: Problem, state: TrainState, metrics: Metrics, kept: Kept) -> tuple[TrainState, Metrics]:
        """The minimum from before a turn, which ended higher or nowhere."""
        frame = {"orbitals": kept.orbitals, "scale": kept.scale}
        params = {**state.params, ROTATION: jnp.zeros_like(kept.scale), FRAME: frame}
        metrics["energy/error"] = jnp.maximum(metrics["energy/error"], LEFT)
        state = self._moved(problem, state, params, kept)
        return dataclasses.replace(
            state, opt_state=dataclasses.replace(state.opt_state, tested=jnp.bool_(True))
        ), metrics

    def _moved(self, problem: Problem, state: TrainState, params: Params, kept: Kept | None) -> TrainState:
        """A start from these parameters, which the next step evaluates."""
        fresh = dataclasses.replace(self.init(problem, params, state.key), kept=kept)
        return TrainState(state.step, params, fresh, state.key, state.evaluations)

    def _reframed(self, problem: Problem, state: TrainState) -> TrainState:
        """The same orbitals, in a frame of their own."""
        framed = make_frame(problem, state.params)
        gradient = framed.gradient.reshape(-1)
        history = empty_history(self.memory, gradient, Evaluated(framed.energies, None))
        zero = jnp.zeros((), gradient.dtype)
        new = DirectState(
            history, -gradient, jnp.int32(0), jnp.int32(1), zero, state.opt_state.tested, state.opt_state.kept
        )
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
    return DirectState(history, jnp.zeros_like(flat), jnp.int32(0), jnp.int32(1), zero, tested, None)


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

    searched = line_search(evaluate, old.history, direction, slope, optimizer.trials, problem.resolution)
    moved = searched.length * direction
    history = remembered(old.history, moved, searched.gradient, searched.evaluated)
    ahead = _descent(history)
    reach = _angle(scale, x + moved)
    new = DirectState(history, ahead, old.age + 1, searched.count, reach, old.tested, old.kept)
    metrics = energy_metrics(searched.evaluated.energies) | {
        "grad/norm": jnp.linalg.norm(searched.gradient),
        "line_search/evaluations": searched.count,
        "energy/error": -0.5 * jnp.dot(ahead, searched.gradient),
        "direct/angle": reach,
    }
    params = {**state.params, ROTATION: (x + moved).reshape(rotation.shape)}
    return TrainState(state.step + 1, params, new, state.key, state.evaluations + searched.count), metrics


def _descent(history: LBFGSState) -> Array:
    """The quasi-Newton direction, or the preconditioned gradient where rounding spoiled it."""
    direction = -inverse_hessian(history, history.gradient)
    return jnp.where(jnp.dot(direction, history.gradient) < 0, direction, -history.gradient)


def _angle(scale: Float[Array, "spin n orbitals"], x: Float[Array, " parameters"]) -> Scalar:
    """The largest angle by which coordinates turn an orbital, for small ones."""
    return jnp.sqrt(jnp.max(jnp.sum((scale * x.reshape(scale.shape)) ** 2, axis=1)))
