"""`nnks reference`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nnks.analysis.names import terms_text
from nnks.cli.options import parse_options
from nnks.config import ConfigDict, load_config
from nnks.registry import InputError
from nnks.tracking.progress import duration


def command(arguments: list[str]) -> int:
    """Computes the energies near the basis limit that runs are compared with, whatever they take, and keeps them."""
    molecules = [argument for argument in arguments if not argument.startswith("--")]
    options = parse_options(_with_config([a for a in arguments if a.startswith("--")]))
    if molecules and "system.molecule" in options["changes"]:
        raise InputError(
            f"nnks reference got '{molecules[0]}' and --config.system.molecule; give a molecule once, in either way."
        )
    base = load_config(options["config"], options["changes"])
    configs = [load_config(options["config"], options["changes"] | {"system.molecule": m}) for m in molecules] or [base]
    from nnks.runs.plan import sketch

    systems = [
        sketch(config).system for config in configs
    ]  # what is wrong with the last is said before the first starts
    table = Table("molecule", "functional", "basis", "energy [Ha]", "time", "from")
    failed = False
    for system in systems:
        for row in _rows(system, options["results"], dry=options["dry_run"]):
            failed |= "not converged" in row
            table.add_row(*row)
    Console().print(table)
    return 1 if failed else 0


def _with_config(options: Sequence[str]) -> list[str]:
    """The options with a config, the packaged `gaussian` where none is named."""
    named = any(option.partition("=")[0] == "--config" for option in options)
    return [*options] if named else ["--config=gaussian", *options]


def _rows(system: Any, results: str, *, dry: bool) -> list[list[str]]:
    """A row for each reference of a system, computed unless it is known or the run is dry."""
    from nnks.interop.reference import known_reference
    from nnks.interop.reference_cost import estimated_seconds
    from nnks.runs.references import limit_specs
    from nnks.tracking.cache import reference_folders

    specs, rows = limit_specs(system), []
    config: ConfigDict = system.config
    if not specs:
        raise InputError(
            f"no large basis is affordable for {system.molecule.name}, and reference.large_basis is "
            f"'{config.reference.large_basis}'; name one, such as --config.reference.large_basis=pcseg-1."
        )
    folders = reference_folders(results)
    for spec in specs:
        terms = terms_text(config.functional.terms.to_dict())
        called = [", ".join(filter(None, (system.molecule.name, terms))), spec.xc, spec.name.partition("/")[2]]
        known = known_reference(system.molecule, spec, folders)
        seconds = 0.0 if known else estimated_seconds(system.molecule, spec)
        if dry and not known:
            rows.append([*called, "", f"about {duration(seconds)}", "--"])
            continue
        started, source = time.monotonic(), "nnks or its cache" if known else "computed"
        energies = known or _computed(system, spec, folders, f"{', '.join(called)}: about {duration(seconds)}")
        if not energies["converged"]:
            source = "not converged"
        rows.append([*called, f"{energies['energies']['total']:.8f}", duration(time.monotonic() - started), source])
    return rows


def _computed(system: Any, spec: Any, folders: Sequence[Path], about: str) -> dict[str, Any]:
    """A reference that is computed now, with a line that says what is done."""
    from nnks.interop.reference import reference

    with Console(stderr=True).status(about) as status:
        return reference(system.molecule, spec, folders, lambda what: status.update(f"{about}; {what}"))
