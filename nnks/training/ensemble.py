"""Runs that differ in their seed or in numbers of a first-order optimizer, trained by one compiled program.

Each member's state is that of a run by itself, so that a run may begin alone and go on in a batch, or the other way
round.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.objective import Problem
from nnks.training.gradient import FirstOrder, Recipe, descend
from nnks.training.loop import MemberProgress
from nnks.training.state import Metrics, TrainingDiverged, TrainState, member
from nnks.types import Array

SIGNS = ("lion",)
"""Optimizers that follow the sign of a gradient: where symmetry makes it zero, rounding decides, and programs round
differently."""


def stack(states: Sequence[TrainState]) -> TrainState:
    """States of equal structure with a leading axis over them, at whatever steps they are."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def make_batch_step(
    optimizers: Sequence[FirstOrder], problem: Problem, steps: int
) -> Callable[[TrainState], tuple[TrainState, Metrics]]:
    """The step of every member at once; real options and learning rates are arguments of the program.

    Args:
        optimizers: one a member, which differ in schedules and real options only.
        problem: what they all minimize.
        steps: that a run takes at most; learning rates are tabulated for so many.

    Raises:
        ValueError: for an optimizer that was made without a recipe.
    """
    recipes = [optimizer.recipe for optimizer in optimizers if optimizer.recipe is not None]
    if len(recipes) < len(optimizers):
        raise ValueError("an optimizer made by hand has no recipe, and trains no batch of runs.")
    first = recipes[0]
    numbers = {key: jnp.asarray([recipe.numbers[key] for recipe in recipes]) for key in first.numbers}
    rates = jnp.stack([_rates(recipe, steps) for recipe in recipes])

    @jax.jit
    def step(problem: Problem, numbers: dict[str, Array], rates: Array, states: TrainState) -> Any:
        def one(numbers: dict[str, Array], rates: Array, state: TrainState) -> tuple[TrainState, Metrics]:
            optimizer = first.make(lambda count: rates[count], **numbers, **first.fixed)
            return descend(optimizer, problem, state)

        return jax.vmap(one)(numbers, rates, states)

    return lambda states: step(problem, numbers, rates, states)


def _rates(recipe: Recipe, steps: int) -> Array:
    """The learning rate at every step."""
    return jax.vmap(lambda n: jnp.asarray(recipe.schedule(n), jnp.float64))(jnp.arange(steps, dtype=jnp.int32))


def iterate_together(
    step: Callable[[TrainState], tuple[TrainState, Metrics]], states: TrainState
) -> Iterator[list[MemberProgress | TrainingDiverged]]:
    """Yields the progress of all members, without end: the caller knows which of them have stopped.

    Step n is dispatched before the numbers of step n - 1 are read. A number that is not finite ends its member, and no
    other: from then on its error stands in its place, with the last state that was finite.
    """
    before, (after, metrics) = states, step(states)
    first, diverged = np.asarray(states.step), {}
    last: list[float | None] = [None] * len(first)
    started, taken = time.perf_counter(), 0
    while True:
        following = step(after)
        values = {name: np.asarray(value) for name, value in metrics.items()}
        elapsed, started = time.perf_counter() - started, time.perf_counter()
        taken += 1
        outcomes: list[MemberProgress | TrainingDiverged] = []
        for index in range(len(first)):
            n = int(first[index]) + taken
            own = {name: float(value[index]) for name, value in values.items()} | {"time/step_s": elapsed}
            if index not in diverged and not all(map(math.isfinite, own.values())):
                diverged[index] = TrainingDiverged(n, own, member(before, index), last[index])
            last[index] = own["energy/total"]
            outcomes.append(diverged.get(index) or MemberProgress(n, own, after, index))
        yield outcomes
        before, (after, metrics) = after, following
