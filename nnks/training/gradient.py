"""Steps of first-order optimizers: optax's, by name, with schedules."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import optax

from nnks.objective import Objective, Several
from nnks.registry import InputError, suggest
from nnks.training.base import OPTIMIZERS
from nnks.training.passes import make_pass
from nnks.training.rounding import without_rounding
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Params, PRNGKey

OPTAX = (
    "adam",
    "adamw",
    "adamax",
    "adabelief",
    "adagrad",
    "adan",
    "amsgrad",
    "lamb",
    "lion",
    "nadam",
    "novograd",
    "radam",
    "rmsprop",
    "sgd",
    "yogi",
)
"""Optimizers of optax that need a learning rate and a gradient, and nothing else: not a key (noisy_sgd), and not a
learning rate that is a number rather than a schedule (rprop, sm3)."""

SCHEDULES = {
    "constant": "the learning rate throughout",
    "cosine": "to zero along half a cosine",
    "exponential": "by a factor of 100 over the run",
    "piecewise": "halved at 50 % and at 75 % of the steps, as in the paper's code",
    "warmup_cosine": "up linearly over the first 5 %, then along a cosine to zero",
}


OWN = """Args:
  learning_rate: factor of every update.
  schedule: of the learning rate over the steps of a run.
"""
"""What an optimizer of optax takes here, beside options of its own."""


def make_schedule(name: str, learning_rate: float, steps: int) -> optax.Schedule:
    """A learning rate as a function of the step; every schedule scales the configured rate."""
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"optimizer.learning_rate is {learning_rate}; it must be a positive number such as 1e-2.")
    schedules = {
        "constant": lambda: optax.constant_schedule(learning_rate),
        "cosine": lambda: optax.cosine_decay_schedule(learning_rate, steps),
        "exponential": lambda: optax.exponential_decay(learning_rate, steps, 0.01),
        "piecewise": lambda: optax.piecewise_constant_schedule(learning_rate, {steps // 2: 0.5, 3 * steps // 4: 0.5}),
        "warmup_cosine": lambda: optax.warmup_cosine_decay_schedule(
            0.0, learning_rate, max(steps // 20, 1), max(steps, 2)
        ),
    }
    if name not in schedules:
        raise InputError(f"optimizer.schedule is '{name}'; {suggest(name, schedules)}.")
    return schedules[name]()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How an optax optimizer is made from numbers, so that they can also be arguments of a compiled program.

    Attributes:
        make: from a schedule and options to the optimizer.
        schedule: the learning rate as a function of the step.
        numbers: real options.
        fixed: whole numbers and switches, which are part of the program.
    """

    make: Callable[..., optax.GradientTransformation]
    schedule: optax.Schedule
    numbers: Mapping[str, float]
    fixed: Mapping[str, Any]

    def __call__(self) -> optax.GradientTransformation:
        """The optimizer itself."""
        return self.make(self.schedule, **self.numbers, **self.fixed)


@dataclasses.dataclass(frozen=True)
class FirstOrder:
    """A first-order method: one gradient of the batch energy, one update of optax.

    Without a recipe it has no batches of runs.
    """

    optimizer: optax.GradientTransformation
    minibatch: bool = True
    reports_end: bool = False
    recipe: Recipe | None = None

    several: ClassVar[bool] = True

    def init(self, objective: Objective, params: Params, key: PRNGKey) -> Any:
        """The state of the optax optimizer."""
        return self.optimizer.init(params)

    def make_step(self, objective: Objective) -> StepFn:
        """The compiled step; the objective's arrays are its arguments. Over several systems it is a pass."""
        if isinstance(objective, Several):
            return make_pass(self.optimizer, objective)

        @jax.jit
        def step(objective: Objective, state: TrainState) -> tuple[TrainState, Metrics]:
            return descend(self.optimizer, objective, state)

        return lambda state: step(objective, state)


def descend(
    optimizer: optax.GradientTransformation, objective: Objective, state: TrainState
) -> tuple[TrainState, Metrics]:
    """One step: the energy and its gradient, and an update of the parameters."""
    (_, evaluated), gradient = jax.value_and_grad(objective.loss, has_aux=True)(state.params, state.key, state.step)
    return advance(optimizer, objective, state, gradient, evaluated)


def advance(
    optimizer: optax.GradientTransformation,
    objective: Objective,
    state: TrainState,
    gradient: Params,
    evaluated: Any,
) -> tuple[TrainState, Metrics]:
    """The update of the parameters for an estimate of the energies and of their gradient."""
    gradient = without_rounding(gradient, evaluated.energies)
    updates, opt_state = optimizer.update(objective.followed(state.params, gradient), state.opt_state, state.params)
    params = evaluated.remember(objective.retract(optax.apply_updates(state.params, updates)))
    slope = objective.slope(state.params, gradient)
    metrics = energy_metrics(evaluated.energies) | {"grad/norm": optax.tree.norm(slope)}
    return TrainState(state.step + 1, params, opt_state, state.key, state.evaluations + 1), metrics


def _register(name: str) -> None:
    """Adds an optax optimizer with its own numeric options as config fields."""
    optax_make = getattr(optax, name)
    options = {
        p.name: p.default
        for p in inspect.signature(optax_make).parameters.values()
        if p.name != "learning_rate" and isinstance(p.default, (bool, int, float))
    }

    def make(*, steps: int, learning_rate: float = 1e-2, schedule: str = "constant", **fields: Any) -> FirstOrder:
        given = options | fields
        numbers = {key: value for key, value in given.items() if isinstance(options[key], float)}
        fixed = {key: value for key, value in given.items() if key not in numbers}
        recipe = Recipe(optax_make, make_schedule(schedule, learning_rate, steps), numbers, fixed)
        return FirstOrder(recipe(), recipe=recipe)

    # the registry reads a member's config fields from its signature
    own = [p for p in inspect.signature(make).parameters.values() if p.name != "fields"]
    extra = [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=v) for k, v in options.items()]
    make.__signature__ = inspect.Signature(own + extra)  # pyright: ignore[reportFunctionMemberAccess]
    make.__doc__ = f"{inspect.getdoc(optax_make)}\n\n{OWN}"
    OPTIMIZERS.register(name, f"optax.{name}: {(inspect.getdoc(optax_make) or name).splitlines()[0]}")(make)


for _name in OPTAX:
    _register(_name)
