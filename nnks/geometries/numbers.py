"""Numbers as programs of the field write them."""

from __future__ import annotations

import math
import re

_MANTISSA = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
NUMBER = rf"{_MANTISSA}(?:(?:[eEdD]|\*\^)[+-]?[0-9]+)?"
"""A pattern without groups. Fortran writes the exponent with a D, Mathematica (and with it QM9) as `*^`."""

_PARTS = re.compile(rf"({_MANTISSA})(?:(?:[eEdD]|\*\^)([+-]?[0-9]+))?")

LONGEST = 10_000
"""Characters of a number."""


def number(text: str) -> float | None:
    """The finite number that `text` is; None for anything else, digits of other scripts among it."""
    match = _PARTS.fullmatch(text) if len(text) <= LONGEST else None
    value = float(f"{match[1]}e{match[2] or 0}") if match else math.nan
    return value if math.isfinite(value) else None


def is_number(text: str) -> bool:
    """Whether `text` is a finite number."""
    return number(text) is not None
