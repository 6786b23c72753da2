"""`nnks list`."""

from __future__ import annotations

import dataclasses
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nnks.analysis.text import markdown_table
from nnks.config.keys import Key, all_keys
from nnks.registry import InputError, suggest

KINDS = ("ansatz", "orthogonalizer", "sampler", "xc", "hartree", "optimizer", "term", "basis", "molecule", "config")

KEYS = "keys"
"""What a config holds, beside the kinds of what it may name."""


PAGE = """# Config keys

Every key, as `nnks list keys` prints it from the code. On a command line a key is `--config.KEY=VALUE`; in Python it is
an entry of `nnks.load_config("gaussian", {"KEY": VALUE})`. A key that does not exist, or a value that its key does not
take, is refused before anything is computed, in one sentence that says what would be taken. The common cases of what
else is refused, such as two keys that do not go together, stand behind what a key does.

Four sections name a member: `ansatz`, `orthogonalizer`, `sampler` and `optimizer`. Such a section holds the fields of
that member, and naming another one brings that one's defaults. Beside a field stand the members that have it.

<!-- Written by: nnks list keys --markdown > docs/keys.md -->
"""


def command(arguments: list[str]) -> int:
    """Prints what a config may name, or every key of it; `keys --markdown` prints the page `docs/keys.md`."""
    if arguments == [KEYS, "--markdown"]:
        print(keys_page(), end="")
        return 0
    if arguments == [KEYS]:
        _print_keys()
        return 0
    if not arguments:
        print(f"nnks list KIND shows what a config may name; KIND is one of {', '.join((*KINDS, KEYS))}.")
        return 0
    if len(arguments) != 1 or arguments[0] not in KINDS:
        given = " ".join(arguments)
        raise InputError(f"nnks list takes one kind and got '{given}'; {suggest(given, (*KINDS, KEYS))}.")
    table = Table("name", "what it is")
    for name, summary in members(arguments[0]).items():
        table.add_row(name, summary)
    Console().print(table)
    return 0


def _print_keys() -> None:
    console = Console(highlight=False)
    for key in all_keys():
        console.print(
            Text.assemble((key.path, "bold"), f" = {default(key)}", (f"  ({takes(key)})", "dim")), soft_wrap=True
        )
        of = f" [of {', '.join(key.members)}]" if key.members else ""
        console.print(Padding(Text(f"{key.does}{of}"), (0, 0, 0, 4), expand=False))
        if key.refused:
            console.print(Padding(Text(f"refused when: {'; '.join(key.refused)}", "dim"), (0, 0, 0, 4), expand=False))


def keys_page() -> str:
    """The page of every key as Markdown, a table for each section."""
    sections: dict[str, list[Key]] = {}
    for key in all_keys():
        sections.setdefault(key.path.partition(".")[0] if "." in key.path else "run", []).append(key)
    parts = [PAGE]
    for section, keys in sections.items():
        rows = []
        for key in keys:
            of = f" of {', '.join(key.members)}" if key.members else ""
            rows.append(
                {
                    "key": f"`{key.path}`{of}",
                    "default": f"`{default(key)}`",
                    "takes, and nothing else": takes(key),
                    "what it does": key.does + _refused(key),
                }
            )
        parts.append(f"## {section}\n\n{markdown_table(rows)}\n")
    return "\n".join(parts)


def _refused(key: Key) -> str:
    return f". **Refused when** {'; '.join(key.refused)}" if key.refused else ""


def default(key: Key) -> str:
    """A key's default as a command line would spell it."""
    return '""' if key.default == "" else str(key.default)


def takes(key: Key) -> str:
    """Type, bounds and unit of a key."""
    return str(dataclasses.replace(key.rule, default=None))


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
    if kind == "basis":
        from nnks.basis.files import described, shipped_sets

        return {name: described(name) for name in shipped_sets()}
    if kind == "term":
        from nnks.functional.terms import TERMS, extra_terms

        return {name: summary + _fields(TERMS.fields(name)) for name, summary in extra_terms().items()}
    if kind == "xc":
        from nnks.interop.libxc import available

        return dict(available())
    from nnks.config import registries

    registry = registries()[kind]
    return {name: entry.summary + _fields(registry.fields(name)) for name, entry in sorted(registry.items())}


def _fields(fields: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={value}" for key, value in fields.items() if key != "positive")
    return f" [{shown}]".replace("[", "(").replace("]", ")") if shown else ""
