r"""L-BFGS on the full quadrature, with a line search that keeps every evaluated energy and gradient.

A step is one direction and one line search; it compiles the energy gradient once, and reports the terms of
the accepted point without evaluating them again. With preconditioned parameters the first trial, a unit step, is
nearly always accepted: one gradient a step.

References:
    Nocedal, Math. Comput. 35, 773 (1980); Lewis, Overton, Math. Program. 141, 135 (2013) for the line search;
    Hager, Zhang, SIAM J. Optim. 16, 170 (2005) for accepting steps below rounding.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from nnks.objective import Evaluated, Objective
from nnks.training.base import OPTIMIZERS
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Array, Float, Int, Params, PRNGKey, Scalar, record

DECREASE, CURVATURE = 1e-4, 0.9
"""Constants of the weak Wolfe conditions."""


@record
class LBFGSState:
    """The last pairs of steps and gradient changes, newest first, and the point that they end at.

    A pair that would spoil positive curvature is stored as zeros and has no effect.
    """

    steps: Float[Array, "memory parameters"]
    changes: Float[Array, "memory parameters"]
    gradient: Float[Array, " parameters"]
    evaluated: Evaluated


@record
class _Trial:
    """A point on the line: its length, the bracket, and what was evaluated there."""

    length: Scalar
    low: Scalar
    high: Scalar
    gradient: Float[Array, " parameters"]
    evaluated: Evaluated
    accepted: Array
    count: Int[Array, ""]


@OPTIMIZERS.register("lbfgs")
@dataclasses.dataclass(frozen=True)
class LBFGS:
    """L-BFGS with a line search, on the full quadrature.

    Attributes:
        memory: pairs of steps and gradient changes that are kept.
        curvature: what a second derivative along a parameter is expected to be [Ha]; the first step is the
            gradient divided by it. One for preconditioned Gaussian orbitals, 0.03 for networks.
        first_step: largest length of the first step, before the curvature is known.
        trials: energy gradients that one line search may use.
    """

    memory: int = 20
    curvature: float = 1.0
    first_step: float = 1.0
    trials: int = 12

    # a line search compares energies, which a new batch would change
    minibatch: ClassVar[bool] = False
    line_search: ClassVar[bool] = True
    reports_end: ClassVar[bool] = True
    several: ClassVar[bool] = True

    def init(self, objective: Objective, params: Params, key: PRNGKey) -> LBFGSState:
        """The state before the first step: no gradient, and an energy that any other is lower than.

        The first step then moves by nothing and evaluates the start, by the program that all steps share.
        """
        flat, _ = ravel_pytree(params)
        return empty_history(self.memory, jnp.zeros_like(flat), objective.unknown(params))

    def make_step(self, objective: Objective) -> StepFn:
        """The compiled step: one direction, one line search. Objectives of the same shapes share the program."""
        return lambda state: _step(self, objective, state)


@jax.jit(static_argnums=0)
def _step(optimizer: LBFGS, objective: Objective, state: TrainState) -> tuple[TrainState, Metrics]:
    x, unravel = ravel_pytree(state.params)
    old: LBFGSState = state.opt_state
    direction = -inverse_hessian(old, old.gradient)
    slope = jnp.dot(direction, old.gradient)
    # without curvature, or if rounding spoiled the direction: steepest descent of bounded length
    fresh = (jnp.sum(old.steps[0] ** 2) == 0) | (slope >= 0)
    norm = jnp.linalg.norm(old.gradient)
    steepest = -old.gradient * jnp.minimum(1 / optimizer.curvature, optimizer.first_step / jnp.maximum(norm, 1e-30))
    direction = jnp.where(fresh, steepest, direction)
    slope = jnp.dot(direction, old.gradient)

    def evaluate(length: Scalar) -> tuple[Evaluated, Array]:
        params = unravel(x + length * direction)
        (_, evaluated), gradient = jax.value_and_grad(objective.loss, has_aux=True)(params, state.key, state.step)
        return evaluated, ravel_pytree(gradient)[0]

    searched = line_search(evaluate, old, direction, slope, optimizer.trials, objective.resolution)
    moved = searched.length * direction
    new = remembered(old, moved, searched.gradient, searched.evaluated)
    metrics = energy_metrics(searched.evaluated.energies) | {
        "grad/norm": jnp.linalg.norm(searched.gradient),
        "line_search/evaluations": searched.count,
    }
    params = searched.evaluated.remember(unravel(x + moved))
    evaluations = state.evaluations + searched.count
    return TrainState(state.step + 1, params, new, state.key, evaluations), metrics


def empty_history(memory: int, gradient: Float[Array, " parameters"], evaluated: Evaluated) -> LBFGSState:
    """No pairs yet."""
    empty = jnp.zeros((memory, gradient.size), gradient.dtype)
    return LBFGSState(empty, empty, gradient, evaluated)


def remembered(old: LBFGSState, moved: Array, gradient: Array, evaluated: Evaluated) -> LBFGSState:
    """The history after a step."""
    change = gradient - old.gradient
    keep = jnp.dot(moved, change) > 1e-10 * jnp.linalg.norm(moved) * jnp.linalg.norm(change)
    return LBFGSState(
        jnp.concatenate([jnp.where(keep, moved, 0.0)[None], old.steps[:-1]]),
        jnp.concatenate([jnp.where(keep, change, 0.0)[None], old.changes[:-1]]),
        gradient,
        evaluated,
    )


def inverse_hessian(state: LBFGSState, vector: Array) -> Array:
    """The two-loop recursion: an approximate inverse Hessian times a vector."""
    products = jnp.sum(state.steps * state.changes, axis=1)
    rho = jnp.where(products > 0, 1 / jnp.where(products > 0, products, 1.0), 0.0)

    def forward(q: Array, pair: tuple) -> tuple[Array, Array]:
        s, y, r = pair
        alpha = r * jnp.dot(s, q)
        return q - alpha * y, alpha

    def backward(q: Array, pair: tuple) -> tuple[Array, None]:
        s, y, r, alpha = pair
        return q + s * (alpha - r * jnp.dot(y, q)), None

    q, alphas = jax.lax.scan(forward, vector, (state.steps, state.changes, rho))
    newest = jnp.sum(state.changes[0] ** 2)
    gamma = jnp.where(newest > 0, products[0] / jnp.where(newest > 0, newest, 1.0), 1.0)
    q, _ = jax.lax.scan(backward, gamma * q, (state.steps, state.changes, rho, alphas), reverse=True)
    return q


def line_search(evaluate, old: LBFGSState, direction: Array, slope: Scalar, trials: int, resolution: float) -> _Trial:
    """Weak Wolfe conditions by bracketing, starting from the unit step."""
    start = old.evaluated.energies["total"]
    rounding = jnp.maximum(10 * jnp.finfo(start.dtype).eps * jnp.abs(start), resolution)

    def judge(trial: _Trial) -> _Trial:
        evaluated, gradient = evaluate(trial.length)
        total, end = evaluated.energies["total"], jnp.dot(gradient, direction)
        finite = jnp.isfinite(total) & jnp.all(jnp.isfinite(gradient))
        # below rounding the energy says nothing, and the slope decides
        flat = jnp.abs(total - start) <= rounding
        lower = finite & (flat | (total <= start + DECREASE * trial.length * slope))
        steep = end < CURVATURE * slope
        accepted = lower & ~steep & (jnp.abs(end) <= jnp.abs(slope) * jnp.where(flat, 1.0, jnp.inf))
        low = jnp.where(lower & steep, trial.length, trial.low)
        high = jnp.where(lower, trial.high, trial.length)
        middle = jnp.where(jnp.isfinite(high), 0.5 * (low + high), 2 * trial.length)
        # a parabola through the start and a point that was too high aims better than halving
        parabola = -0.5 * slope * trial.length**2 / (total - start - slope * trial.length)
        inside = (parabola > low + 0.1 * (high - low)) & (parabola < low + 0.7 * (high - low))
        following = jnp.where(~lower & finite & inside, parabola, middle)
        last = trial.count + 1 >= trials
        length = jnp.where(accepted | (last & lower), trial.length, jnp.where(last, 0.0, following))
        new_evaluated, new_gradient = jax.tree.map(
            lambda new, kept: jnp.where(last & ~lower, kept, new),
            (evaluated, gradient),
            (old.evaluated, old.gradient),
        )
        return _Trial(length, low, high, new_gradient, new_evaluated, accepted, trial.count + 1)

    one = jnp.ones((), start.dtype)
    first = _Trial(one, 0 * one, jnp.inf * one, old.gradient, old.evaluated, jnp.bool_(False), jnp.int32(0))
    return jax.lax.while_loop(lambda t: ~t.accepted & (t.count < trials), judge, first)
