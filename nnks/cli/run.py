"""`nnks run`."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

from nnks.cli.options import parse_options, use_compilation_cache
from nnks.config import load_config, to_dict


def command(arguments: list[str]) -> int:
    """Trains, evaluates, compares and stores one run."""
    options = parse_options(arguments)
    use_compilation_cache()
    config = load_config(options["config"], options["changes"])
    if options["dry_run"]:
        return _show_plan(config)
    from nnks.experiment import run
    from nnks.tracking import sync_instruction
    from nnks.training.state import TrainingDiverged

    try:
        summary = run(config, options["results"])
    except TrainingDiverged as error:
        print(f"nnks: {error}", file=sys.stderr)
        return 1
    print(f"stored in {summary.path}")
    if instruction := sync_instruction(summary.path):
        print(instruction)
    return 1 if summary.values["violations"] else 0


def _show_plan(config: Any) -> int:
    from nnks.plan import plan

    ready = plan(config)
    Console().print_json(json.dumps(to_dict(ready.config)))
    for name, value in ready.describe().items():
        print(f"{name + ':':18s} {value}")
    return 0
