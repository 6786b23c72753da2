"""The elements: symbols in the order of their nuclear charge, and what a user may write for one."""

from __future__ import annotations

import re

from nnks.registry import InputError

_PERIODS = (
    "H He",
    "Li Be B C N O F Ne",
    "Na Mg Al Si P S Cl Ar",
    "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
    "Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
    "Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
)
SYMBOLS: tuple[str, ...] = tuple(symbol for period in _PERIODS for symbol in period.split())
"""Element symbols; the symbol at index `i` has nuclear charge `i + 1`."""

NUMBERS: dict[str, int] = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
"""Nuclear charge by symbol."""

# Letters, then optionally a tag that starts with anything but a letter: H, H1, H:1, H@2, C_ring.
_LABEL = re.compile(r"([A-Za-z]+)(?:[^A-Za-z].*)?")


def symbol(label: str, where: str) -> str:
    """The element symbol for an atom label.

    Args:
        label: a symbol in any case, with or without a tag (`"H"`, `"h1"`, `"H:1"`), or a nuclear charge
        (`"8"`).
        where: the place that the label came from, for the error message.

    Raises:
        InputError: if no element has this label.
    """
    if label.isdecimal() and 1 <= int(label) <= len(SYMBOLS):
        return SYMBOLS[int(label) - 1]
    match = _LABEL.fullmatch(label)
    name = match[1].capitalize() if match else label
    if name in NUMBERS:
        return name
    raise InputError(
        f"{where}: '{label}' is not an element; expected a symbol, a symbol with a tag, or a nuclear charge "
        f"from 1 to {len(SYMBOLS)} (ghost atoms are not supported); write for example 'O', 'H1', 'H:1' or "
        "'8'."
    )
