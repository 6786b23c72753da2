"""`nnks rm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnks.analysis.conditions import select
from nnks.analysis.listing import StoredRun, stored_runs
from nnks.cli.arguments import Arguments
from nnks.cli.ls import print_runs
from nnks.registry import InputError
from nnks.tracking.removal import inside, removable, remove, running, size


def command(arguments: list[str]) -> int:
    """Shows which runs would be removed; removes them with `--yes`."""
    parser = Arguments("rm")
    parser.add_argument("paths", nargs="*")
    parser.add_where()
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--results", default="results")
    options = parser.read(arguments)
    runs = _chosen(options)
    busy = running(run.record for run in runs)
    runs = [run for run in runs if run.record not in busy]
    if busy:
        names = ", ".join(str(record.path) for record in busy)
        print(f"kept, because a process is writing them: {names}")
    if not runs:
        print("nothing to remove.")
        return 0
    megabytes = sum(size(run.record) for run in runs) / 1e6
    count = f"{len(runs)} run{'s' * (len(runs) > 1)}, {megabytes:.1f} MB"
    if not options.yes:
        print_runs(runs, ("path", "label", "seed", "status", "energy"))
        print(f"{count} would be removed; the same command with --yes does it.")
        return 0
    for run in runs:
        remove(run.record)
        print(f"removed {run.record.path}")
    print(f"{count} removed.")
    return 0


def _chosen(options: Any) -> list[StoredRun]:
    """The runs of a folder that meet the conditions, or those that were named."""
    if options.where:
        if len(options.paths) > 1:
            raise InputError(f"nnks rm --where takes one folder and got {len(options.paths)}; name one, or the runs.")
        if options.paths:
            inside(options.paths[0], options.results, whole=True)  # before anything is read
        runs = select(stored_runs(options.paths[0] if options.paths else options.results), options.where)
    elif options.paths:
        paths = [Path(path) for path in dict.fromkeys(options.paths)]
        for path in paths:
            removable(path, options.results)  # before anything is read: a folder of many runs is no run
        runs = [run for path in paths for run in stored_runs(path)]
    else:
        raise InputError("nnks rm takes the folders of runs, or a folder and --where KEY=VALUE; it got neither.")
    for run in runs:
        removable(run.record.path, options.results)
    return runs
