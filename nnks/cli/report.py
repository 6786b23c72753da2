"""`nnks report`."""

from __future__ import annotations

from pathlib import Path

from nnks.analysis import write_report
from nnks.cli.quick import seldom
from nnks.registry import InputError
from nnks.tracking import list_runs, mirror_figures, sync_instruction


def command(arguments: list[str]) -> int:
    """Writes the report of a stored sweep and prints it."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise InputError("nnks report takes one folder, such as results/quickstart.")
    with seldom():
        paths = write_report(Path(arguments[0]))
    print(paths.markdown.read_text(encoding="utf-8"))
    print(f"report: {paths.html}")
    folder = Path(arguments[0])
    if mirror_figures(folder, paths.figures, list_runs(folder), page=paths.html) != "disabled":
        print(sync_instruction(folder) or "W&B: the figures are in the run 'report' of this experiment.")
    return 0
