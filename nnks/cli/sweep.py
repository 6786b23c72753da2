"""`nnks sweep`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nnks.cli.options import parse_options
from nnks.launch import Launcher, Resources, make_launcher
from nnks.registry import InputError
from nnks.runs.estimate import estimates, total
from nnks.runs.members import batches, begun_in, why_alone
from nnks.sweep import Sweep, check_runs, flat, is_finished, load_sweep, run_sweep
from nnks.tracking import sync_instruction
from nnks.tracking.cache import check_backend, use_compilation_cache
from nnks.tracking.progress import duration
from nnks.tracking.record import called

SHOWN = 5
"""Columns of a sweep's table: the keys that its runs differ in, the first ones."""

OWN = {
    "launcher": str,
    "workers": int,
    "cluster": str,
    "batch": str,
    "cpus": int,
    "gpus": int,
    "memory": float,
    "minutes": float,
    "yes": bool,
}
"""Options of this command, with their types."""


def command(arguments: list[str]) -> int:
    """Shows what a file would run and for how long, and runs what is missing."""
    options = parse_options(arguments, OWN)
    use_compilation_cache()
    check_backend()
    sweep = load_sweep(options["config"], options["changes"], many=options["own"].get("yes", False))
    own = options["own"]
    if own.get("batch", "auto") not in ("auto", "off"):
        raise InputError(f"--batch is '{own['batch']}'; it must be auto or off.")
    resources = Resources(**{key: own[key] for key in ("cpus", "gpus", "memory", "minutes") if key in own})
    launcher = make_launcher(own.get("launcher", "local"), own.get("workers", 1), resources, own.get("cluster", ""))
    batch = own.get("batch", "auto") == "auto"
    if options["dry_run"]:
        check_runs(sweep, options["results"])
    show_plan(sweep, options["results"], launcher, batch)
    if options["dry_run"]:
        return 0
    written = " ".join(("nnks sweep", *arguments))
    how: Any = {"launcher": launcher, "batch": batch, "resources": resources}
    outcome = run_sweep(sweep, options["results"], command=written, **how)
    left = f", {len(outcome.left)} left as said above; the same command continues" if outcome.left else ""
    print(f"{outcome.finished} runs done, {outcome.skipped} kept, {len(outcome.failed)} failed{left}.")
    if instruction := sync_instruction(Path(options["results"]) / sweep.name):
        print(instruction)
    return 1 if outcome.failed or outcome.left else 0


def show_plan(sweep: Sweep, results: str, launcher: Launcher, batch: bool) -> None:
    """The table of runs: what they differ in, which are done, which are trained together, how long they will take."""
    finished = [is_finished(config, results) for config in sweep.configs]
    todo = [n for n, done in enumerate(finished) if not done]
    missing = [sweep.configs[n] for n in todo]
    groups = (
        batches(missing, launcher.workers, begun_in(missing, results)) if batch else [[n] for n in range(len(missing))]
    )
    together = [group for group in groups if len(group) > 1]
    member = {todo[n]: number for number, group in enumerate(together, 1) for n in group}
    seconds = dict(zip(todo, estimates(missing, results, sweep.name), strict=True))
    keys = list(dict.fromkeys(("system.molecule", *sweep.axes)))[:SHOWN]
    columns = [key.removesuffix(".name").rpartition(".")[2] for key in keys]
    table = Table("run", *columns, "state", "about", title=f"{sweep.name}: {sweep.title}")
    for n, config in enumerate(sweep.configs):
        state = "finished" if finished[n] else f"to do, batch {member[n]}" if n in member else "to do"
        spent = seconds.get(n)
        about = "" if spent is None else duration(spent)
        table.add_row(str(n + 1), *(str(called(key, flat(config).get(key, ""))) for key in keys), state, about)
    console = Console()
    console.print(table)
    console.print(f"{len(sweep.configs)} run{'s' * (len(sweep.configs) > 1)}, {len(missing)} to do.", highlight=False)
    for line in remarks(missing, groups, list(seconds.values()), launcher.workers, batch):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def remarks(
    missing: list[Any], groups: list[list[int]], seconds: list[float | None], workers: int, batch: bool
) -> list[str]:
    """What the table does not say: the time of all runs, and why runs are not trained together."""
    if not missing:
        return []
    lines = []
    spent, unknown = total(seconds, workers)
    if unknown < len(missing):
        rest = f"; {unknown} more are like no stored run" if unknown else ""
        by = f" by {workers} workers" if workers > 1 else ""
        lines.append(
            f"{len(missing) - unknown} runs take about {duration(spent)}{by}, as stored runs like them did{rest}."
        )
    else:
        lines.append("No stored run is like these, so that nothing is known of their time.")
    members = sum(len(group) for group in groups if len(group) > 1)
    if members:
        number = sum(len(group) > 1 for group in groups)
        lines.append(
            f"{members} runs are trained in {number} batch{'es' if number > 1 else ''}, which takes less time."
        )
    alone = Counter(reason for group in groups if len(group) == 1 and (reason := why_alone(missing[group[0]])))
    if batch and len(missing) > 1:
        lines += [f"{count} by themselves: {reason}." for reason, count in alone.items()]
    return lines
