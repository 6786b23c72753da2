"""Units of length that a config may name."""

from __future__ import annotations

from nnks.registry import InputError, shown, suggest
from nnks.units import ANGSTROM

UNITS = {"angstrom": ANGSTROM, "bohr": 1.0}
"""One unit of length [Bohr], by its name in a config."""

OTHER_NAMES = {"a": "angstrom", "å": "angstrom", "ang": "angstrom", "angstroms": "angstrom", "ångström": "angstrom"}
OTHER_NAMES |= dict.fromkeys(("au", "a.u.", "b", "bohrs"), "bohr")
"""What else a config may call them, in any case."""


def canonical_unit(unit: str) -> str:
    """`"angstrom"` or `"bohr"` for any name of the two.

    Raises:
        InputError: for another unit.
    """
    name = unit.strip().casefold()
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
