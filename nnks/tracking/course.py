"""How a run went, as columns for figures: bounded in memory, however long its metrics are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float  # not by way of nnks.types, which imports JAX: readers of runs do without it

MOST = 100_000
"""Steps that are kept of a run, from its beginning to its end: far more than a figure shows."""

TIMES = ("time/training_s", "time/elapsed_s")
"""Seconds at a step: of training without the first step, which compiles; and since the start, in old records."""


@dataclasses.dataclass(frozen=True)
class Course:
    """Columns of a run's metrics, a row a step; nan where a step lacks the value.

    Attributes:
        step: its number.
        total: the energy [Ha].
        seconds: the first of `TIMES` that any step has; else the sum of the steps' own.
        elapsed: seconds since the start.
        compiling: what the first step took beyond the median of the others [s]: nearly all of it compiles; nan where
            steps are not timed.
    """

    step: Float[np.ndarray, " steps"]
    total: Float[np.ndarray, " steps"]
    seconds: Float[np.ndarray, " steps"]
    elapsed: Float[np.ndarray, " steps"]
    compiling: float = math.nan


def course_of(lines: Iterable[Mapping[str, Any]]) -> Course:
    """The course of a run from its recorded steps, evenly thinned beyond `MOST` steps.

    The last step is always there.
    """
    rows: list[list[Any]] = []
    stride, spent, number, row = 1, 0.0, 0, None
    for number, line in enumerate(lines):
        spent += _known(line.get("time/step_s"))
        row = _row(line, spent)
        if number % stride == 0:
            rows.append(row)
            if len(rows) >= 2 * MOST:
                rows, stride = rows[::2], 2 * stride
    if row is not None and number % stride:
        rows.append(row)
    step, total, training, elapsed, added, own = np.array(rows, float).reshape(-1, 6).T
    choices = [column for column in (training, elapsed) if np.isfinite(column).any()]
    none = np.full_like(step, math.nan)
    return Course(step, total, choices[0] if choices else added if np.any(added) else none, elapsed, _compiling(own))


def _compiling(seconds: np.ndarray) -> float:
    """Seconds of the first step beyond those of the others."""
    others = seconds[1:][np.isfinite(seconds[1:])]
    if not len(seconds) or not math.isfinite(seconds[0]) or not len(others):
        return math.nan
    return max(float(seconds[0] - np.median(others)), 0.0)


def _row(line: Mapping[str, Any], spent: float | int) -> list[Any]:
    return [
        line["step"],
        line.get("energy/total", math.nan),
        *(line.get(name, math.nan) for name in TIMES),
        spent,
        line.get("time/step_s", math.nan),
    ]


def _known(value: float | int | None) -> float:
    return 0.0 if value is None or math.isnan(value) else float(value)
