"""The contract of an optimizer, and their registry."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from nnks.objective import Objective
from nnks.registry import Registry
from nnks.training.state import StepFn, TrainState, initial_state
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

    # several = True    works for several systems at once; without it an optimizer is given the energy of one
    #
    # an optimizer asks of its objective what it needs: `Objective` for most, orbitals of one system for some
    def init(self, objective: Any, params: Params, key: PRNGKey, /) -> Any:
        """The optimizer's state before the first step."""
        ...

    def make_step(self, objective: Any, /) -> StepFn:
        """A pure function from one training state to the next, and the numbers of the step."""
        ...


@runtime_checkable
class Prepares(Optimizer, Protocol):
    """An optimizer that keeps something beside the ansatz's parameters."""

    def check(self, objective: Any, /) -> None:
        """Refuses an objective that it cannot minimize, in one sentence."""
        ...

    def prepare(self, objective: Any, params: Params, /) -> Params:
        """The parameters with it."""
        ...


def begin(optimizer: Optimizer, objective: Objective, params: Params, key: PRNGKey) -> TrainState:
    """The state before the first step."""
    if isinstance(optimizer, Prepares):
        params = optimizer.prepare(objective, params)
    return initial_state(params, optimizer.init(objective, params, key), key)
