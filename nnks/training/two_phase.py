r"""First order first, second order then: a hand-over where first-order steps no longer pay.

First-order steps take minibatches and any start, and become slow near the minimum; second-order steps want a start that
is not far off, and the full grid. The first phase ends when the mean energy of the last `patience` steps is below that
of as many before them by less than `gain` of all that was gained since the start. The second phase minimizes on the
full grid, whatever the batches of the first.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax.numpy as jnp
import optax

from nnks.objective import Problem, whole
from nnks.registry import InputError, suggest
from nnks.training.base import OPTIMIZERS
from nnks.training.gradient import OPTAX, FirstOrder
from nnks.training.lbfgs import LBFGSState
from nnks.training.range_test import Descent, range_test
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Array, Bool, Float, Params, PRNGKey, Scalar, record

SECOND = ("lbfgs", "natural_gradient")

PHASE, FIRST_PHASE, SECOND_PHASE = "handover/phase", 1, 2
"""The metric that says which phase a step was of, and its values."""


@record
class HandOverState:
    """What goes from step to step.

    Attributes:
        rate: the learning rate of the first phase.
        polishing: whether the second phase has begun.
        top: energy of the first step [Ha].
        recent: energies of the last steps, oldest first [Ha]; infinite before there were so many.
        first: the first optimizer's state.
        second: the second one's.
    """

    rate: Scalar
    polishing: Bool[Array, ""]
    top: Scalar
    recent: Float[Array, " steps"]
    first: Any
    second: Any


@OPTIMIZERS.register("handover")
@dataclasses.dataclass(frozen=True)
class HandOver:
    """A first-order phase on the run's batches, then second-order steps on the full grid.

    Attributes:
        steps: of the run.
        first: optimizer of the first phase, any of optax's.
        learning_rate: its learning rate; 0: a range test finds it (50 gradients at most).
        second: `lbfgs` or `natural_gradient`.
        curvature: of `lbfgs`: what a second derivative along a parameter is expected to be [Ha]; 0.03 for networks.
        patience: steps whose mean energy is compared with that of as many before.
        gain: share of all that was gained below which a mean that fell ends the first phase.
    """

    steps: int
    first: str = "adam"
    learning_rate: float = 0.0
    second: str = "lbfgs"
    curvature: float = 1.0
    patience: int = 10
    gain: float = 0.05

    minibatch: ClassVar[bool] = True
    line_search: ClassVar[bool] = True
    reports_end: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuses settings that no phase can use."""
        for name, choices in (("first", OPTAX), ("second", SECOND)):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"optimizer.{name} is '{getattr(self, name)}'; {suggest(getattr(self, name), choices)}."
                )
        if not 0 <= self.learning_rate < jnp.inf:
            raise InputError(
                f"optimizer.learning_rate is {self.learning_rate}; it must be positive, or 0 for a range test to find "
                "it."
            )
        if self.second != "lbfgs" and self.curvature != 1.0:
            raise InputError(
                f"optimizer.curvature is {self.curvature}, which only optimizer.second='lbfgs' uses; leave it at 1.0 "
                f"with '{self.second}'."
            )
        if self.patience < 1:
            raise InputError(f"optimizer.patience is {self.patience}; it must be at least 1.")
        if not 0 < self.gain < 1:
            raise InputError(f"optimizer.gain is {self.gain}; it must be between 0 and 1, such as 0.05.")

    @functools.cached_property
    def descent(self) -> Descent:
        """Steps of the first phase."""
        made = OPTIMIZERS.build({"name": self.first}, steps=self.steps)
        assert isinstance(made, FirstOrder)
        assert made.recipe is not None
        return Descent(made.recipe)

    @functools.cached_property
    def polish(self) -> Any:
        """The optimizer of the second phase."""
        fields = {"curvature": self.curvature} if self.second == "lbfgs" else {}
        return OPTIMIZERS.build({"name": self.second, **fields}, steps=self.steps)

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> HandOverState:
        """The first phase's state, with a learning rate that a range test finds if none is given."""
        rate = self.learning_rate or range_test(self.descent, problem, params, key).suggestion
        unknown = jnp.full(2 * self.patience, jnp.inf, jnp.float64)
        first, second = self.descent.init(params), self.polish.init(whole(problem), params, key)
        return HandOverState(jnp.float64(rate), jnp.bool_(False), unknown[0], unknown, first, second)

    def make_step(self, problem: Problem) -> StepFn:
        """A step of whichever phase the state is in."""
        full = whole(problem)
        polish = self.polish.make_step(full)

        def step(state: TrainState) -> tuple[TrainState, Metrics]:
            old: HandOverState = state.opt_state
            if not bool(old.polishing):
                return self._descend(problem, full, state)
            state, metrics = polish(dataclasses.replace(state, opt_state=old.second))
            if self.polish.reports_end:
                metrics = _of_the_start(old.second, metrics)
            kept = dataclasses.replace(old, second=state.opt_state)
            return dataclasses.replace(state, opt_state=kept), metrics | {PHASE: jnp.asarray(SECOND_PHASE)}

        return step

    def _descend(self, problem: Problem, full: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
        """A first-order step, and the hand-over where it is due."""
        old: HandOverState = state.opt_state
        state, metrics = self.descent.step(problem, dataclasses.replace(state, opt_state=old.first), old.rate)
        total = metrics["energy/total"]
        top = jnp.where(jnp.isfinite(old.top), old.top, total)
        recent = jnp.concatenate([old.recent[1:], total[None]])
        before, after = (jnp.mean(half) for half in jnp.split(recent, 2))
        over = jnp.isfinite(before) & (before - after < self.gain * (top - after))
        second = self.polish.init(full, state.params, state.key) if bool(over) else old.second
        new = HandOverState(old.rate, over, top, recent, state.opt_state, second)
        metrics = metrics | {PHASE: jnp.asarray(FIRST_PHASE), "handover/learning_rate": old.rate}
        return dataclasses.replace(state, opt_state=new), metrics


def _of_the_start(old: LBFGSState, metrics: Metrics) -> Metrics:
    """The numbers of the state that a step started from; its first one evaluates the start and does not move."""
    known = energy_metrics(old.evaluated.energies) | {"grad/norm": optax.tree.norm(old.gradient)}
    begun = jnp.isfinite(known["energy/total"])
    return metrics | {name: jnp.where(begun, value, metrics[name]) for name, value in known.items()}
