"""The elements: symbols in the order of their nuclear charge, and what a user may write for one."""

from __future__ import annotations

import re

from nnks.registry import InputError, shown

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

ISOTOPES = {"D": "H", "T": "H"}
"""Symbols of isotopes; masses play no part in what nnks computes."""

LONGEST_LABEL = 60

# A symbol, then optionally a tag: H1, H1A, C5', H:1, H@2, C_ring, C.ar, C(1). No separator may be part of what it
# separates: an ambiguous pattern takes exponential time.
_LABEL = re.compile(r"([A-Za-z]{1,2})(?:[0-9]+[A-Za-z]{0,2}[0-9]*)?'*(?:(?:_+|[:@.#])[A-Za-z0-9']+|\([0-9]+\))*_*")
_NUMBER = re.compile(r"[0-9]{1,3}")
_WORDS = re.compile(r"(?<![a-z0-9'])[a-z]+")
_MARKS = ("x", "xx", "du", "q", "lp", "null", "vac", "empty", "none")
"""How programs mark atoms without a nucleus, as words: `Gh(H)`, `ghost-H`, `H-Bq`, `bqH`, `X`, `Xx`, `Du`, `Q`."""


def symbol(label: str, where: str) -> str:
    """The element symbol for an atom label.

    Args:
        label: a symbol in any case, with or without a tag (`"H"`, `"h1"`, `"H:1"`), or a nuclear charge
            (`"8"`); `"D"` and `"T"` are hydrogen.
        where: the place that the label came from, for the error message.

    Raises:
        InputError: if no element has this label, and in its own words for ghost and dummy atoms.
    """
    if is_ghost(label):
        raise ghost_error(label, where)
    element = _element(label)
    if element is None:
        raise InputError(
            f"{where}: {shown(label)} is not an element; expected a symbol, a symbol with a tag, or a nuclear charge "
            f"from 1 to {len(SYMBOLS)} (ghost atoms are not supported); write for example 'O', 'H1', 'H:1' or '8'."
        )
    return element


def is_element(label: str) -> bool:
    """Whether a label is that of a real atom."""
    return not is_ghost(label) and _element(label) is not None


def _element(label: str) -> str | None:
    if _NUMBER.fullmatch(label) and 1 <= int(label) <= len(SYMBOLS):
        return SYMBOLS[int(label) - 1]
    match = _LABEL.fullmatch(label) if len(label) <= LONGEST_LABEL else None
    name = match[1].capitalize() if match else ""
    name = ISOTOPES.get(name, name)
    return name if name in NUMBERS else None


def is_ghost(label: str) -> bool:
    """Whether a label marks an atom without a nucleus, in the spelling of some program.

    Those of PySCF (`ghost-H`, `X-H`), ORCA (`H:`), Gaussian (`H-Bq`), NWChem (`bqH`), Psi4 (`Gh(H)`, `@H`), Q-Chem
    (`@H`), CFOUR (`GH`, `X`), Turbomole (`Q`), mol2 files (`Du`), and nuclear charges below one, as in GAMESS.
    """
    text = label[:LONGEST_LABEL].casefold()
    if text.startswith("@") or label.endswith((":", "@")) or re.fullmatch(r"0+|-[0-9]+", text):
        return True
    words = _WORDS.findall(text)
    return (
        any(word.startswith(("gh", "bq", "dum")) or word in _MARKS for word in words)
        or bool(re.search(r"[0-9'](?:bq|gh)", text))
        or (words[:1] != [] and words[0][0] == "x" and words[0][1:].capitalize() in NUMBERS)
        or any(word.endswith(("bq", "ghost")) for word in words)
    )


def ghost_error(label: str, where: str) -> InputError:
    """The sentence for an atom without a nucleus."""
    return InputError(
        f"{where}: {shown(label)} is not an element but a ghost or dummy atom; ghost atoms are not supported (basis "
        f"functions without a nucleus); remove it, or write a symbol such as 'H' or a nuclear charge from 1 to "
        f"{len(SYMBOLS)} for a real atom."
    )
