"""The contract of an optimizer, and their registry."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from nnks.registry import Registry
from nnks.training.state import Problem, StepFn
from nnks.types import Params, PRNGKey

OPTIMIZERS = Registry("optimizer")


@runtime_checkable
class Optimizer(Protocol):
    """A way to go down: an initial state, and a pure step."""

    @property
    def minibatch(self) -> bool:
        """Whether it works with energies that change from batch to batch."""
        ...

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> Any:
        """The optimizer's state before the first step."""
        ...

    def make_step(self, problem: Problem) -> StepFn:
        """A pure function from one training state to the next, and the numbers of the step."""
        ...
