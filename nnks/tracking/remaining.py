"""How long a training still takes: from the rate at which it converges, or from its steps.

Or nothing, where neither tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float  # not by way of nnks.types, which imports JAX: readers of runs do without it

LEAST = 8
"""Records before anything is said."""

KEPT = 512
"""Records of a run that are kept, evenly thinned."""

AGREE = 2.0
"""How far estimates from windows of different lengths may be apart, as a factor, to be said."""

DESCENT = 0.5
"""Decades by which a window must have come closer to convergence for its slope to count."""

BEYOND = 2.0
"""How many times the steps that are left convergence must be away for the steps to be what ends a run."""

FAR = 20.0
"""A window that did not come closer by `DESCENT` tells that convergence is far if so many windows like it would not
reach it."""

REACH = 2.0
"""How many times longer than what was seen of a run the rest may be that is told from it."""

WINDOWS = (0.5, 0.3)
"""Shares of a run's records, the latest, whose slopes are compared."""


PHASE = "handover/phase"
"""Metric of an optimizer that hands over: in its first phase it does not converge, and nobody knows when the second
begins."""


class Remaining:
    """Estimates from the metrics of a run's steps; a resumed run begins anew.

    Args:
        steps: at most.
        limit: seconds of training at most; infinite for none.
        thresholds: of the energy's change [Ha] and of the gradient's norm, below which the run ends; None for one that
            takes all its steps.
    """

    def __init__(self, steps: int, limit: float | int = math.inf, thresholds: tuple[float, float] | None = None):
        self._steps, self._limit = steps, limit
        self._thresholds = thresholds if thresholds and min(thresholds) > 0 else None
        self._rows: list[tuple[float, float, float]] = []  # step, seconds, decades to convergence
        self._stride, self._seen = 1, 0
        self._last: tuple[float, float, float] | None = None
        self._first_phase = False

    def take(self, step: int, seconds: float | int, metrics: Mapping[str, Any]) -> None:
        """Takes the metrics of a step and the seconds of training by then."""
        self._first_phase = metrics.get(PHASE) == 1
        self._last = float(step), float(seconds), self._decades(metrics)
        if self._seen % self._stride == 0:
            self._rows.append(self._last)
            if len(self._rows) >= 2 * KEPT:
                self._rows, self._stride = self._rows[::2], 2 * self._stride
        self._seen += 1

    def seconds(self) -> float | None:
        """Seconds that are left; None where they cannot be told within a factor of about three."""
        if self._last is None or len(self._rows) < LEAST:
            return None
        rows = np.array([*self._rows, self._last] if self._rows[-1] != self._last else self._rows)
        step, spent, _ = self._last
        recent = rows[-max(LEAST, len(rows) // 4) :]
        each = (recent[-1, 1] - recent[0, 1]) / max(recent[-1, 0] - recent[0, 0], 1)
        if not each > 0:
            return None
        most = min(self._steps - step, (self._limit - spent) / each)
        steps = self._left(rows, max(most, 0.0))
        return None if steps is None else float(steps * each)

    def _left(self, rows: Float[np.ndarray, "rows 3"], most: float | int) -> float | None:
        """Steps to the end of the run, of which there are so many at most."""
        if self._thresholds is None:
            return float(most)
        if self._first_phase:
            return None
        ways = [_steps_to_zero(rows[-max(LEAST, round(share * len(rows))) :]) for share in WINDOWS]
        if any(math.isnan(way) for way in ways):
            return None
        far, near = min(ways) >= BEYOND * most, max(ways) <= AGREE * min(ways)
        steps = min(math.sqrt(ways[0] * ways[1]), float(most)) if near and not far else float(most)
        seen = rows[-1, 0] - rows[0, 0]
        return steps if (far or near) and steps <= REACH * seen else None

    def _decades(self, metrics: Mapping[str, Any]) -> float:
        """How many powers of ten a step is from both thresholds; as `Convergence` has them."""
        if self._thresholds is None:
            return math.nan
        energy, gradient = self._thresholds
        off = _log(metrics.get("energy/error", metrics.get("energy/change", math.inf)), energy)
        stationary = min(
            _log(metrics.get("grad/norm", math.inf), gradient), _log(metrics.get("energy/predicted", math.inf), energy)
        )
        return max(off, stationary)


def _log(value: float | int, threshold: float | int) -> float:
    """Decades above a threshold; an exact zero is far below."""
    return math.log10(value / threshold) if value > 0 and math.isfinite(value) else (math.inf if value else -10.0)


def _steps_to_zero(rows: Float[np.ndarray, "rows 3"]) -> float:
    """Steps in which a straight line through the decades falls to zero.

    Infinite for one that does not fall, nan if they do not tell.
    """
    rows = rows[np.isfinite(rows[:, 2])]
    if len(rows) < LEAST // 2:
        return math.nan
    step, decades = rows[:, 0], rows[:, 2]
    slope, _ = np.polyfit(step - step[-1], decades, 1)
    now = float(np.median(decades[-3:]))
    if now <= 0:
        return 1.0
    if slope >= 0:
        return math.inf
    came, left = -slope * (step[-1] - step[0]), now / -slope
    return math.nan if came < DESCENT and now < FAR * came else left
