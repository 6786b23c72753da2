"""`nnks export`."""

from __future__ import annotations

from nnks.analysis.conditions import select
from nnks.analysis.export import check_target, metrics_frames, runs_frame, write_frame, write_frames
from nnks.analysis.listing import stored_runs
from nnks.cli.arguments import Arguments
from nnks.registry import InputError


def command(arguments: list[str]) -> int:
    """Writes stored runs as one table, and their steps as another if asked for."""
    parser = Arguments("export")
    parser.add_argument("folder", nargs="?", default="results")
    parser.add_argument("--to", required=True)
    parser.add_argument("--metrics", action="store_true")
    parser.add_where()
    options = parser.read(arguments)
    target = check_target(options.to)
    runs = select(stored_runs(options.folder), options.where)
    if not runs:
        raise InputError(f"no run of '{options.folder}' meets the conditions; try `nnks ls` with fewer of them.")
    frame = runs_frame(runs)
    write_frame(frame, target)
    print(f"{target}: {len(frame)} runs, {len(frame.columns)} columns")
    if options.metrics:
        path = target.with_name(f"{target.stem}-metrics{target.suffix}")
        steps, columns = write_frames(metrics_frames(runs), path)
        print(f"{path}: {steps} steps, {columns} columns; `path` says of which run")
    return 0
