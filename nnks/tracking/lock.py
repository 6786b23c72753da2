"""One process at a time writes a run: a lock of the operating system, which it releases however the process ends.

`<run>/.lock` holds who has it, for people; the lock itself is not in the file's content or time, so that a killed
process or a wrong clock leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from nnks.registry import InputError
from nnks.tracking.base import warn
from nnks.tracking.files import read_json

LOCK = ".lock"

WAIT = 120.0
"""Seconds to wait while another process makes a folder in an experiment."""

UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""Errors of file systems without locks, as some clusters mount theirs."""

_held: dict[Path, FileLock] = {}
_warned: set[int] = set()


class Busy(InputError):
    """Another process writes this run."""


def hold(folder: Path) -> None:
    """Takes a run for this process until `release`, or its end.

    Raises:
        Busy: if another one, or another thread of this one, has it.
    """
    lock = _lock(folder)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise Busy(
            f"the run '{folder}' is being written by {_owner(folder)}; wait for it to end or end it, and give the same "
            "command again."
        ) from None
    except OSError as error:
        _say_once(folder, error)
        return
    _held[folder.absolute()] = lock
    about = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{datetime.datetime.now(datetime.UTC):%F %T}",
    }
    Path(lock.lock_file).write_text(json.dumps(about) + "\n", encoding="utf-8")


def release(folder: Path) -> None:
    """Gives a run back; nothing if this process does not have it."""
    if lock := _held.pop(folder.absolute(), None):
        _drop(lock)


def holder(folder: Path) -> str | None:
    """Who writes a run: a process in words, empty for nobody; None where the file system cannot tell."""
    if folder.absolute() in _held:
        return _owner(folder)
    if not (folder / LOCK).exists():
        return ""
    lock = _lock(folder)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return _owner(folder)
    except OSError as error:
        return None if error.errno in UNSUPPORTED else ""
    lock.release()
    return ""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Looks for a run and makes its folder while no other process does so in the same experiment.

    Two at once would make a folder each.

    Raises:
        Busy: if another process takes longer than `WAIT` for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    try:
        lock.acquire(timeout=WAIT)
    except Timeout:
        raise Busy(
            f"the folder '{folder}' has been locked by another process for {WAIT:g} s; end that process, and give the "
            "same command again."
        ) from None
    except OSError as error:
        _say_once(folder, error)
        yield
        return
    try:
        yield
    finally:
        _drop(lock)


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / LOCK, thread_local=False, fallback_to_soft=False)


def _drop(lock: FileLock) -> None:
    """The file goes before the lock: who waits on it looks again, and a folder at rest has none."""
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)
    with contextlib.suppress(OSError):
        lock.release()


def _owner(folder: Path) -> str:
    about = read_json(folder / LOCK) or {}
    if "process" not in about:
        return "another process"
    return f"process {about['process']} on {about.get('host')} since {about.get('since')} UTC"


def _say_once(folder: Path, error: OSError) -> None:
    """A run goes on where there are no locks; other errors are those of any file that cannot be written."""
    if error.errno not in UNSUPPORTED:
        raise InputError(
            f"the folder '{folder}' cannot be locked ({error.strerror or error}); expected one in which files can be "
            "written; try another one with --results=DIR."
        ) from error
    if (code := error.errno or 0) not in _warned:
        _warned.add(code)
        warn(
            f"the file system of '{folder}' has no locks ({error.strerror}); take care that no two processes compute "
            "the same run."
        )
