"""The run store: one folder a run, plain JSON, complete when `summary.json` exists.

`results/<experiment>/<run>/` holds `config.json`, `environment.json`, `metrics.jsonl`, `summary.json` and
`checkpoints/`. A folder appears with its config, or not at all; files other than the metrics appear whole or not at
all; the metrics grow by a line a step, and a process that is killed leaves at most one half line, which readers skip.
Nothing is written through a link that leads out of the results.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.registry import InputError
from nnks.tracking.environment import environment
from nnks.tracking.files import clear_temporaries, plain, printable, storing, write_json
from nnks.tracking.lines import last_metrics, metrics_line, read_metrics
from nnks.tracking.making import clear_unfinished, make_whole
from nnks.tracking.mending import keep_until, move_aside
from nnks.tracking.notices import notice
from nnks.tracking.packed import RUNS, Pack
from nnks.tracking.record import (
    CHECKPOINTS,
    CONFIG,
    ENVIRONMENT,
    FINISHED,
    METRICS,
    RUN_NAME,
    SET_ASIDE,
    SUMMARY,
    RunRecord,
    config_hash,
)

FILES = (CONFIG, ENVIRONMENT, METRICS, SUMMARY)
"""Of which a run's folder has at least one."""

DEEPEST = 20
"""Folders below a given one in which runs are looked for."""


def check_writable(results: str | Path, inner: str = "") -> Path:
    """Makes the results folder, or a folder in it, and proves that a file can be written there.

    Args:
        results: the folder, which may be a link.
        inner: of a folder in it, which must not lead out of it.

    Raises:
        InputError: where it cannot.
    """
    folder = Path(results) / inner
    if not folder.resolve().is_relative_to(Path(results).resolve()):
        raise InputError(
            f"the folder '{folder}' leads out of the results folder '{results}'; expected a folder in it; remove the "
            "link, or give another folder with --results=DIR."
        )
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
        parent = check_writable(results, experiment)
        stem = f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{config_hash(config)}-s{seed}"
        with storing(parent / stem):
            clear_unfinished(parent)

            def fill(path: Path) -> None:
                folder = cls(path)
                folder.checkpoints.mkdir()
                folder.write_json(CONFIG, config)
                folder.write_json(ENVIRONMENT, environment())

            return cls(make_whole(parent, stem, fill))

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
        """Stores a dictionary as `<name>`; readers see the old file or the new one, never a part.

        Raises:
            StoreError: where it cannot be written.
        """
        path = self.path / name
        with storing(path):
            return write_json(path, value, sealed=name != CONFIG)  # a config is read by other programs, too

    def append_metrics(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Adds one line to `metrics.jsonl`; it reaches the file before this returns.

        Raises:
            StoreError: where it cannot be written.
        """
        path = self.path / METRICS
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with storing(path), os.fdopen(os.open(path, flags, 0o644), "a", encoding="utf-8") as stream:
            stream.write(metrics_line(step, metrics))

    def read_metrics(self) -> list[dict[str, Any]]:
        """All metrics so far, as `RunRecord.metrics`."""
        return read_metrics(self.path / METRICS)

    def last_metrics(self) -> dict[str, Any] | None:
        """The last step's metrics; None for none."""
        return last_metrics(self.path / METRICS)

    def prepare(self, config: Mapping[str, Any]) -> None:
        """Makes the folder of an interrupted run fit to go on in: without links and rests, with its config.

        Args:
            config: the resolved config.

        Raises:
            StoreError: where it cannot be written.
        """
        with storing(self.path):
            clear_temporaries(self.path)
            for inner in sorted(self.path.iterdir()):
                if inner.is_symlink():
                    self._refuse(inner, "a link, which is not followed")
                elif inner.name in FILES and inner.is_dir():
                    self._refuse(inner, "a folder")
                elif inner.name == CHECKPOINTS and not inner.is_dir():
                    self._refuse(inner, "no folder")
            self.checkpoints.mkdir(exist_ok=True)
            for inner in sorted(self.checkpoints.iterdir()):
                if inner.is_symlink() or not inner.is_dir():
                    self._refuse(inner, "no checkpoint")
        record = self.record
        if record.config != plain(config):
            self.write_json(CONFIG, config)
        if not record.environment:
            self.write_json(ENVIRONMENT, environment())

    def set_aside(self, path: Path) -> Path:
        """Moves something of the run that cannot be used out of its way; where to."""
        return move_aside(path, self.path / SET_ASIDE)

    def _refuse(self, path: Path, why: str) -> None:
        notice(f"'{printable(str(path))}' is {why}, and was moved to '{printable(str(self.set_aside(path)))}'.")

    def resume(self, step: int, row: Mapping[str, Any] | None = None, rows: int | None = None) -> None:
        """Forgets what came after a checkpoint: metrics after `step`, and the summary of a failed attempt.

        Args:
            step: the last step whose metrics belong to the state that is restored; -1 starts over.
            row: the metrics of that step, as the checkpoint has them; None where it has none.
            rows: how many steps up to that one were recorded; None where that is not known.

        Raises:
            InputError: for a finished run.
            StoreError: where it cannot be written.
        """
        if self.finished:
            raise InputError(
                f"the run '{self.path}' is finished; expected an interrupted or failed run to resume; "
                "try another seed, or remove the folder to run it again."
            )
        with storing(self.path):
            (self.path / SUMMARY).unlink(missing_ok=True)
            lost = keep_until(self.path / METRICS, step, row, rows, self.path / SET_ASIDE)
        if lost:
            notice(f"'{printable(str(self.path / METRICS))}': {lost}.")


def find_run(
    results: str | Path, experiment: str, hash: str | Collection[str], seed: int, *, latest: bool = False
) -> RunFolder | None:
    """The stored run of this config and seed: a finished one, or the latest if there is none or `latest` is asked for.

    Args:
        results: the folder of all runs.
        experiment: the folder in it.
        hash: of the config; several where it may be stored under either.
        seed: of the run.
        latest: whether the latest one is asked for, finished or not.
    """
    parent = Path(results) / experiment
    if not parent.is_dir():
        return None
    hashes = (hash,) if isinstance(hash, str) else hash
    stored = []
    for path in parent.iterdir():
        named = RUN_NAME.fullmatch(path.name)
        if named and named["hash"] in hashes and int(named["seed"]) == seed and path.is_dir() and not path.is_symlink():
            finished = not latest and RunFolder(path).finished
            stored.append((finished, named["date"], int(named["copy"] or 1), path))
    return RunFolder(max(stored)[-1]) if stored else None


def is_run(path: Path) -> bool:
    """Whether a folder is a run's: it has a config, or the name of a run and another of its files."""
    named = RUN_NAME.fullmatch(path.name or path.resolve().name)
    return (path / CONFIG).is_file() or bool(named and any(os.path.lexists(path / name) for name in FILES))


def list_runs(folder: str | Path) -> list[RunRecord]:
    """All runs below a results folder, an experiment's folder, or the run folder itself, by name.

    Those of packed sweeps, too.
    """
    packs: list[Path] = []
    records = {path: RunRecord(path) for path in _run_paths(Path(folder), packs)}
    for pack in packs:
        records = {record.path: record for record in Pack(pack).records()} | records  # a folder is newer than its copy
    return sorted(records.values(), key=lambda run: str(run.path))


def _run_paths(folder: Path, packs: list[Path]) -> Iterator[Path]:
    """Folders of runs; those of packed sweeps are added to `packs`."""
    top = len(folder.parts)
    for name, inner, files in os.walk(folder):
        path = Path(name)
        if CONFIG in files or is_run(path):
            inner.clear()  # a run holds no runs, but a checkpoint folder may hold thousands of files
            if printable(name) == name and "\n" not in name:
                yield path
            else:
                notice(f"the folder {name!a} is left out: its name has characters that no run's has.")
        elif RUNS in (*files, *inner):
            packs.append(path)
        hidden = [each for each in inner if each.startswith(".")]  # a run that is being made
        inner[:] = [each for each in inner if each not in hidden and len(path.parts) - top < DEEPEST]
