"""The atoms from hydrogen to argon with the spin of their experimental ground state."""

from __future__ import annotations

from nnks.geometries.elements import SYMBOLS
from nnks.geometries.entry import Entry, Geometry, geometry_angstrom

# Ground terms; the multiplicity 2S + 1 in front gives n_up - n_down = 2S.
TERMS = (
    "2S",
    "1S",
    "2S",
    "1S",
    "2P",
    "3P",
    "4S",
    "3P",
    "2P",
    "1S",
    "2S",
    "1S",
    "2P",
    "3P",
    "4S",
    "3P",
    "2P",
    "1S",
)

# Where the element's plain name means the diatomic molecule to most people, the atom's alias says "atom".
NAMES = (
    *("hydrogen atom", "helium", "lithium", "beryllium", "boron", "carbon", "nitrogen atom", "oxygen atom"),
    *("fluorine atom", "neon", "sodium", "magnesium", "aluminum", "silicon", "phosphorus", "sulfur"),
    *("chlorine atom", "argon"),
)


def _atom(symbol: str, alias: str, term: str) -> Entry:
    def build() -> Geometry:
        return geometry_angstrom((symbol,), [[0.0, 0.0, 0.0]])

    source = f"ground term {term}: NIST Atomic Spectra Database"
    return Entry(symbol, (alias,), symbol, int(term[0]) - 1, source, build)


ENTRIES: tuple[Entry, ...] = tuple(
    _atom(symbol, alias, term) for symbol, alias, term in zip(SYMBOLS, NAMES, TERMS, strict=False)
)
