"""Energies near the basis limit that come with nnks: a table of the library's molecules, by `benchmarks/limits.py`.

An entry answers for the same nuclei, charge, spin, functional, basis and grid, by content and not by name. It says
which versions of PySCF and libxc computed it, when, and for how many processor seconds.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnks.interop.libxc import meaning_of
from nnks.tracking.files import digest, plain, read_json
from nnks.tracking.sound import check_reference

TABLE = Path(__file__).with_name("limits.json")
"""The table; JSON with a checksum."""

SAME_PLACE = 1e-6
"""Nuclei this close [Bohr] are at the same place: it moves an energy by less than a nanohartree at a minimum, and
rounding is far below."""

PROGRAM = ("pyscf", "libxc")
"""Of an entry's identity, what computed it: other versions are answered, too."""


def shipped(asked: Mapping[str, Any], table: Path = TABLE) -> dict[str, Any] | None:
    """The converged result of a calculation that comes with nnks; None where the table has none.

    Args:
        asked: all that the calculation depends on, as `nnks.interop.reference.identity` says it.
        table: to look in.
    """
    entry = _entries(table).get(key_of(asked))
    if entry is None or not np.allclose(entry["asked"]["positions"], asked["positions"], rtol=0, atol=SAME_PLACE):
        return None
    return entry


def key_of(asked: Mapping[str, Any]) -> str:
    """The hash of what must be equal: all but versions and positions, and of the functional what it means."""
    left_out = ("positions", "xc", *PROGRAM)
    same = {key: value for key, value in plain(asked).items() if key not in left_out}
    return digest(same | {"functional": meaning_of(str(asked["xc"])), "atoms": len(asked["symbols"])})


@functools.cache
def _entries(table: Path) -> dict[str, dict[str, Any]]:
    """Entries by `key_of`; empty for a table that is missing or damaged, which is said."""
    stored = read_json(table, _wrong) or {"entries": []}
    return {key_of(entry["asked"]): entry for entry in stored["entries"] if entry["converged"]}


def _wrong(table: dict[str, Any]) -> str:
    entries = table.get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return "it has no entries"
    for entry in entries:
        asked = entry.get("asked")
        if (
            not isinstance(asked, dict)
            or not {"symbols", "positions", "xc"} <= asked.keys()
            or "converged" not in entry
        ):
            return "an entry does not say what it is of"
        if wrong := check_reference(entry):
            return wrong
    return ""
