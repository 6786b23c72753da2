"""The library of named geometries: every entry says where its numbers come from.

`LIBRARY` maps a name to its entry; `lookup` also takes aliases and other capitalization.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from nnks.errors import SHOWN, InputError, shown
from nnks.geometries import atoms, cages, small
from nnks.geometries.elements import NUMBERS
from nnks.geometries.entry import Entry, Geometry

__all__ = ["LIBRARY", "Entry", "Geometry", "lookup", "names"]


def _library() -> Mapping[str, Entry]:
    entries = (*atoms.ENTRIES, *small.ENTRIES, *cages.ENTRIES)
    return MappingProxyType({entry.name: entry for entry in entries})


LIBRARY: Mapping[str, Entry] = _library()
"""Every entry by its name."""

_BY_ANY_NAME = {name: entry for entry in LIBRARY.values() for name in (entry.name, *entry.aliases)}


def names() -> tuple[str, ...]:
    """The names of all entries, without aliases."""
    return tuple(LIBRARY)


def lookup(name: str) -> Entry:
    """The entry with this name or alias, whatever its capitalization if that leaves one meaning.

    An exact match wins: `"CO"` is carbon monoxide and `"Co"` the cobalt atom, which the library does not
    hold, so that `"co"` is refused as ambiguous.

    Raises:
        InputError: for a name that is unknown or ambiguous.
    """
    if name in _BY_ANY_NAME:
        return _BY_ANY_NAME[name]
    if name in NUMBERS:
        raise InputError(
            f"system.molecule is {shown(name)}, an atom that the library does not hold (it holds H to Ar); "
            f"expected a library name, an .xyz path or inline atoms; write '{name} 0 0 0' and set "
            "system.spin."
        )
    folded = name[:SHOWN].casefold()
    matches = {entry.name: entry for key, entry in _BY_ANY_NAME.items() if key.casefold() == folded}
    meanings = {*matches, *(symbol for symbol in NUMBERS if symbol.casefold() == folded)}
    if len(matches) == 1 and len(meanings) == 1:
        return next(iter(matches.values()))
    if matches:
        raise InputError(
            f"system.molecule is {shown(name)}, which is ambiguous; expected the exact capitalization; write one "
            f"of: {', '.join(sorted(meanings))}."
        )
    raise InputError(
        f"system.molecule is {shown(name)}, which is not in the library; expected a library name, an .xyz path, "
        f"or inline atoms such as 'O 0 0 0; H ...'; {_near(name)}see `nnks list molecule`."
    )


def _near(name: str) -> str:
    folded = {key.casefold(): key for key in _BY_ANY_NAME}
    near = difflib.get_close_matches(name.casefold(), folded, n=3) if len(name) <= SHOWN else []
    return f"did you mean {' or '.join(repr(folded[key]) for key in near)}? or " if near else ""
