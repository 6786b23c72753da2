"""What happens to damage in the folder of a run that goes on: it is set aside, and the rest is made one again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnks.tracking.files import Damaged, printable, replacing
from nnks.tracking.lines import each_line, metrics_line


def move_aside(path: Path, folder: Path) -> Path:
    """Moves what does not belong into a folder for it, under a name that is free; where to."""
    target = free_name(folder, path.name)
    os.rename(path, target)
    return target


def free_name(folder: Path, name: str) -> Path:
    """Where something of this name can be put; the folder is made."""
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(exist_ok=True)
    taken = {path.name for path in folder.iterdir()}
    return folder / next(
        each for each in (name, *(f"{name}.{n}" for n in range(2, len(taken) + 3))) if each not in taken
    )


def keep_until(path: Path, step: int, row: Mapping[str, Any] | None, rows: int | None, aside: Path) -> str:
    """Writes metrics anew, up to a step; lines that are no records go to a file of the same name in a folder for it.

    Args:
        path: the metrics; a missing file is an empty one.
        step: the last one that is kept.
        row: its metrics if they are known, which are written whether the file has them or not.
        rows: how many steps must be there; None where that is not known.
        aside: the folder.

    Returns:
        What is missing or damaged, in words; empty for nothing.
    """
    known = -1 if row is None else int(row["step"])
    kept, last, reason = int(row is not None), -1, ""
    with replacing(path) as stream, _Unusable(aside / path.name) as unusable:
        try:
            for raw, entry, _ in each_line(path):
                if entry is None:
                    unusable.add(raw)
                elif entry["step"] <= step and entry["step"] != known:
                    kept += entry["step"] != last
                    last = entry.pop("step")
                    stream.write(metrics_line(last, entry).encode())
        except FileNotFoundError:
            pass
        except Damaged as error:
            reason = f"it was damaged ({error}), and begins anew"
        if row is not None:
            own = {name: value for name, value in row.items() if name != "step"}
            stream.write(metrics_line(known, own).encode())
    if unusable.count or reason:
        return unusable.said() or reason
    if rows is None or kept >= rows:
        return ""
    return f"{rows - kept} of the {rows} steps that were recorded up to step {step} are missing"


class _Unusable:
    """Lines that are no records, in a file of their own, which is made with the first."""

    def __init__(self, path: Path):
        self._path, self._stream, self.count = path, None, 0

    def __enter__(self) -> _Unusable:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def add(self, raw: bytes) -> None:
        if self._stream is None:
            self._path = free_name(self._path.parent, self._path.name)
            self._stream = self._path.open("xb")
        self.count += 1
        self._stream.write(raw)

    def said(self) -> str:
        """What became of them."""
        if not self.count:
            return ""
        many = f"{self.count} lines are no records and were" if self.count > 1 else "a line is no record and was"
        return f"{many} moved to '{printable(str(self._path))}'"
