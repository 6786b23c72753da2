"""Options of `nnks run` and `nnks sweep`, and what both do before they start."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.config import load_config, override, read_texts
from nnks.config.texts import line
from nnks.config.users import file_name
from nnks.config.values import FINITE, WHOLE_NUMBERS, Bounds, Rule
from nnks.registry import InputError, shown, suggest

OWN_BOUNDS = {
    "workers": Bounds(1, 10_000),
    "cpus": Bounds(1, 100_000),
    "gpus": Bounds(0, 10_000),
    "memory": Bounds(0, 1_000_000, "GB", above=True),
    "minutes": Bounds(0, 10_000_000, "min", above=True),
}
"""Of numbers among a command's own options."""


def parse_options(arguments: Sequence[str], own: Mapping[str, type] | None = None) -> dict[str, Any]:
    """`--config`, `--results`, `--dry-run`, changes in the types of their keys, and a command's options under `own`.

    Args:
        arguments: of the command line.
        own: options that a command has beside these, and their types.

    Raises:
        InputError: for an option that does not exist or comes twice, a stray argument, or a value that its key does not
            take.
    """
    own, given, dry, changes = own or {}, {}, False, {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == "--dry-run" and not equals:
            dry = True
            continue
        if not equals and own.get(name.removeprefix("--")) is bool:
            equals, value = "=", "true"
        if not name.startswith("--"):
            bare = argument.lstrip("-")
            write = f"--{_bare(bare)}" if equals else f"--config={_bare(bare)}" if bare else "no empty argument"
            raise InputError(f"{shown(argument)} is not an option; write {write}, see nnks --help.")
        if not equals and name in ("--config", "--results", *(f"--{key}" for key in own)):
            raise InputError(f"{_bare(name)} has no value; write {_bare(name)}=VALUE.")
        if not equals and not name.startswith("--config."):
            options = ("config", "results", "dry-run", "debug", "help", *own)
            raise InputError(f"{_bare(name)} is no option; {suggest(name.removeprefix('--'), options)}.")
        if not equals:
            raise InputError(f"{_bare(name)} has no value; write {_bare(name)}=VALUE.")
        key = name.removeprefix("--config.")
        kept, key = (changes, key) if key != name else (given, name.removeprefix("--"))
        if kept is given and key not in ("config", "results", *own):
            others = "".join(f" --{key}," for key in own)
            raise InputError(
                f"{_bare(name)} is no option; options are --config, --config.KEY, --results, --dry-run,{others} --help."
            )
        if key in kept:
            raise InputError(f"{_bare(name)} is given twice; give it once.")
        kept[key] = value
    config, results = given.pop("config", ""), given.pop("results", "results")
    if not config:
        raise InputError("no config was given; add --config=gaussian, or another of `nnks list config`.")
    if not results or not results.isprintable():
        raise InputError(f"--results is {shown(results)}; it must be the path of a folder, such as results.")
    if os.path.lexists(results) and not Path(results).is_dir():
        raise InputError(
            f"--results is {file_name(results)}, which is no folder; it must be the path of a folder, such as results."
        )
    numbers = {key: number(f"--{key}", value, own[key]) for key, value in given.items()}
    return {"config": config, "results": results, "dry_run": dry, "changes": typed(config, changes), "own": numbers}


def _bare(name: str) -> str:
    """An option as a sentence repeats it."""
    return shown(name)[1:-1]


def number(name: str, value: str, kind: type) -> Any:
    """The value of an option in its type.

    Raises:
        InputError: for something else.
    """
    bounds = OWN_BOUNDS.get(name.removeprefix("--"), WHOLE_NUMBERS if kind is int else FINITE)
    return Rule(kind, bounds=bounds, fault=line if kind is str else None).read(value, name)


def typed(name: str, changes: dict[str, str]) -> dict[str, Any]:
    """Command-line values as the types that their keys have."""
    members = {key: text for key, text in changes.items() if key.endswith(".name")}
    return read_texts(override(load_config(name), members), changes)
