"""The runs and timings that an item declares, and what is stored of them."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nnks.analysis.names import identity
from nnks.config import ConfigDict, load_config, load_module, override, to_dict
from nnks.sweep import Sweep
from nnks.tracking.record import FINISHED, RunRecord, config_hash, config_hashes
from nnks.tracking.store import find_run, list_runs
from nnks_paper.measure import Measurement, read_measurement


@dataclasses.dataclass(frozen=True)
class Study:
    """One item: its config file, which of its runs are wanted, and where they are stored.

    Attributes:
        name: of the item, and of the folder of its runs.
        module: the config file.
        configs: one a run, in the file's order.
        results: the folder that runs are stored in.
        quick: whether these are the runs of the short version.
    """

    name: str
    module: types.ModuleType
    configs: tuple[ConfigDict, ...]
    results: Path
    quick: bool

    @property
    def title(self) -> str:
        """First line of the config file."""
        return (self.module.__doc__ or self.name).strip().splitlines()[0]

    @property
    def measured(self) -> bool:
        """Whether its configs are timed in processes of their own instead of being run."""
        return hasattr(self.module, "METHODS") and hasattr(self.module, "LIMIT")

    @property
    def alone(self) -> bool:
        """Whether each run is trained by itself, because its seconds are compared."""
        return bool(getattr(self.module, "ALONE", False))

    def sweep(self) -> Sweep:
        """The missing runs as `run_sweep` takes them."""
        missing, claim = tuple(self.missing()), str(getattr(self.module, "CLAIM", ""))
        return Sweep(self.name, self.title, claim, missing, ({},) * len(missing), None, ())

    def measurements(self) -> list[Measurement]:
        """The timings, system by system."""
        if not self.measured:
            return []
        limit = self.module.QUICK_LIMIT if self.quick else self.module.LIMIT
        return [Measurement(method, config, limit) for config in self.configs for method in self.module.METHODS]

    def missing(self) -> list[ConfigDict]:
        """Runs that are not finished, or systems that are not timed."""
        if self.measured:
            left = [m.config for m in self.measurements() if not m.stored(self.results)]
            return [config for config in self.configs if any(config is other for other in left)]
        return [config for config in self.configs if (run := self.find(config)) is None or run.status != FINISHED]

    def seconds(self, configs: list[ConfigDict]) -> float:
        """A guess at what these runs take [s]."""
        guess: Callable[[ConfigDict], float] = getattr(self.module, "seconds", lambda _: 30.0)
        return sum((guess(config) for config in configs), 0.0)

    def find(self, config: ConfigDict) -> RunRecord | None:
        """The stored run of a config; also one that was stored before the config had all of its present keys."""
        hash, seed = config_hash(to_dict(config)), config.training.seed
        folder = find_run(self.results, config.experiment, config_hashes(to_dict(config)), seed)
        return folder.record if folder is not None else self._older.get((hash, seed))

    @functools.cached_property
    def _older(self) -> dict[tuple[str, int], RunRecord]:
        """Finished runs by the hash of their config with today's defaults for keys that it lacks."""
        finished = [record for record in list_runs(self.results / self.name) if record.status == FINISHED]
        return {(identity(record.config), record.seed): record for record in finished}

    def runs(self) -> Iterator[tuple[ConfigDict, RunRecord]]:
        """Configs with their finished runs."""
        for config in self.configs:
            if (run := self.find(config)) is not None and run.status == FINISHED:
                yield config, run

    def timings(self) -> Iterator[tuple[Measurement, dict[str, Any]]]:
        """What was measured, failures and bounds included."""
        for measurement in self.measurements():
            if (timing := read_measurement(measurement, self.results)) is not None:
                yield measurement, timing

    def unfinished(self) -> list[str]:
        """A sentence on each run that is not there, with the reason where one is stored."""
        if self.measured:
            failed = [(m, stored["failed"]) for m, stored in self.timings() if "failed" in stored]
            return [f"{m.config.label}, {m.method}: {reason}" for m, reason in failed]
        sentences = []
        for config in self.missing():
            stored = self.find(config)
            reason = ((stored.summary or {}).get("reason") if stored else None) or "not run"
            sentences.append(f"{config.system.molecule}, {config.label}, seed {config.training.seed}: {reason}")
        return sentences


def load_study(name: str, results: str | Path, *, quick: bool, changes: dict[str, Any] | None = None) -> Study:
    """The runs of `configs/paper/<name>.py`: of its `sweep()`, or of its `quick()`.

    Args:
        name: of the item.
        results: the folder that runs are stored in.
        quick: the short version.
        changes: to every run, as on the command line.
    """
    module = load_module(f"paper/{name}")
    base = load_config(f"paper/{name}")
    common = {"experiment": name} | (changes or {})
    runs = module.quick() if quick else module.sweep()
    configs = tuple(override(base, dict(run) | common) for run in runs)
    return Study(name, module, configs, Path(results), quick)
