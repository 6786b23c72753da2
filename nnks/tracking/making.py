"""Folders that appear whole: made under a hidden name beside their place, then renamed."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

UNFINISHED = re.compile(r"\..+\.tmp-(?P<process>\d+)@(?P<host>.*)")
"""The name of a folder that is being made, by which process of which machine."""

OLD = 600.0
"""Seconds after which a folder that another machine was making counts as left behind."""


def make_whole(parent: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Makes a folder; nobody sees it before it is complete.

    Args:
        parent: where it goes.
        name: what it is called; `-2` and so on are added where that is taken.
        fill: writes what belongs into it.

    Returns:
        The folder.
    """
    hidden = parent / f".{name}.tmp-{os.getpid()}@{_host()}"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir()
    try:
        fill(hidden)
        copy = 1
        while True:
            path = parent / (name if copy == 1 else f"{name}-{copy}")
            try:
                hidden.rename(path)  # fails where one with content exists, also against another process
                return path
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise
                copy += 1
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def clear_unfinished(parent: Path) -> None:
    """Removes folders that killed processes were making."""
    for path in parent.iterdir():
        named = UNFINISHED.fullmatch(path.name)
        if named is None or path.is_symlink() or not path.is_dir():
            continue
        here = named["host"] == _host()
        if (here and not _alive(int(named["process"]))) or time.time() - path.lstat().st_mtime > OLD:
            shutil.rmtree(path, ignore_errors=True)


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname())[:60]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True
