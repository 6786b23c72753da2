"""Steps and seconds to an accuracy, with runs that never get there censored where they end.

References:
    Kaplan, Meier, J. Am. Stat. Assoc. 53, 457 (1958).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nnks.analysis.statistics import locate
from nnks.analysis.table import Row
from nnks.tracking.record import RunRecord
from nnks.units import MILLIHARTREE


@dataclasses.dataclass(frozen=True)
class Arrival:
    """Steps and seconds to an accuracy at one point of an ablation.

    Attributes:
        point: labels on the axes.
        runs: with metrics.
        arrived: that reached it.
        steps: median by Kaplan and Meier; infinite where fewer than half arrive.
        seconds: the same.
    """

    point: tuple[str, ...]
    runs: int
    arrived: int
    steps: float
    seconds: float


def arrivals(ablation: Mapping[str, Any], rows: Sequence[Row], records: Sequence[RunRecord]) -> list[Arrival]:
    """When each point's runs come within `accuracy` of the reference.

    Runs on minibatches report estimates, and are left out.

    Energies of a training are those of its grid. A run has arrived only if the final energy says so, too, and is not
    doubted.
    """
    reached: dict[tuple[str, ...], list[tuple[bool, float, float]]] = {}
    for (point, _), number in locate(ablation, rows).items():
        row = rows[number]
        level = goal(ablation, row)
        if row["sampler"] != "full" or math.isnan(level):
            continue
        there, last = None, None
        for last in records[number].stream():
            if there is None and last.get("energy/total", math.inf) <= level:
                there = last
        if last is None:
            continue
        summary = records[number].summary or {}
        if there is not None and not _is_confirmed(row, level + (summary.get("quadrature_error") or 0.0)):
            there = None
        last = there or last
        shared = (summary.get("members") or 1) > 1  # a batch's seconds are not a run's
        reached.setdefault(point, []).append(
            (
                there is not None,
                float(last["step"]),
                math.nan if shared else float(last.get("time/training_s", math.nan)),
            )
        )
    return [_arrival(point, runs) for point, runs in reached.items()]


def goal(ablation: Mapping[str, Any], row: Row) -> float:
    """The energy [Ha] at which a run has arrived; nan where its reference is not known."""
    role = "same" if ablation["metric"] == "error_same_mHa" else "best"
    return row[f"reference_{role}_Ha"] + ablation["accuracy"] * MILLIHARTREE


def _is_confirmed(row: Row, highest: float) -> bool:
    """Whether a run's final energy [Ha] is one that counts; one that has not ended has none that would say no."""
    return not row["doubts"] and not row["energy_total"] > highest


def _arrival(point: tuple[str, ...], runs: Sequence[tuple[bool, float, float]]) -> Arrival:
    steps, seconds = (_median([(run[0], run[i]) for run in runs]) for i in (1, 2))
    return Arrival(point, len(runs), sum(run[0] for run in runs), steps, seconds)


def _median(times: Sequence[tuple[bool, float]]) -> float:
    """The time by which half have arrived; those that had not when they ended are censored there."""
    from scipy.stats import CensoredData, ecdf

    arrived = [time for there, time in times if there]
    if not arrived or any(math.isnan(time) for _, time in times):
        return math.inf if not arrived else math.nan
    survival = ecdf(CensoredData(arrived, right=[time for there, time in times if not there])).sf
    below = survival.quantiles[survival.probabilities <= 0.5 + 1e-12]
    return float(below[0]) if len(below) else math.inf
