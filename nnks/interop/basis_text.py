"""Basis sets as text: files of other programs, read by `basis_set_exchange`, which evaluates nothing.

PySCF's own parser hands lines to Python's `eval`; no text of a user's ever reaches it. What is read here comes out as numbers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from nnks.geometries.elements import NUMBERS, SYMBOLS
from nnks.registry import InputError, shown
from nnks.tracking.notices import notice

Shells = list[Any]
"""A basis of one element as PySCF has it inside: `[degree, [exponent, c1, c2, ...], ...]` for each shell."""

FORMATS = {"json": "JSON", "gaussian94": "Gaussian", "nwchem": "NWChem", "turbomole": "Turbomole", "cp2k": "CP2K"}
"""Formats that are tried, by the reader's name, and what people call them."""

HIGHEST_DEGREE = 6
"""Of a shell: i functions, the highest of any published set."""

LONGEST = 1_000_000
"""Characters of a text."""

LARGEST_EXPONENT = 1e12


def parse(text: str, key: str) -> dict[str, Shells]:
    """The basis of every element in a text.

    Args:
        text: NWChem, Gaussian (`.gbs`), Turbomole, CP2K, or the JSON of basissetexchange.org.
        key: of the config, for errors.

    Returns:
        Shells by element symbol.

    Raises:
        InputError: if it is none of these, holds numbers that no basis has, or needs a pseudopotential.
    """
    if len(text) > LONGEST:
        raise InputError(f"{key} is a text of {len(text)} characters; expected at most {LONGEST}; leave elements out.")
    for format in _likely(text):
        if elements := _read(text, format):
            return {symbol: _shells(data, symbol, key) for symbol, data in elements.items()}
    raise InputError(
        f"{key} is a text that starts with {shown(_first_line(text))}, which cannot be read as a basis set; expected one in a "
        f"format of {', '.join(FORMATS.values())}, as basissetexchange.org writes them; or use a name such as '6-31g'."
    )


def write(basis: Mapping[str, Shells], name: str) -> str:
    """A basis as NWChem text, with all digits and the elements in their order; its first line is a comment with the name."""
    lines = [f"# {name}"] if name else []
    for symbol in sorted(basis, key=NUMBERS.__getitem__):
        for degree, *rows in basis[symbol]:
            lines.append(f"{symbol} {'SPDFGHI'[degree]}")
            lines += ["  " + " ".join(repr(float(number)) for number in row) for row in rows]
    return "\n".join(lines) + "\n"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _likely(text: str) -> tuple[str, ...]:
    """The formats to try: JSON is told by its first character, others by their readers."""
    return ("json",) if text.lstrip()[:1] in ("{", "[") else tuple(name for name in FORMATS if name != "json")


def _read(text: str, format: str) -> dict[str, Any]:
    """The elements' data by symbol; empty if this is not the format."""
    from basis_set_exchange import readers

    if format == "nwchem" and not re.search(r"(?im)^\s*basis\b", text):
        text = f"BASIS SPHERICAL\n{text}\nEND\n"  # PySCF's users leave the frame out
    try:
        stored: Any = json.loads(text) if format == "json" else readers.read_formatted_basis_str(text, format)
        elements = {SYMBOLS[int(number) - 1]: data for number, data in stored["elements"].items() if int(number) > 0}
        return {symbol: data for symbol, data in elements.items() if data.get("electron_shells") or _potential(data)}
    except Exception:  # readers raise whatever their format's first surprise leads to, and `RecursionError`
        return {}


def _potential(data: Mapping[str, Any]) -> bool:
    return bool(data.get("ecp_potentials") or data.get("ecp_electrons"))


def _shells(data: Mapping[str, Any], symbol: str, key: str) -> Shells:
    """PySCF's form of an element's data, every number looked at."""
    if _potential(data):
        raise InputError(
            f"{key} holds a pseudopotential (ECP) for {symbol}, and nnks treats all electrons; use an all-electron basis."
        )
    shells: Shells = []
    if any(
        shell.get("function_type") == "gto_cartesian" and max(shell["angular_momentum"]) > 1
        for shell in data["electron_shells"]
    ):
        notice(f"{key} asks for Cartesian functions of {symbol}; nnks takes spherical ones, as PySCF does by default.")
    try:
        for shell in data["electron_shells"]:
            exponents = [_number(text) for text in shell["exponents"]]
            columns = [[_number(text) for text in column] for column in shell["coefficients"]]
            degrees = [int(degree) for degree in shell["angular_momentum"]]
            if not exponents or not columns or any(len(column) != len(exponents) for column in columns):
                raise ValueError("a shell whose numbers do not fit together")
            if not all(0 <= degree <= HIGHEST_DEGREE for degree in degrees):
                raise ValueError(f"a shell of degree {max(degrees)}")
            if not all(0 < a < LARGEST_EXPONENT for a in exponents):
                raise ValueError("an exponent that is not a positive number")
            # one degree: general contractions; several (SP shells): a column each
            parts = (
                [(degrees[0], columns)]
                if len(degrees) == 1
                else list(zip(degrees, ([c] for c in columns), strict=True))
            )
            for degree, own in parts:
                if not all(any(c != 0 for c in column) for column in own):
                    raise ValueError("a contraction whose coefficients are all zero")
                shells.append([degree, *([a, *(column[n] for column in own)] for n, a in enumerate(exponents))])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{key} has functions of {symbol} that cannot be used ({shown(str(error))[1:-1]}); expected exponents and "
            "coefficients of Gaussian shells, as basissetexchange.org writes them."
        ) from None
    if not shells:
        raise InputError(f"{key} has no functions for {symbol}; expected at least one shell.")
    return sorted(shells, key=lambda shell: shell[0])


def _number(text: Any) -> float:
    value = float(str(text).replace("D", "E").replace("d", "e"))
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite number")
    return value
