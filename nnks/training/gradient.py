"""Steps of first-order optimizers: optax's, by name, with schedules."""

from __future__ import annotations

import inspect
import math
from typing import Any

import jax
import optax

from nnks.registry import InputError, suggest
from nnks.training.state import Metrics, Problem, StepFn, TrainState, energy_metrics
from nnks.types import Params

OPTIMIZERS = (
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
    "noisy_sgd",
    "novograd",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
    "sm3",
    "yogi",
)
"""Optimizers of optax that need a learning rate and a gradient, and nothing else."""

SCHEDULES = {
    "constant": "the learning rate throughout",
    "cosine": "to zero along half a cosine",
    "exponential": "by a factor of 100 over the run",
    "piecewise": "halved at 50 % and at 75 % of the steps, as in the paper's code",
    "warmup_cosine": "up linearly over the first 5 %, then along a cosine to zero",
}


def make_schedule(name: str, learning_rate: float, steps: int) -> optax.Schedule:
    """A learning rate as a function of the step; every schedule scales the configured rate."""
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"optimizer.learning_rate is {learning_rate}; it must be a positive number such as 1e-2.")
    schedules = {
        "constant": lambda: optax.constant_schedule(learning_rate),
        "cosine": lambda: optax.cosine_decay_schedule(learning_rate, steps),
        "exponential": lambda: optax.exponential_decay(learning_rate, steps, 0.01),
        "piecewise": lambda: optax.piecewise_constant_schedule(
            learning_rate, {steps // 2: 0.5, 3 * steps // 4: 0.5}
        ),
        "warmup_cosine": lambda: optax.warmup_cosine_decay_schedule(
            0.0, learning_rate, max(steps // 20, 1), max(steps, 2)
        ),
    }
    if name not in schedules:
        raise InputError(f"optimizer.schedule is '{name}'; {suggest(name, schedules)}.")
    return schedules[name]()


def make_optimizer(name: str, schedule: optax.Schedule, options: dict[str, Any]) -> optax.GradientTransformation:
    """The optax optimizer of that name; `options` are its own keyword arguments (`b1`, `momentum`, ...)."""
    make = getattr(optax, name)
    accepted = [p for p in inspect.signature(make).parameters if p != "learning_rate"]
    for key in options:
        if key not in accepted:
            raise InputError(f"optimizer.options.{key} is not an option of '{name}'; {suggest(key, accepted)}.")
    return make(schedule, **options)


def make_gradient_step(problem: Problem, optimizer: optax.GradientTransformation) -> StepFn:
    """One gradient of the batch energy, one update."""

    @jax.jit
    def step(problem: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
        (_, energies), gradient = jax.value_and_grad(problem.loss, has_aux=True)(
            state.params, state.key, state.step
        )
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        params: Params = optax.apply_updates(state.params, updates)
        metrics = energy_metrics(energies) | {"grad/norm": optax.tree.norm(gradient)}
        return TrainState(state.step + 1, params, opt_state, state.key, state.evaluations + 1), metrics

    return lambda state: step(problem, state)
