"""`nnks compare`."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nnks.analysis.comparison import Section, compare, find_stored
from nnks.cli.arguments import Arguments, check_target


def command(arguments: list[str]) -> int:
    """Prints what runs differ in, and writes a page or a picture if asked for."""
    parser = Arguments("compare")
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--html")
    parser.add_argument("--png")
    parser.add_argument("--results", default="results")
    options = parser.read(arguments)
    for option, ending in (("html", ".html"), ("png", ".png")):
        check_target(option, getattr(options, option), ending)
    comparison = compare([find_stored(text, options.results) for text in options.runs])
    for section in comparison.sections:
        _print_section(section)
    from nnks.analysis.comparison_views import (
        convergence_figure,
        write_page,
    )  # matplotlib: only when a file is asked for

    if options.html:
        print(f"page: {write_page(comparison, Path(options.html))}")
    if options.png:
        drawn = convergence_figure(comparison, Path(options.png))
        print(f"picture: {drawn}" if drawn else "no picture: none of the runs has recorded steps and a reference.")
    return 0


def _print_section(section: Section) -> None:
    table = Table(title=section.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for n, name in enumerate(section.columns):
        numeric = n > 0 and section.title != "Runs"
        table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", no_wrap=n == 0)
    for row in section.rows:
        table.add_row(*map(escape, row), style="bold" if row[0] == "total" else None)
    console = Console()
    if not console.is_terminal:  # nothing is cut off in a file
        console = Console(width=max([console.width, *(sum(map(len, row)) + 4 * len(row) for row in section.rows)]))
    console.print(table)
    if section.note:
        console.print(section.note, markup=False, highlight=False)
