"""The contract of a writer, the interval at which things happen, and the one way to warn."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from nnks.registry import InputError

Metrics = Mapping[str, Any]
"""`family/name` -> number: `energy/<term>` [Ha], `grad/norm`, `time/step_s`, `time/elapsed_s`, `time/training_s`
without compilation [s]."""


@runtime_checkable
class Writer(Protocol):
    """Receives the metrics of one run. Steps come in increasing order."""

    def write(self, step: int, metrics: Metrics) -> None:
        """Takes the metrics of one step."""
        ...

    def finish(self, summary: Mapping[str, Any]) -> None:
        """The run ended well; `summary` holds its results. Nothing is written afterwards."""
        ...

    def fail(self, reason: str) -> None:
        """The run ended badly, for a reason in one sentence. Nothing is written afterwards."""
        ...

    def leave(self) -> None:
        """The run is interrupted, and goes on another time. Nothing is written afterwards."""
        ...


@dataclasses.dataclass(frozen=True)
class Every:
    """An interval: true at steps 0, n, 2n, ...; never for n = 0.

    Attributes:
        steps: the distance between two true steps.

    Raises:
        InputError: for a negative distance.
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise InputError(f"an interval is {self.steps} steps; expected 1 or more; try 0 for never.")

    def __call__(self, step: int) -> bool:
        """Whether `step` is one of them."""
        return self.steps > 0 and step % self.steps == 0


def warn(sentence: str) -> None:
    """One sentence on standard error; a live display moves it above itself."""
    print(sentence, file=sys.stderr, flush=True)
