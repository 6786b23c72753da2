"""Numbers as programs of the field write them, and units of length that a config may name."""

from __future__ import annotations

import math
import re
import unicodedata

from nnks.registry import InputError, shown, suggest
from nnks.units import ANGSTROM

UNITS = {"angstrom": ANGSTROM, "bohr": 1.0}
"""One unit of length [Bohr], by its name in a config."""

OTHER_NAMES = {"a": "angstrom", "å": "angstrom", "ang": "angstrom", "angstroms": "angstrom", "ångström": "angstrom"}
OTHER_NAMES |= dict.fromkeys(("au", "a.u.", "b", "bohrs"), "bohr")
"""What else a config may call them, in any case."""

_MANTISSA = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
NUMBER = rf"{_MANTISSA}(?:(?:[eEdD]|\*\^)[+-]?[0-9]+)?"
"""A pattern without groups. Fortran writes the exponent with a D, Mathematica (and with it QM9) as `*^`."""

_PARTS = re.compile(rf"({_MANTISSA})(?:(?:[eEdD]|\*\^)([+-]?[0-9]+))?")

LONGEST = 10_000
"""Characters of a number."""


def canonical_unit(unit: str) -> str:
    """`"angstrom"` or `"bohr"` for any name of the two.

    Raises:
        InputError: for another unit.
    """
    name = unicodedata.normalize("NFKC", unit.strip()).casefold()
    name = OTHER_NAMES.get(name, name)
    if name not in UNITS:
        raise InputError(f"system.unit is {shown(unit)}, which is not a unit of length; {suggest(unit, UNITS)}.")
    return name


def unit_length(unit: str) -> float:
    """The length of `unit` [Bohr].

    Raises:
        InputError: for a unit other than angstrom and bohr.
    """
    return UNITS[canonical_unit(unit)]


def number(text: str) -> float | None:
    """The finite number that `text` is; None for anything else, digits of other scripts among it."""
    match = _PARTS.fullmatch(text) if len(text) <= LONGEST else None
    value = float(f"{match[1]}e{match[2] or 0}") if match else math.nan
    return value if math.isfinite(value) else None


def is_number(text: str) -> bool:
    """Whether `text` is a finite number."""
    return number(text) is not None
