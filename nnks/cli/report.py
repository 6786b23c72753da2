"""`nnks report`."""

from __future__ import annotations

from pathlib import Path

from nnks.analysis import write_report
from nnks.registry import InputError


def command(arguments: list[str]) -> int:
    """Writes the report of a stored sweep and prints it."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise InputError("nnks report takes one folder, such as results/quickstart.")
    paths = write_report(Path(arguments[0]))
    print(paths.markdown.read_text(encoding="utf-8"))
    print(f"report: {paths.html}")
    return 0
