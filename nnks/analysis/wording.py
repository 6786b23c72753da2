"""How tables, figures and sentences say what configs name.

Molecules are written as chemists write them, methods and references in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nnks.analysis.names import basis_words
from nnks.analysis.table import LOWEST
from nnks.tracking.record import EXACT

_FORMULA = re.compile(r"(?=.*[A-Z])(?:[A-Z][a-z]?\d*)+")
_CHARGED = re.compile(r"(?P<formula>(?:[A-Z][a-z]?\d*)+), charge (?P<sign>[+-])(?P<size>\d+)")
_BELOW, _ABOVE = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"), str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def chemical(name: str) -> str:
    """A system's name, or labels beside commas, with subscripts in formulas and charges above.

    `H2O` is H₂O, and `H3, charge +1` is H₃⁺.
    """

    def charged(match: re.Match[str]) -> str:
        size = "" if match["size"] == "1" else match["size"]
        return _below(match["formula"]) + (size + match["sign"]).translate(_ABOVE)

    name = _CHARGED.sub(charged, name)
    return ", ".join(" ".join(_part(word) for word in part.split(" ")) for part in name.split(", "))


def _part(word: str) -> str:
    return _below(word) if _FORMULA.fullmatch(word) else word


def _below(formula: str) -> str:
    return formula.translate(_BELOW)


def chemical_in(text: str, names: Iterable[str]) -> str:
    """A sentence in which the formulas among the names of systems are written so."""
    formulas = {name for name in (each.split(",")[0] for each in names) if _FORMULA.fullmatch(name)}
    if not formulas:
        return text
    pattern = "|".join(sorted(map(re.escape, formulas), key=len, reverse=True))
    return re.sub(rf"(?<![\w-])({pattern})(?![\w-])", lambda match: _below(match[0]), text)


def reference_words(name: str) -> str:
    """`exact` and `pyscf/pcseg-4` as people say them."""
    if name == EXACT:
        return "the exact energy"
    if name == LOWEST:
        return "the lowest run"
    program, _, basis = name.partition("/")
    return f"PySCF in {basis_words(basis)}" if program == "pyscf" and basis else name
