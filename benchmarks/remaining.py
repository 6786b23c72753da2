"""How often the time that is said to be left is within a factor of three: stored runs, played back.

Every run below a folder with at least a second of training is asked at moments spread evenly over its time. An estimate
is right if it is within a factor of three of what was left, or off by less than a second.

    python -m benchmarks.remaining results/stored
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_table, store
from nnks import setup
from nnks.config import from_dict
from nnks.registry import InputError
from nnks.tracking import RunRecord, list_runs
from nnks.tracking.lines import read_metrics
from nnks.tracking.remaining import Remaining

FACTOR, OFF, MOMENTS = 3.0, 1.0, 20
"""How far an estimate may be off, as a factor or in seconds; and how often a run is asked."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = table(arguments.folder)
    print_table(rows, "estimates of the time that is left")
    if arguments.out:
        store(arguments.out, {"factor": FACTOR, "off_s": OFF, "moments": MOMENTS}, rows)


def table(folder: Path) -> list[dict[str, Any]]:
    """A row for each kind of run: how many, how often something is said, and how often it is right."""
    asked: dict[str, list[tuple[float | None, float]]] = defaultdict(list)
    runs: dict[str, int] = defaultdict(int)
    for record in list_runs(folder):
        told = list(estimates(record))
        if told:
            kind = kind_of(record)
            for name in (kind, "all"):
                asked[name] += told
                runs[name] += 1
    rows = []
    for kind, told in sorted(asked.items(), key=lambda item: (item[0] == "all", item[0])):
        said = [(estimate, left) for estimate, left in told if estimate is not None]
        right = sum(is_right(estimate, left) for estimate, left in said)
        rows.append(
            {
                "optimizer": kind,
                "runs": runs[kind],
                "moments": len(told),
                "said_percent": 100 * len(said) / len(told),
                "right_percent": 100 * right / len(said) if said else None,
            }
        )
    return rows


def kind_of(record: RunRecord) -> str:
    """Optimizer, and how the run ended."""
    summary: dict[str, Any] = record.summary or {}
    return f"{record.config['optimizer']['name']}, ended by {summary.get('stopped') or 'what is not recorded'}"


def estimates(record: RunRecord) -> Iterator[tuple[float | None, float]]:
    """What would have been said and what was left [s], at each moment."""
    times, metrics = played(record)
    if not times or times[-1] < 1.0:
        return
    try:
        config = from_dict(record.config)
    except InputError:
        return
    exact = config.sampler.name == "full"
    remaining = Remaining(
        config.training.steps, config.training.seconds or math.inf, setup.tolerances(config) if exact else None
    )
    moments = iter(np.linspace(0.05, 0.95, MOMENTS) * times[-1])
    moment = next(moments)
    for seconds, row in zip(times, metrics, strict=True):
        remaining.take(row["step"], seconds, row)
        while moment is not None and seconds >= moment:
            yield remaining.seconds(), times[-1] - seconds
            moment = next(moments, None)


def played(record: RunRecord) -> tuple[list[float], list[dict[str, Any]]]:
    """Seconds of training by each step, and its metrics; old runs have no change of the energy."""
    metrics = read_metrics(record.path / "metrics.jsonl")
    before = None
    for row in metrics:
        total = row.get("energy/total", math.nan)
        if before is not None:
            row.setdefault("energy/change", abs(total - before))
        before = total
    if metrics and all("time/training_s" in row for row in metrics):
        return [row["time/training_s"] for row in metrics], metrics
    if metrics and all("time/step_s" in row for row in metrics):
        steps = [0.0, *(row["time/step_s"] for row in metrics[1:])]
        return list(np.cumsum(steps)), metrics
    return [], []


def is_right(estimate: float, left: float) -> bool:
    """Whether an estimate is as good as is promised."""
    return abs(estimate - left) < OFF or left / FACTOR <= estimate <= left * FACTOR


if __name__ == "__main__":
    main()
