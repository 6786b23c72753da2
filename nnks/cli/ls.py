"""`nnks ls`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nnks.analysis.conditions import select
from nnks.analysis.listing import SHOWN, UNITS, StoredRun, check_keys, ordered, stored_runs
from nnks.cli.arguments import Arguments
from nnks.config.values import Bounds, Rule

FORMS = {"energy": ".6f", "error": "+.3f", "seconds": ".1f", "electrons": ".6f"}
"""How columns are printed; other numbers in six digits."""

LIMIT = Rule(int, bounds=Bounds(1, 1_000_000_000))
"""How many runs are shown."""


def command(arguments: list[str]) -> int:
    """Prints a table of stored runs."""
    parser = Arguments("ls")
    parser.add_argument("folder", nargs="?", default="results")
    parser.add_where()
    parser.add_argument("--columns", nargs="+", action="extend", default=[])
    parser.add_argument("--sort")
    parser.add_argument("--limit")
    options = parser.read(arguments)
    limit = LIMIT.read(options.limit, "--limit") if options.limit is not None else None
    runs = stored_runs(options.folder)
    columns = [key for text in options.columns for key in text.split(",") if key] or list(SHOWN)
    check_keys(runs, [*columns, *([options.sort.removeprefix("-")] if options.sort else [])])
    chosen = select(runs, options.where)
    if options.sort:
        chosen = ordered(chosen, options.sort)
    if chosen:
        print_runs(chosen[:limit], columns)
    shown = len(chosen[:limit])
    cut = f", {shown} shown" if shown < len(chosen) else ""
    print(
        f"{len(chosen)} of {len(runs)} runs{cut}" if options.where or cut else f"{len(runs)} run{'s' * (len(runs) > 1)}"
    )
    return 0


def print_runs(runs: Sequence[StoredRun], columns: Sequence[str], title: str | None = None) -> None:
    """A table of runs on standard output; nothing is cut off where that is no terminal."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for key in columns:
        numeric = any(isinstance(run[key], (int, float)) and not isinstance(run[key], bool) for run in runs)
        unit = f"\n\\[{UNITS[key]}]" if key in UNITS else ""
        keep = key in ("run", "path") or numeric  # names are copied into the next command
        table.add_column(escape(key) + unit, justify="right" if numeric else "left", no_wrap=keep, overflow="fold")
    for run in runs:
        table.add_row(*(escape(cell(key, run[key])) for key in columns))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 10 + sum(2 + _width(runs, key) for key in columns) * 2))
    console.print(table)


def _width(runs: Sequence[StoredRun], key: str) -> int:
    return max(len(key), *(len(cell(key, run[key])) for run in runs))


def cell(key: str, value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(value, FORMS.get(key, ".6g"))
    return json.dumps(value) if isinstance(value, list) else " ".join(str(value).split())
