"""The names of the energy's terms, and their order in every table and file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOTAL = "total"

STANDARD = ("kinetic", "external", "hartree", "xc", "nuclear")
"""The terms that every Kohn-Sham energy has; a config may add others (`functional.terms`), which follow on these."""


def in_order(*energies: Mapping[str, Any]) -> list[str]:
    """The names of energies as tables list them: the total, the terms of every Kohn-Sham energy, then a run's own.

    Example:
        >>> in_order({"xc": -1.0, "field": 0.1, "total": -2.0, "kinetic": 1.0})
        ['total', 'kinetic', 'xc', 'field']
    """
    names = dict.fromkeys(name for each in energies for name in each)
    first = [name for name in (TOTAL, *STANDARD) if name in names]
    return first + sorted(names.keys() - set(first))
