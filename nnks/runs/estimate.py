"""How long runs will take, from stored runs like them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnks.config import ConfigDict, flatten, to_dict
from nnks.tracking.record import FINISHED, RunRecord, config_hash
from nnks.tracking.store import list_runs

ALIKE = ("system.molecule", "system.basis", "ansatz.name")
"""What two runs must have in common for the time of one to say something of the other's."""

CLOSER = (
    "optimizer.name",
    "sampler.name",
    "quadrature.level",
    "functional.xc",
    "training.precision",
    "ansatz.width",
    "sampler.batch_size",
)
"""What makes them more alike: runs that share most of these are taken."""


def estimates(configs: Sequence[ConfigDict], results: str | Path, experiment: str) -> list[float | None]:
    """Seconds of each run, compilation and evaluation included; None where no stored run is alike.

    Of runs of the same config, with whatever seed, the median; otherwise of the most similar ones, in proportion to the
    most steps that they may take. Runs of the same experiment are looked at first, then all.
    """
    near = Stored(Path(results) / experiment)
    everywhere: Stored | None = None
    expected = []
    for config in configs:
        seconds = near.seconds(config)
        if seconds is None:
            everywhere = everywhere or Stored(Path(results))
            seconds = everywhere.seconds(config)
        expected.append(seconds)
    return expected


class Stored:
    """Finished runs below a folder, with what they took."""

    def __init__(self, folder: Path):
        self._runs = [known for run in list_runs(folder) if (known := _known(run)) is not None]

    def seconds_of_same(self, config: ConfigDict) -> float | None:
        """The median of runs of this config, with whatever seed; None for none."""
        known = config_hash(to_dict(config))
        same = [spent for hash, _, spent in self._runs if hash == known]
        return statistics.median(same) if same else None

    def seconds(self, config: ConfigDict) -> float | None:
        """Of a run of this config, as far as these runs tell."""
        if (same := self.seconds_of_same(config)) is not None:
            return same
        flat = dict(flatten(to_dict(config)))
        alike = [(_shared(flat, other), other, spent) for _, other, spent in self._runs if _alike(flat, other)]
        if not alike:
            return None
        most = max(score for score, _, _ in alike)
        steps = flat["training.steps"]
        scaled = [spent * steps / other["training.steps"] for score, other, spent in alike if score == most]
        return statistics.median(scaled)


def _known(run: RunRecord) -> tuple[str, dict[str, Any], float] | None:
    """A finished run's hash, config by key, and seconds: all of them where stored, else those of its training."""
    summary = run.summary or {}
    spent = summary.get("wall_seconds") or summary.get("seconds")
    if summary.get("status") != FINISHED or not spent or not run.config:
        return None
    flat = dict(flatten(run.config))
    return (summary.get("config_hash") or run.config_hash, flat, float(spent)) if flat.get("training.steps") else None


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ALIKE)


def _shared(one: dict[str, Any], other: dict[str, Any]) -> int:
    return sum(one.get(key) == other.get(key) for key in CLOSER)


def total(seconds: Sequence[float | None], workers: int) -> tuple[float, int]:
    """Seconds of all runs by so many workers, and how many of them nothing is known of."""
    known = [each for each in seconds if each is not None]
    if not known:
        return 0.0, len(seconds)
    return max(sum(known) / workers, max(known)), len(seconds) - len(known)
