"""`nnks run`."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

from nnks.cli.options import parse_options
from nnks.cli.quick import UNUSED, quick, seldom
from nnks.config import load_config, to_dict
from nnks.molecule import Molecule
from nnks.tracking.cache import check_backend, use_compilation_cache


def command(arguments: list[str]) -> int:
    """Trains, evaluates, compares and stores one run."""
    with quick() if "--dry-run" in arguments else seldom(UNUSED):
        options = parse_options(arguments, {"again": bool})
        use_compilation_cache()
        check_backend()
        config = load_config(options["config"], options["changes"])
        _check_molecule(config)
        if options["dry_run"]:
            return _show_plan(config, options["results"])
        return _run(config, options["results"], again=options["own"].get("again", False))


def _check_molecule(config: Any) -> None:
    """Refuses a molecule, charge or spin that cannot be, before what computes it is imported, which takes longer."""
    s = config.system
    Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)


def _run(config: Any, results: str, *, again: bool) -> int:
    from nnks.runs.experiment import run
    from nnks.tracking import sync_instruction
    from nnks.training.state import TrainingDiverged

    try:
        summary = run(config, results, again=again)
    except TrainingDiverged as error:
        print(f"nnks: {error}", file=sys.stderr)
        return 1
    print(f"stored in {summary.path}")
    if instruction := sync_instruction(summary.path):
        print(instruction)
    return 1 if summary.values["violations"] else 0


def _show_plan(config: Any, results: str) -> int:
    from nnks.runs.experiment import outline_of
    from nnks.runs.plan import finished_run

    outlined = outline_of(config)
    Console().print_json(json.dumps(to_dict(outlined.config)))
    for name, value in outlined.describe().items():
        print(f"{name + ':':18s} {value}")
    stored = finished_run(outlined.config, results)
    if stored is not None:
        print(f"{'stored:':18s} {stored.path}; finished, and not computed again without --again")
    return 0
