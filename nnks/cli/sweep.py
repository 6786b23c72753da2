"""`nnks sweep`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from nnks.cli.options import parse_options, use_compilation_cache
from nnks.sweep import flat, is_finished, load_sweep, run_sweep
from nnks.tracking import sync_instruction

SHOWN = 5
"""Columns of a sweep's table: the keys that its runs differ in, the first ones."""


def command(arguments: list[str]) -> int:
    """Shows what a file would run, and runs what is missing."""
    options = parse_options(arguments)
    use_compilation_cache()
    sweep = load_sweep(options["config"], options["changes"])
    keys = list(dict.fromkeys(("system.molecule", *sweep.axes)))[:SHOWN]
    columns = [key.removesuffix(".name").rpartition(".")[2] for key in keys]
    table = Table("run", *columns, "state", title=f"{sweep.name}: {sweep.title}")
    for n, config in enumerate(sweep.configs, 1):
        state = "finished" if is_finished(config, options["results"]) else "to do"
        table.add_row(str(n), *(str(flat(config).get(key, "")) for key in keys), state)
    Console().print(table)
    if options["dry_run"]:
        return 0
    outcome = run_sweep(sweep, options["results"], command=" ".join(("nnks sweep", *arguments)))
    print(f"{outcome.finished} runs done, {outcome.skipped} kept, {len(outcome.failed)} failed.")
    if instruction := sync_instruction(Path(options["results"]) / sweep.name):
        print(instruction)
    return 1 if outcome.failed else 0
