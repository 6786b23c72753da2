"""The contract of an optimizer, and their registry."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from nnks.registry import Registry
from nnks.training.state import Problem, StepFn, TrainState, initial_state
from nnks.types import Params, PRNGKey

OPTIMIZERS = Registry("optimizer")


@runtime_checkable
class Optimizer(Protocol):
    """A way to go down: an initial state, and a pure step."""

    @property
    def minibatch(self) -> bool:
        """Whether it works with energies that change from batch to batch."""
        ...

    @property
    def reports_end(self) -> bool:
        """Whether the numbers of a step belong to the state after it, as a line search's can, or to the one before."""
        ...

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> Any:
        """The optimizer's state before the first step."""
        ...

    def make_step(self, problem: Problem) -> StepFn:
        """A pure function from one training state to the next, and the numbers of the step."""
        ...


@runtime_checkable
class Prepares(Optimizer, Protocol):
    """An optimizer that keeps something beside the ansatz's parameters."""

    def check(self, problem: Problem) -> None:
        """Refuses a problem that it cannot minimize, in one sentence."""
        ...

    def prepare(self, problem: Problem, params: Params) -> Params:
        """The parameters with it."""
        ...


def begin(optimizer: Optimizer, problem: Problem, params: Params, key: PRNGKey) -> TrainState:
    """The state before the first step."""
    if isinstance(optimizer, Prepares):
        params = optimizer.prepare(problem, params)
    return initial_state(params, optimizer.init(problem, params, key), key)
