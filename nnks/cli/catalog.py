"""`nnks list`."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from nnks.registry import InputError, suggest

KINDS = ("ansatz", "orthogonalizer", "sampler", "xc", "hartree", "optimizer", "molecule", "config")


def command(arguments: list[str]) -> int:
    """Prints what a config may name."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        given = " ".join(arguments)
        raise InputError(f"nnks list takes one kind and got '{given}'; {suggest(given, KINDS)}.")
    table = Table("name", "what it is")
    for name, summary in members(arguments[0]).items():
        table.add_row(name, summary)
    Console().print(table)
    return 0


def members(kind: str) -> dict[str, str]:
    """What a config may name, with a line on each."""
    if kind == "config":
        from nnks.config import packaged_configs

        return packaged_configs()
    if kind == "molecule":
        from nnks.geometries import LIBRARY

        return {
            name: f"{entry.formula}, spin {entry.spin}"
            + (f" (also: {', '.join(entry.aliases)})" if entry.aliases else "")
            for name, entry in LIBRARY.items()
        }
    if kind == "hartree":
        from nnks.functional.hartree import HARTREE

        return HARTREE
    if kind == "xc":
        from nnks.interop.libxc import available

        return dict(available())
    from nnks.config import registries

    registry = registries()[kind]
    return {name: entry.summary + _fields(registry.fields(name)) for name, entry in sorted(registry.items())}


def _fields(fields: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={value}" for key, value in fields.items() if key != "positive")
    return f" [{shown}]".replace("[", "(").replace("]", ")") if shown else ""
