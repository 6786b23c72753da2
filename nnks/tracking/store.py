"""The run store: one folder a run, plain JSON, complete when `summary.json` exists.

`results/<experiment>/<run>/` holds `config.json`, `environment.json`, `metrics.jsonl`, `summary.json` and
`checkpoints/`. Files other than the metrics appear whole or not at all; the metrics grow by a line a step,
and a process that is killed leaves at most one half line, which readers skip.
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.registry import InputError
from nnks.tracking.environment import environment
from nnks.tracking.files import plain, read_metrics, replace_text, write_json
from nnks.tracking.record import (
    CHECKPOINTS,
    CONFIG,
    ENVIRONMENT,
    FINISHED,
    METRICS,
    RUN_NAME,
    SUMMARY,
    RunRecord,
    config_hash,
)


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


def find_run(results: str | Path, experiment: str, hash: str, seed: int, *, latest: bool = False) -> RunFolder | None:
    """The stored run of this config and seed: a finished one if there is one and not the `latest` is asked for, or the latest."""
    parent = Path(results) / experiment
    if not parent.is_dir():
        return None
    found = []
    for path in parent.iterdir():
        named = RUN_NAME.fullmatch(path.name)
        if named and named["hash"] == hash and int(named["seed"]) == seed and (path / CONFIG).is_file():
            found.append((not latest and RunFolder(path).finished, named["date"], int(named["copy"] or 1), path))
    return RunFolder(max(found)[-1]) if found else None


def list_runs(folder: str | Path) -> list[RunRecord]:
    """All runs below a results folder, an experiment's folder, or the run folder itself, by name."""
    return sorted((RunRecord(path) for path in _run_paths(Path(folder))), key=lambda run: str(run.path))


def _run_paths(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        if CONFIG in files:
            inner.clear()  # a run holds no runs, but a checkpoint folder may hold thousands of files
            yield Path(place)
