"""The grammar of basis sets in a config: a name, `O:cc-pvdz,H:sto-3g`, and several of these between commas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nnks.geometries.elements import NUMBERS
from nnks.registry import InputError, shown

OTHERS = "*"
"""What stands for all elements that a mapping does not name; `default` does too."""

_COMMA = re.compile(r",(?![^()]*\))")  # not that of 6-31g(2df,2pd)
_ALONE = re.compile(r"(?m)^[ \t]*,[ \t]*$")
_ENTRY = re.compile(r"\s*([A-Za-z]*|\*)\s*:")
_ENTRY_NAME = re.compile(r"[^:;]*[^:;\s][^:;]*")


def canonical(spec: Any, key: str = "system.basis") -> str:
    """A spec as one string: a mapping from elements to names becomes `H:sto-3g,O:cc-pvdz`, in alphabetical order.

    Raises:
        InputError: for anything but text and such a mapping.
    """
    if isinstance(spec, Mapping):
        if not spec or not all(isinstance(part, str) and part.strip() for pair in spec.items() for part in pair):
            raise InputError(
                f"{key} is {shown(dict(spec))}; expected names by element, such as {{'O': 'cc-pvdz', 'H': 'sto-3g'}}."
            )
        spec = ",".join(f"{element}:{name}" for element, name in spec.items())
    if not isinstance(spec, str) or not spec.strip():
        raise InputError(f"{key} is {shown(spec)}; expected the name of a basis set such as '6-31g', or a basis file.")
    if "\n" in spec:
        return spec
    if not _ENTRY.match(spec):
        return spec.strip()
    return ",".join(f"{element}:{name}" for element, name in sorted(_entries(spec, key).items()))


def is_mapping(spec: str) -> bool:
    """Whether a spec has a name for each element."""
    return "\n" not in spec and _ENTRY.match(spec) is not None


def by_element(spec: str, symbols: Iterable[str], key: str = "system.basis") -> dict[str, str]:
    """The name for each element.

    Raises:
        InputError: for a mapping that cannot be read or lacks an element.
    """
    if not is_mapping(spec):
        return dict.fromkeys(symbols, spec)
    names = _entries(spec, key)
    missing = [symbol for symbol in symbols if symbol not in names and OTHERS not in names]
    if missing:
        raise InputError(
            f"{key} is {shown(spec)}, which names no basis for {', '.join(missing)}; add '{missing[0]}:6-31g' to it."
        )
    return {symbol: names.get(symbol, names.get(OTHERS, "")) for symbol in symbols}


def _entries(spec: str, key: str) -> dict[str, str]:
    """The names that a mapping gives, by element."""
    names: dict[str, str] = {}
    for part in _COMMA.split(spec):
        element, _, name = (piece.strip() for piece in part.partition(":"))
        element = OTHERS if element in (OTHERS, "default") else element.capitalize()
        if not _ENTRY_NAME.fullmatch(name) or (element not in NUMBERS and element != OTHERS) or element in names:
            raise InputError(
                f"{key} is {shown(spec)}, of which {shown(part)} cannot be read; expected each element once with a "
                "name, such as 'O:cc-pvdz,H:sto-3g', or '*' for all others."
            )
        names[element] = name
    return names


def listed(asked: str) -> tuple[str, ...]:
    """The specs of a list: commas separate them, or lines of one comma each where a spec is a text of several lines.

    Entries for elements in a row are one spec.
    """
    specs: list[str] = []
    for part in (_ALONE if "\n" in asked else _COMMA).split(asked):
        if specs and is_mapping(part) and is_mapping(specs[-1]):
            specs[-1] += f",{part.strip()}"
        elif part.strip():
            specs.append(part if "\n" in part.strip() else part.strip())
    return tuple(specs)


def joined(specs: Iterable[str]) -> str:
    """A list that `listed` takes apart."""
    specs = tuple(specs)
    return ("\n,\n" if any("\n" in spec for spec in specs) else ",").join(specs)
