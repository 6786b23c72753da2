r"""Natural gradient over the space of occupied orbitals: the steepest steps in the metric of `nnks.training.metric`.

$$\delta = -\eta\,(S + \lambda\,\mathrm{diag}\,S)^{-1} g$$

The metric is also the Hessian of the energy with the potential's response neglected, so that $\eta = 1$ is nearly a
Newton step. It is estimated from sampled points and averaged over steps; the damping $\lambda$ follows the line search.
Where the matrix would not fit, products with it do (`solver="cg"`), starting from the last direction, which averages in
its own way. Two relatives are there to compare with: `form="overlap"`, the metric of stochastic reconfiguration, and
`solver="blocks"`, which keeps a block a layer, as KFAC does before it factorizes them.

References:
    Marquardt, SIAM J. Appl. Math. 11, 431 (1963) for the damping;
    Goldshlager, Abrahamsen, Lin, J. Comput. Phys. 516, 113351 (2024) for going on from the last direction (SPRING);
    Martens, Grosse, ICML 2015 for a block a layer (KFAC).
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from nnks.objective import Evaluated, Problem
from nnks.registry import InputError, suggest
from nnks.training.base import OPTIMIZERS
from nnks.training.gradient import make_schedule
from nnks.training.metric import FORMS, Tangents, dense_metric, draw, make_tangents, metric_product, sampling
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Array, Float, Int, Params, PRNGKey, Scalar, record

SOLVERS = ("auto", "dense", "blocks", "cg")

DENSE_LIMIT = 1000
"""Parameters up to which `solver="auto"` holds the matrix: at 794 both ways cost the same, at 1381 products take a
third of the time (results/stored/metric)."""

DECREASE = 1e-4
"""Share of the predicted decrease that a step must keep (Armijo)."""

LARGEST_DAMPING = 1e3
"""At this the direction is the gradient over the diagonal, short enough for any curvature."""


@record
class NaturalState:
    """What goes from step to step.

    Attributes:
        sampling: cumulative probabilities of the grid's points, from the density at the start.
        metric: the average so far (`dense`), or one zero.
        direction: the last one, before the line search.
        damping: of the next step.
    """

    sampling: Float[Array, " points"]
    metric: Float[Array, "rows columns"]
    direction: Float[Array, " parameters"]
    damping: Scalar


@record
class _Trial:
    length: Scalar
    evaluated: Evaluated
    accepted: Array
    count: Int[Array, ""]


@OPTIMIZERS.register("natural_gradient")
@dataclasses.dataclass(frozen=True)
class NaturalGradient:
    """Natural gradient in an energy-like metric of the occupied space, on the full grid or on minibatches.

    Attributes:
        steps: of the run, which a schedule refers to.
        learning_rate: the first length that a line search tries; 1 on the full grid, less on noisy minibatches.
        schedule: of the learning rate.
        points: sampled for the metric in each step.
        decay: share of the old metric in the average (`dense`), or of the last direction that `cg` starts from.
        damping: the first one, relative to the metric's diagonal.
        least_damping: the smallest.
        form: of the metric: `energy`, or `overlap` without the energy in it.
        solver: `dense`, `blocks` (a block a layer), `cg` (products only), or `auto`: dense up to 1000 parameters.
        iterations: of `cg` in each step.
        trials: energies that one line search may use.
    """

    steps: int
    learning_rate: float = 1.0
    schedule: str = "constant"
    points: int = 500
    decay: float = 0.7
    damping: float = 1e-3
    least_damping: float = 1e-7
    form: str = "energy"
    solver: str = "auto"
    iterations: int = 60
    trials: int = 3

    # the metric is an average over steps, and a line search compares energies of one batch
    minibatch: ClassVar[bool] = True
    line_search: ClassVar[bool] = True
    reports_end: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuses settings that no step can use."""
        make_schedule(self.schedule, self.learning_rate, self.steps)
        for name, choices in (("solver", SOLVERS), ("form", FORMS)):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"optimizer.{name} is '{getattr(self, name)}'; {suggest(getattr(self, name), choices)}."
                )
        for name in ("points", "iterations", "trials"):
            if getattr(self, name) < 1:
                raise InputError(f"optimizer.{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.decay < 1:
            raise InputError(f"optimizer.decay is {self.decay}; it must be at least 0 and below 1, such as 0.7.")
        if not 0 < self.least_damping <= self.damping:
            raise InputError(
                f"optimizer.damping is {self.damping} and optimizer.least_damping {self.least_damping}; both must be "
                "positive, and the least not above the first."
            )

    def dense(self, parameters: int) -> bool:
        """Whether the matrix is held."""
        return self.solver in ("dense", "blocks") or (self.solver == "auto" and parameters <= DENSE_LIMIT)

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> NaturalState:
        """No metric yet; where its points will be drawn from."""
        flat, _ = ravel_pytree(params)
        size = flat.size if self.dense(flat.size) else 1  # a checkpoint takes no empty array
        cumulative = _sampling(problem, params)
        damping = jnp.asarray(self.damping, flat.dtype)
        return NaturalState(cumulative, jnp.zeros((size, size), flat.dtype), jnp.zeros_like(flat), damping)

    def make_step(self, problem: Problem) -> StepFn:
        """The compiled step. Problems of the same shapes share the program."""
        return lambda state: _step(self, problem, state)


@jax.jit
def _sampling(problem: Problem, params: Params) -> Float[Array, " points"]:
    return sampling(problem.grid, problem.model(params, problem.grid.quadrature()).density().total)


@jax.jit(static_argnums=0)
def _step(optimizer: NaturalGradient, problem: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
    old: NaturalState = state.opt_state
    (_, evaluated), slopes = jax.value_and_grad(problem.loss, has_aux=True)(state.params, state.key, state.step)
    gradient, _ = ravel_pytree(slopes)
    params = evaluated.remember(state.params)
    start, unravel = ravel_pytree(params)
    # samplers split the step's key in two, which are its streams 0 and 1: the metric's points are drawn from another
    key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 2)
    model, sample = problem.model, draw(problem.grid, old.sampling, optimizer.points, key)
    tangents = make_tangents(model.ansatz, params, model.nocc, model.occupations, *sample, optimizer.form)
    if optimizer.dense(start.size):
        new = dense_metric(tangents, start, unravel)
        # the plain mean until enough steps are there
        share = jnp.minimum(optimizer.decay, 1 - 1 / (state.step + 1)).astype(start.dtype)
        metric = share * old.metric + (1 - share) * new
        kept = metric * same_layer(params) if optimizer.solver == "blocks" else metric
        direction = _solve(kept, gradient, old.damping)
    else:
        metric = old.metric
        direction = _iterate(optimizer, tangents, start, unravel, gradient, old, key)

    def energy(length: Scalar) -> Evaluated:
        return problem.loss(unravel(start + length * direction), state.key, state.step)[1]

    rate = make_schedule(optimizer.schedule, optimizer.learning_rate, optimizer.steps)(state.step)
    slope = jnp.dot(gradient, direction)
    search = _line_search(
        energy, evaluated, slope, jnp.asarray(rate, start.dtype), optimizer.trials, problem.resolution
    )
    # a step that had to be shortened says that the metric lacks a direction: damping bends the next one away from it
    change = jnp.where(search.accepted, jnp.where(search.count == 1, 0.5, jnp.where(search.count == 2, 1.0, 4.0)), 10.0)
    damping = jnp.clip(change * old.damping, optimizer.least_damping, LARGEST_DAMPING).astype(start.dtype)
    moved = search.evaluated.remember(unravel(start + search.length * direction))
    metrics = energy_metrics(evaluated.energies) | {
        "grad/norm": optax.tree.norm(slopes),
        "line_search/evaluations": search.count,
        "line_search/length": search.length,
        "natural_gradient/damping": old.damping,
        "energy/predicted": -0.5 * slope,
    }
    opt_state = NaturalState(old.sampling, metric, direction, damping)
    return TrainState(state.step + 1, moved, opt_state, state.key, state.evaluations + 1), metrics


def same_layer(params: Params) -> Array:
    """Whether two parameters belong to one layer, as a kernel and its bias do.

    Their paths differ in the last name at most.
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    layers = {path[:-1]: n for n, (path, _) in enumerate(leaves)}
    number = jnp.concatenate([jnp.full(leaf.size, layers[path[:-1]]) for path, leaf in leaves])
    return number[:, None] == number[None, :]


def _solve(metric: Array, gradient: Array, damping: Scalar) -> Array:
    """The damped direction, in parameters scaled to a unit diagonal."""
    diagonal = jnp.diagonal(metric)
    scale = jax.lax.rsqrt(jnp.maximum(diagonal, 1e-12 * jnp.max(diagonal)))
    matrix = scale[:, None] * metric * scale[None, :] + damping * jnp.eye(len(metric), dtype=metric.dtype)
    return -scale * jax.scipy.linalg.solve(matrix, scale * gradient, assume_a="pos")


def _iterate(
    optimizer: NaturalGradient,
    tangents: Tangents,
    flat: Array,
    unravel,
    gradient: Array,
    old: NaturalState,
    key: PRNGKey,
) -> Array:
    """The same by conjugate gradients with the diagonal, estimated from random signs, as preconditioner."""
    product, pull = metric_product(tangents, flat, unravel)
    signs = jax.random.rademacher(jax.random.fold_in(key, 1), (16, *tangents.psi.shape), flat.dtype)
    diagonal = jnp.mean(jax.lax.map(pull, signs) ** 2, axis=0)
    diagonal = jnp.maximum(diagonal, 1e-3 * jnp.mean(diagonal))

    def damped(v: Array) -> Array:
        return product(v) + old.damping * diagonal * v

    guess = optimizer.decay * old.direction
    direction, _ = jax.scipy.sparse.linalg.cg(
        damped, -gradient, x0=guess, tol=1e-3, maxiter=optimizer.iterations, M=lambda v: v / diagonal
    )
    # an unfinished solution can point up, where the last direction no longer fits
    return jnp.where(jnp.dot(direction, gradient) < 0, direction, -gradient / diagonal)


def _line_search(energy, start: Evaluated, slope: Scalar, rate: Scalar, trials: int, resolution: float) -> _Trial:
    """Armijo's condition by backtracking along parabolas.

    Where energies differ by rounding alone, the step is taken.
    """
    origin = start.energies["total"]
    rounding = jnp.maximum(10 * jnp.finfo(origin.dtype).eps * jnp.abs(origin), resolution)

    def judge(trial: _Trial) -> _Trial:
        evaluated = energy(trial.length)
        total = evaluated.energies["total"]
        rise = total - origin
        flat = jnp.abs(rise) <= rounding
        accepted = jnp.isfinite(total) & (flat | (rise <= DECREASE * trial.length * slope))
        parabola = -0.5 * slope * trial.length**2 / (rise - slope * trial.length)
        shorter = jnp.where(jnp.isfinite(parabola), parabola, 0.0)
        shorter = jnp.clip(shorter, 0.2 * trial.length, 0.5 * trial.length)
        last = trial.count + 1 >= trials
        length = jnp.where(accepted, trial.length, jnp.where(last, 0.0, shorter))
        kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), evaluated, start)
        return _Trial(length, kept, accepted, trial.count + 1)

    first = _Trial(rate, start, jnp.bool_(False), jnp.int32(0))
    return jax.lax.while_loop(lambda t: ~t.accepted & (t.count < trials), judge, first)
