"""Removing runs: only runs by name and content, only inside a results folder, and so that a cut can be repeated."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from nnks.registry import InputError
from nnks.tracking.lock import LOCK, hold, holder, release
from nnks.tracking.packed import RUNS
from nnks.tracking.record import CONFIG, METRICS, RUN_NAME, RunRecord
from nnks.tracking.store import is_run

BUSY = 300.0
"""Seconds for which a run that has not ended and has just recorded a step is taken to be running, where the file system
has no locks."""


def removable(path: str | Path, results: str | Path) -> RunRecord:
    """The run that a path names, if it may be removed.

    Raises:
        InputError: for a path outside the results folder, a link, or what is not a run.
    """
    path, results = Path(path), Path(results)
    if not path.exists() and (path.parent / RUNS).is_file():
        raise InputError(
            f"'{path}' is a row in the tables of a stored sweep; remove the folder '{path.parent}' by hand."
        )
    if not path.exists():
        raise InputError(f"'{path}' does not exist; give the folder of a run, as `nnks ls` shows it.")
    inside(path, results)
    if path.is_symlink():
        raise InputError(f"'{path}' is a link; expected the folder of a run itself; remove the link by hand.")
    if not (path.is_dir() and RUN_NAME.fullmatch(path.resolve().name) and is_run(path)):
        raise InputError(
            f"'{path}' is not a run: expected a folder <date>-<hash>-s<seed> with a {CONFIG}; choose runs of a folder "
            "with --where."
        )
    return RunRecord(path)


def inside(path: str | Path, results: str | Path, *, whole: bool = False) -> None:
    """Refuses a path that is not in the results folder, nor, if that is meant, the `whole` of it.

    Raises:
        InputError: in one sentence.
    """
    place, home = Path(path).resolve(), Path(results).resolve()
    if not place.is_relative_to(home) or (place == home and not whole):
        raise InputError(f"'{path}' is not inside the results folder '{results}'; say --results=DIR for another one.")


def remove(record: RunRecord) -> None:
    """Deletes a run's folder, the config last.

    Until then it is a run, so that a removal that was cut off can be repeated.

    Raises:
        Busy: if a process has begun to write the run.
    """
    hold(record.path)
    try:
        _remove(record)
    finally:
        release(record.path)


def _remove(record: RunRecord) -> None:
    for inner in record.path.iterdir():
        if inner.name in (CONFIG, LOCK):
            continue
        _delete(inner)
    if os.path.lexists(record.path / CONFIG):
        _delete(record.path / CONFIG)
    (record.path / LOCK).unlink(missing_ok=True)
    record.path.rmdir()


def _delete(path: Path) -> None:
    """A file, a link, or a folder with everything in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def size(record: RunRecord) -> int:
    """Bytes of a run's files; what links point to does not count."""
    return sum(path.lstat().st_size for path in record.path.rglob("*") if not path.is_dir() or path.is_symlink())


def running(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs that a process is writing."""
    return [record for record in records if _is_running(record)]


def _is_running(record: RunRecord) -> bool:
    writer = holder(record.path)
    if writer is not None:
        return bool(writer)
    file = record.path / METRICS
    file = file if os.path.lexists(file) else record.path
    return record.summary is None and abs(time.time() - file.lstat().st_mtime) < BUSY
