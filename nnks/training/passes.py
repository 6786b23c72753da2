"""First-order steps over several systems: a step is a pass over all of them, with an update after every few.

Systems of like sizes share a program, and their arrays are padded for it (`nnks.objective.padding`). One program of all
would compile as long as all of theirs, and could not be cut into updates.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nnks.compiler import FEW_PIECES
from nnks.objective import Problem, Several, Variables, padded
from nnks.training.rounding import without_rounding
from nnks.training.state import Metrics, StepFn, TrainState, energy_metrics
from nnks.types import Array, Int, Params, PRNGKey


def make_pass(optimizer: optax.GradientTransformation, objective: Several) -> StepFn:
    """A step that visits every system once, in an order drawn anew, and updates after each `together` of them.

    Energies that it reports are those at which the systems were visited, before the updates that follow.
    """

    @jax.jit
    def update(gradient: Any, opt_state: Any, params: Any) -> tuple[Any, Any, Array]:
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        # the norm of what is shared: what belongs to one system vanishes while others are visited
        return optax.apply_updates(params, updates), opt_state, optax.tree.norm(gradient)

    systems = padded(objective.problems)
    jax.clear_caches()  # programs that built the systems serve no step, and each maps a thousand areas

    def step(state: TrainState) -> tuple[TrainState, Metrics]:
        params, opt_state, energies, norms = state.params, state.opt_state, {}, []
        for group in visits(objective, state):
            parts = {}
            for index in group:
                system = systems[index]
                (_, evaluated), slope = gradient(system.problem, system.pad(params.of(index)), state.key, state.step)
                energies[index], parts[index] = evaluated.energies, system.cut(slope)
                params = params.with_local(index, system.cut(evaluated.remember(system.pad(params.of(index)))))
            params, opt_state, norm = update(_gathered(objective, params, parts), opt_state, params)
            norms.append(norm)
        sums = objective.summed([energies[index] for index in range(len(objective.problems))])
        metrics = energy_metrics(sums) | {"grad/norm": jnp.linalg.norm(jnp.stack(norms))}
        return TrainState(state.step + 1, params, opt_state, state.key, state.evaluations + len(norms)), metrics

    return step


def visits(objective: Several, state: TrainState) -> list[Sequence[int]]:
    """The systems of each update of a pass: as they come if one update sees all, else in an order of the step's key."""
    count, size = len(objective.problems), objective.together
    if size >= count:
        return [range(count)]
    order = np.asarray(jax.random.permutation(jax.random.fold_in(state.key, state.step), count))
    return [list(map(int, order[first : first + size])) for first in range(0, count, size)]


def updates_of(objective: Any) -> int:
    """Updates of the parameters in a step."""
    return -(-len(objective.problems) // objective.together) if isinstance(objective, Several) else 1


@functools.partial(jax.jit, compiler_options=FEW_PIECES)
def gradient(problem: Problem, params: Params, key: PRNGKey, step: Int[Array, ""]) -> Any:
    """`Problem.loss` of one system and its gradient, without what rounding leaves of zeros."""
    (total, evaluated), slope = jax.value_and_grad(problem.loss, has_aux=True)(params, key, step)
    return (total, evaluated), without_rounding(slope, evaluated.energies)


def _gathered(objective: Several, params: Variables, parts: dict[int, Params]) -> Variables:
    """The gradient by all variables, from those of a few systems; zero for what belongs to others."""

    def scaled(index: int, tree: Params) -> Params:
        return jax.tree.map(lambda leaf: objective.weights[index] * leaf, tree)

    first, *rest = ({k: scaled(i, part[k]) for k in params.shared} for i, part in parts.items())
    shared = jax.tree.map(lambda *leaves: sum(leaves), first, *rest)
    local = tuple(
        {k: scaled(i, parts[i][k]) for k in own} if i in parts else jax.tree.map(jnp.zeros_like, own)
        for i, own in enumerate(params.local)
    )
    return Variables(shared, local)
