"""What a step carries from one to the next, and how a run can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from nnks.ansatz.base import FRAME
from nnks.averaging import AVERAGE
from nnks.types import Array, Int, Params, PRNGKey, record


@record
class TrainState:
    """Everything that changes in training.

    Attributes:
        step: steps taken; with `key` it is all the randomness there is, so a resumed run is bit-identical.
        params: the ansatz's parameters.
        opt_state: the optimizer's.
        key: the run's key; step n uses `fold_in(key, n)`.
        evaluations: energy gradients evaluated so far.
    """

    step: Int[Array, ""]
    params: Params
    opt_state: Any
    key: PRNGKey
    evaluations: Int[Array, ""]


Metrics = dict[str, Array]
StepFn = Callable[[TrainState], tuple[TrainState, Metrics]]
"""Pure: the same state gives the same next state. Metrics are named `family/name`."""


class TrainingDiverged(RuntimeError):
    """A run met a number that is not finite.

    Attributes:
        step: the step at which it did.
        term: the first metric that broke.
        state: the last state whose energy was finite.
    """

    def __init__(self, step: int, term: str, state: TrainState, last: float | None):
        self.step, self.term, self.state = step, term, state
        good = "there was no finite total before it" if last is None else f"the last finite total was {last:.6f} Ha"
        super().__init__(
            f"{term} was not finite (nan or infinite) at step {step}; {good}. Try a smaller optimizer.learning_rate, a "
            "larger sampler.batch_size, or another orthogonalizer.name."
        )


def initial_state(params: Params, opt_state: Any, key: PRNGKey) -> TrainState:
    """The state before the first step."""
    zero = jax.device_put(np.int32(0))
    return TrainState(zero, params, opt_state, key, zero)


def member(states: TrainState, index: int) -> TrainState:
    """One state of a stack."""
    return jax.tree.map(lambda leaf: leaf[index], states)


def count_parameters(params: Params) -> int:
    """Number of trainable numbers."""
    trained = {k: v for k, v in params.items() if k not in (AVERAGE, FRAME)} if isinstance(params, dict) else params
    return sum(leaf.size for leaf in jax.tree.leaves(trained))


def energy_metrics(energies: dict[str, Array]) -> Metrics:
    """Energies under the names that every writer uses."""
    return {f"energy/{name}": value for name, value in energies.items()}
