"""Basis sets as text: files of other programs, read by `basis_set_exchange`, which evaluates nothing.

PySCF's own parser hands lines to Python's `eval`; no text of a user's ever reaches it. What is read here comes out as
numbers.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnks.geometries.elements import NUMBERS, SYMBOLS
from nnks.registry import InputError, shown
from nnks.tracking.notices import notice

Shells = list[Any]
"""A basis of one element as PySCF has it inside: `[degree, [exponent, c1, c2, ...], ...]` for each shell."""

FORMATS = {"json": "JSON", "gaussian94": "Gaussian", "nwchem": "NWChem", "turbomole": "Turbomole", "cp2k": "CP2K"}
"""Formats that are tried, by the reader's name, and what people call them. The reader of GAMESS leaves out what it does
not know."""

HIGHEST_DEGREE = 6
"""Of a shell: i functions, the highest of any published set."""

LONGEST = 2_000_000
"""Characters of a text."""

SMALLEST_EXPONENT, LARGEST_EXPONENT = 1e-8, 1e12
"""[Bohr^-2]; published sets have 1e-4 to 1e9."""

LARGEST_COEFFICIENT = 1e30
"""And the inverse of the smallest that the largest of a contraction may be; beyond, norms leave the range of
numbers."""

MOST_PRIMITIVES, MOST_FUNCTIONS = 200, 2000
"""Of a contraction, and of an element; published sets have up to 60 and 1000."""

FLAT = 1e-10
"""Square norm below which a contraction is nothing, where its largest coefficient is 1."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_HEAD = re.compile(r"\A(\s*(!.*|\*{4}|spherical|cartesian)?[ \t]*\n)+", re.IGNORECASE)
"""What may come before the first element of a Gaussian file: Psi4's say what their functions are."""

_COMMENT = re.compile(r"(?m)^([^!#\n]*[^!#\s])[ \t]*[!#].*$")
"""A comment behind something on its line; readers know those on lines of their own."""

_PLACE = re.compile(r"(?im)^[ \t]*(?:([A-Z]{1,2})[ \t]+(?:[SPDFGHI]|SP|L)|basis\b.*)[ \t]*$")
_HEADING = re.compile(r"(?im)^[ \t]*-?([A-Z]{1,2})[ \t]+0[ \t]*$|^\*[ \t]*\n[ \t]*([A-Z]{1,2})[ \t]+\S")
"""Lines that begin the shell of an element or a block in NWChem, and an element in Gaussian and in Turbomole."""

_SCALE = re.compile(r"(?im)^([ \t]*[SPDFGHI]{1,2}[ \t]+\d+[ \t]+\d+)[ \t]*$")
_ROW = re.compile(rf"\s*{_NUMBER}(?:\s+{_NUMBER})+\s*")
_WHOLE = re.compile(r"([-+]?\d+)([eEdD][-+]?\d+)?")


def parse(text: str, key: str, file: str = "") -> dict[str, Shells]:
    """The basis of every element in a text.

    Args:
        text: NWChem, Gaussian (`.gbs`), Turbomole, CP2K, or the JSON of basissetexchange.org.
        key: of the config, for errors.
        file: that the text is from; errors name it, and repeat nothing of what may be no business of theirs.

    Returns:
        Shells by symbol of the elements whose electrons are all described: those with a pseudopotential (ECP) are left
        out.

    Raises:
        InputError: if it is none of these, or holds numbers that no basis has.
    """
    if len(text) > LONGEST:
        raise InputError(f"{key} is a text of {len(text)} characters; expected at most {LONGEST}; leave elements out.")
    is_json = text.lstrip()[:1] in ("{", "[")
    plain = text if is_json else _COMMENT.sub(r"\1", text)
    for format in ("json",) if is_json else (name for name in FORMATS if name != "json"):
        if elements := _read(plain, format, key):
            if format == "nwchem" and (several := _scattered(plain)):
                notice(
                    f"{key} has functions of {', '.join(several)} in several places; all of them are taken, as in "
                    "NWChem."
                )
            if any(_cartesian(data) for data in elements.values()):
                notice(f"{key} asks for Cartesian functions; nnks takes spherical ones, as PySCF does by default.")
            return {symbol: _shells(data, symbol, key) for symbol, data in elements.items() if not _potential(data)}
    if several := [symbol for symbol, count in Counter(_headings(plain)).items() if count > 1]:
        raise InputError(
            f"{key} has {', '.join(several)} more than once; expected each element once in this format; remove what is "
            "not meant."
        )
    what = f"the file {shown(file)}" if file else f"a text that starts with {shown(_first_line(text))}"
    raise InputError(
        f"{key} is {what}, which cannot be read as a basis set; expected one in a format of "
        f"{', '.join(FORMATS.values())}, as basissetexchange.org writes them; or use names such as '6-31g' or "
        "'O:cc-pvdz,H:sto-3g'."
    )


def write(basis: Mapping[str, Shells], name: str) -> str:
    """A basis as NWChem text, with all digits and the elements in their order.

    Its first line is a comment with the name.
    """
    lines = [f"# {re.sub('[^ -~]|[,()]', '-', name)}"] if name else []  # commas separate the bases of a list
    for symbol in sorted(basis, key=NUMBERS.__getitem__):
        for degree, *rows in basis[symbol]:
            lines.append(f"{symbol} {'SPDFGHI'[degree]}")
            lines += ["  " + " ".join(repr(float(number)) for number in row) for row in rows]
    return "\n".join(lines) + "\n"


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if line[0] not in "#!*"), lines[0] if lines else "")


def _scattered(text: str) -> list[str]:
    """Elements of an NWChem text whose shells are not all in one place."""
    elements = [match[1].capitalize() if match[1] else "" for match in _PLACE.finditer(text)]
    return [
        symbol
        for symbol, count in Counter(key for key, _ in itertools.groupby(elements)).items()
        if symbol and count > 1
    ]


def _headings(text: str) -> list[str]:
    """The elements that a Gaussian or Turbomole text goes through."""
    return [(match[1] or match[2]).capitalize() for match in _HEADING.finditer(text)]


def _json(text: str, key: str) -> Any:
    """What a JSON text holds, in which no key may be given twice: readers take the last one."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(values := dict(pairs)) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise InputError(f"{key} is JSON with the key {shown(twice)} given twice in one place; give it once.")
        return values

    return json.loads(text, object_pairs_hook=once)


def _read(text: str, format: str, key: str) -> dict[str, Any]:
    """The elements' data by symbol; empty if this is not the format."""
    from basis_set_exchange import readers

    if format == "nwchem" and not re.search(r"(?im)^\s*basis\b", text):  # PySCF's users leave the frame out
        text = "BASIS SPHERICAL\n" + re.sub(r"(?im)^\s*end\s*$", "", text) + "\nEND\n"
    if format == "gaussian94":
        text = _SCALE.sub(r"\1.", _HEAD.sub("", text))
    if format in ("nwchem", "gaussian94"):
        text = "\n".join(map(_with_points, text.splitlines()))
    try:
        stored: Any = _json(text, key) if format == "json" else readers.read_formatted_basis_str(text, format)
        elements = {SYMBOLS[int(number) - 1]: data for number, data in stored["elements"].items() if int(number) > 0}
        return {symbol: data for symbol, data in elements.items() if data.get("electron_shells") or _potential(data)}
    except InputError:
        raise
    except Exception:  # readers raise whatever their format's first surprise leads to, and `RecursionError`
        return {}


def _with_points(row: str) -> str:
    """A row of numbers as readers expect it, where people write whole ones: `1. 1.` for `1 1`.

    Not of a potential, `2 1.5 0.3`.
    """
    if not _ROW.fullmatch(row):
        return row
    words = row.split()
    if len(words) > 2 and words[0].lstrip("+-").isdigit():
        return row
    return " ".join(_WHOLE.sub(r"\1.\2", word) if _WHOLE.fullmatch(word) else word for word in words)


def _potential(data: Mapping[str, Any]) -> bool:
    return bool(data.get("ecp_potentials") or data.get("ecp_electrons"))


def _cartesian(data: Mapping[str, Any]) -> bool:
    """Whether d functions and higher ones are Cartesian by what a text says."""
    shells = data.get("electron_shells")
    shells = [shell for shell in shells if isinstance(shell, dict)] if isinstance(shells, list) else []
    return any(shell.get("function_type") == "gto_cartesian" for shell in shells)


def _shells(data: Mapping[str, Any], symbol: str, key: str) -> Shells:
    """PySCF's form of an element's data, every number looked at."""
    shells: Shells = []
    size = 0
    try:
        for shell in data["electron_shells"]:
            exponents = [_number(text) for text in shell["exponents"]]
            columns = [[_number(text) for text in column] for column in shell["coefficients"]]
            degrees = [operator.index(degree) for degree in shell["angular_momentum"]]
            if not exponents or not columns or any(len(column) != len(exponents) for column in columns):
                raise ValueError("a shell whose numbers do not fit together")
            if not all(0 <= degree <= HIGHEST_DEGREE for degree in degrees):
                raise ValueError(f"a shell of degree {max(degrees)}")
            if not all(SMALLEST_EXPONENT < a < LARGEST_EXPONENT for a in exponents):
                raise ValueError(f"an exponent that is not between {SMALLEST_EXPONENT:g} and {LARGEST_EXPONENT:g}")
            # one degree: general contractions; several (SP shells): a column each
            parts = (
                [(degrees[0], columns)]
                if len(degrees) == 1
                else list(zip(degrees, ([c] for c in columns), strict=True))
            )
            if len(exponents) > MOST_PRIMITIVES or len(columns) > MOST_PRIMITIVES:
                raise ValueError(f"a shell of {len(exponents)} exponents and {len(columns)} contractions")
            for degree, own in parts:
                new = [degree, *([a, *(column[n] for column in own)] for n, a in enumerate(exponents))]
                if not all(_square_norm(degree, exponents, column) > FLAT for column in own):
                    raise ValueError("a contraction that cannot be normalized")
                shells.append(new)
                size += (2 * degree + 1) * len(own)
                if size > MOST_FUNCTIONS:
                    raise ValueError(f"more than {MOST_FUNCTIONS} functions")
        if any(shell in shells[:n] for n, shell in enumerate(shells)):
            raise ValueError("one shell twice")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{key} has functions of {symbol} that cannot be used ({shown(str(error))[1:-1]}); expected exponents and "
            "coefficients of Gaussian shells, as basissetexchange.org writes them."
        ) from None
    if not shells:
        raise InputError(f"{key} has no functions for {symbol}; expected at least one shell.")
    return sorted(shells, key=lambda shell: shell[0])


def _square_norm(degree: int, exponents: list[float], column: list[float]) -> float:
    """Of a contraction of normalized Gaussians whose coefficients are divided by the largest."""
    largest = max(map(abs, column))
    if not 1 / LARGEST_COEFFICIENT < largest < LARGEST_COEFFICIENT:
        return 0.0
    a, c = np.array(exponents), np.array(column) / largest
    overlap = (2 * np.sqrt(np.outer(a, a)) / np.add.outer(a, a)) ** (degree + 1.5)
    return float(c @ overlap @ c)


def _number(text: Any) -> float:
    value = float(str(text).replace("D", "E").replace("d", "e"))
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite number")
    return value
