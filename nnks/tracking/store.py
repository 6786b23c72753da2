"""The run store: one folder a run, plain JSON, complete when `summary.json` exists.

`results/<experiment>/<run>/` holds `config.json`, `environment.json`, `metrics.jsonl`, `summary.json` and
`checkpoints/`. Files other than the metrics appear whole or not at all; the metrics grow by a line a step,
and a process that is killed leaves at most one half line, which readers skip.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.registry import InputError
from nnks.tracking.environment import environment
from nnks.tracking.files import plain, read_json, read_metrics, replace_text, write_json

ENERGY_TERMS = ("total", "kinetic", "external", "hartree", "xc", "nuclear")
"""Keys of `summary["energies"]` and names of the metrics `energy/<term>` [Ha]."""

REFERENCE = "reference"
"""Summary key: reference name -> total energy [Ha]; names are `pyscf/<basis>` and `exact`."""

REFERENCE_TERMS = "reference_terms"
"""Summary key: reference name -> {term -> energy [Ha]}, for the references whose terms are known."""

REFERENCE_SAME = "reference_same"
"""Summary key: the name in `reference` of the calculation in the run's own basis."""

REFERENCE_LARGE = "reference_large"
"""Summary key: the name in `reference` of the calculation in a large basis."""

EXACT = "exact"
"""The name in `reference` of a complete-basis or analytic energy."""

VIOLATIONS = "violations"
"""Summary key: sentences on results that cannot be right, such as an energy below the variational bound."""

UNHASHED = (
    "tracking",
    "results",
    "experiment",
    "label",
    "training.seed",
    "training.checkpoint_steps",
    "quadrature.memory",
    "training.devices",
)
"""Config keys that `config_hash` leaves out: where, how and under which name a run is recorded, what it may hold in memory, on how many devices; and the seed,
which has its own place in the run's name, so that runs that differ in the seed alone share a hash."""

CONFIG, ENVIRONMENT, METRICS, SUMMARY = "config.json", "environment.json", "metrics.jsonl", "summary.json"
CHECKPOINTS = "checkpoints"

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"
"""What a run can be: `status` of its summary, or interrupted where there is no summary (yet)."""

RUN_NAME = re.compile(r"(?P<date>\d{8})-(?P<hash>[0-9a-f]{8})-s(?P<seed>-?\d+)(-(?P<copy>\d+))?")
"""The name of a run's folder: UTC date, hash of the config, seed, and a number from the second of one name on."""

__all__ = ["RunFolder", "RunRecord", "check_writable", "config_hash", "environment", "find_run", "list_runs"]


def config_hash(config: Mapping[str, Any]) -> str:
    """The first 8 hex digits of SHA-256 over the config as canonical JSON, without the keys in `UNHASHED`.

    Key order, tuple or list, and 1 or 1.0 make no difference, so a config read back from `config.json` has
    the hash of the config that was written.

    Raises:
        InputError: for a value that JSON cannot hold.
    """
    return _digest(plain(config))


def _digest(config: dict[str, Any]) -> str:
    text = json.dumps(_canonical(config), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _canonical(value: Any, path: str = "") -> Any:
    if isinstance(value, dict):
        inner = {key: f"{path}.{key}".lstrip(".") for key in value}
        return {key: _canonical(value[key], inner[key]) for key in value if inner[key] not in UNHASHED}
    if isinstance(value, list):
        return [_canonical(x, path) for x in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_writable(results: str | Path) -> Path:
    """Makes the results folder and proves that a file can be written there.

    Raises:
        InputError: where it cannot.
    """
    folder = Path(results)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the results folder '{folder}' cannot be written ({error.strerror or error}); expected a folder "
            "in which runs can be stored; try another one with --results=DIR."
        ) from error
    return folder


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run as it was stored; each file is read when it is first asked for."""

    path: Path

    @property
    def name(self) -> str:
        """The run's folder name, `<utc date>-<hash>-s<seed>`."""
        return self.path.name

    @functools.cached_property
    def experiment(self) -> str:
        """The name of the folder above."""
        return self.path.resolve().parent.name

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config; empty where it is missing or broken."""
        return read_json(self.path / CONFIG) or {}

    @functools.cached_property
    def config_hash(self) -> str:
        """`config_hash` of the stored config."""
        return _digest(self.config)

    @functools.cached_property
    def environment(self) -> dict[str, Any]:
        """Code, packages and machine; empty where it is missing or broken."""
        return read_json(self.path / ENVIRONMENT) or {}

    @functools.cached_property
    def summary(self) -> dict[str, Any] | None:
        """The summary, or None for a run that has not ended."""
        return read_json(self.path / SUMMARY)

    @functools.cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One dictionary a step with `step` and `family/name` keys; a null is read as nan."""
        return read_metrics(self.path / METRICS)

    @property
    def status(self) -> str:
        """`finished`, `failed`, or `interrupted`."""
        return INTERRUPTED if self.summary is None else str(self.summary.get("status", FINISHED))

    @property
    def seed(self) -> int:
        """The seed, from the summary, the name or the config."""
        named = RUN_NAME.fullmatch(self.name)
        fallback = named["seed"] if named else self.config.get("training", {}).get("seed", 0)
        return int((self.summary or {}).get("seed", fallback))


class RunFolder:
    """A run that is being written.

    Attributes:
        path: the run's folder.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @classmethod
    def create(cls, results: str | Path, experiment: str, config: Mapping[str, Any], seed: int) -> RunFolder:
        """A new folder `<results>/<experiment>/<utc date>-<hash>-s<seed>` with config and environment in it.

        An existing run is never overwritten: a second one of the same name ends in `-2`, and so on.

        Raises:
            InputError: where the folder cannot be made.
        """
        parent = check_writable(Path(results) / experiment)
        stem = f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{config_hash(config)}-s{seed}"
        copy = 1
        while True:
            path = parent / (stem if copy == 1 else f"{stem}-{copy}")
            try:
                path.mkdir()  # fails where it exists, also against another process: the name is then taken
                break
            except FileExistsError:
                copy += 1
        folder = cls(path)
        folder.checkpoints.mkdir()
        folder.write_json(CONFIG, config)
        folder.write_json(ENVIRONMENT, environment())
        return folder

    @property
    def name(self) -> str:
        """The run's name, also its id in W&B."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints belong."""
        return self.path / CHECKPOINTS

    @property
    def record(self) -> RunRecord:
        """A fresh view of what is stored now."""
        return RunRecord(self.path)

    @property
    def finished(self) -> bool:
        """Whether the run ended well; a failed one did not, and may be resumed."""
        return self.record.status == FINISHED

    def write_json(self, name: str, value: Mapping[str, Any]) -> Path:
        """Stores a dictionary as `<name>`; readers see the old file or the new one, never a part."""
        return write_json(self.path / name, value)

    def append_metrics(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Adds one line to `metrics.jsonl`; it reaches the file before this returns."""
        line = json.dumps(plain({"step": int(step), **metrics}), allow_nan=False)
        with (self.path / METRICS).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """All metrics so far, as `RunRecord.metrics`."""
        return read_metrics(self.path / METRICS)

    def resume(self, step: int) -> None:
        """Forgets what came after a checkpoint: metrics after `step`, and the summary of a failed attempt.

        Args:
            step: the last step whose metrics belong to the state that is restored; -1 starts over.

        Raises:
            InputError: for a finished run.
        """
        if self.finished:
            raise InputError(
                f"the run '{self.path}' is finished; expected an interrupted or failed run to resume; "
                "try another seed, or remove the folder to run it again."
            )
        (self.path / SUMMARY).unlink(missing_ok=True)
        kept = [line for line in self.read_metrics() if line["step"] <= step]
        text = "".join(json.dumps(plain(line), allow_nan=False) + "\n" for line in kept)
        replace_text(self.path / METRICS, text)


def find_run(results: str | Path, experiment: str, hash: str, seed: int) -> RunFolder | None:
    """The stored run of this config and seed: a finished one if there is one, otherwise the latest."""
    parent = Path(results) / experiment
    if not parent.is_dir():
        return None
    found = []
    for path in parent.iterdir():
        named = RUN_NAME.fullmatch(path.name)
        if named and named["hash"] == hash and int(named["seed"]) == seed and (path / CONFIG).is_file():
            found.append((RunFolder(path).finished, named["date"], int(named["copy"] or 1), path))
    return RunFolder(max(found)[-1]) if found else None


def list_runs(folder: str | Path) -> list[RunRecord]:
    """All runs below a results folder, an experiment's folder, or the run folder itself, by name."""
    return sorted((RunRecord(path) for path in _run_paths(Path(folder))), key=lambda run: str(run.path))


def _run_paths(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        if CONFIG in files:
            inner.clear()  # a run holds no runs, but a checkpoint folder may hold thousands of files
            yield Path(place)
