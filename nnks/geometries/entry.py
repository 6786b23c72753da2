"""What the library holds about one molecule."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from nnks.units import ANGSTROM


class Geometry(NamedTuple):
    """Nuclei in space: element symbols and positions [Bohr]."""

    symbols: tuple[str, ...]
    positions: Float[np.ndarray, "atoms 3"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One molecule of the library; the geometry is built when it is asked for.

    Attributes:
        name: what a config calls it.
        aliases: other names for it.
        formula: in Hill's order.
        spin: n_up - n_down of the neutral molecule's ground state.
        source: a citation, or the rule by which the geometry is built.
        build: makes the geometry [Bohr].
    """

    name: str
    aliases: tuple[str, ...]
    formula: str
    spin: int
    source: str
    build: Callable[[], Geometry]


def geometry_angstrom(symbols: Sequence[str], positions: Sequence[Sequence[float | int]] | np.ndarray) -> Geometry:
    """The geometry [Bohr] from coordinates in angstrom; its array is read-only, since entries share it."""
    bohr = np.array(positions, dtype=np.float64).reshape(-1, 3) * ANGSTROM
    bohr.setflags(write=False)
    return Geometry(tuple(symbols), bohr)


def hill_formula(symbols: Sequence[str]) -> str:
    """The formula in Hill's order: carbon, hydrogen, then alphabetical; without carbon all alphabetical.

    Example:
        >>> hill_formula(["O", "H", "H"]), hill_formula(["H", "C", "N"])
        ('H2O', 'CHN')

    References:
        Hill, J. Am. Chem. Soc. 22, 478 (1900).
    """
    counts = Counter(symbols)
    first = ("C", "H") if "C" in counts else ()
    order = sorted(counts, key=lambda s: (first.index(s) if s in first else len(first), s))
    return "".join(f"{s}{counts[s] if counts[s] > 1 else ''}" for s in order)
