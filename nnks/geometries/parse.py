"""Geometries that a user writes: inline strings as PySCF takes them, and xyz files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nnks.geometries.elements import symbol
from nnks.geometries.entry import Geometry
from nnks.registry import InputError
from nnks.units import ANGSTROM

UNITS = {"angstrom": ANGSTROM, "bohr": 1.0}
"""One unit of length [Bohr], by its name in a config."""

EXAMPLE = "'O 0 0 0; H 0 0 0.96; H 0.93 0 -0.24'"


def unit_length(unit: str) -> float:
    """The length of `unit` [Bohr].

    Raises:
        InputError: for a unit other than angstrom and bohr.
    """
    if unit.lower() not in UNITS:
        raise InputError(f"system.unit is '{unit}', which is not a unit of length; choose one of: {', '.join(UNITS)}.")
    return UNITS[unit.lower()]


def is_inline(spec: str) -> bool:
    """Whether `spec` holds atoms rather than a name: several atoms, four words, or a number after a word."""
    words = re.split(r"[\s,]+", spec.strip())
    return bool(re.search(r"[;\n]", spec.strip())) or len(words) > 3 or any(map(_is_number, words[1:]))


def parse_inline(text: str, unit: str) -> Geometry:
    """Atoms separated by semicolons or line breaks, each a label and three coordinates.

    Spaces, tabs and commas separate the fields; lines that start with `#` are comments. A text whose first
    line is a bare number is read as the content of an xyz file.

    Raises:
        InputError: for a z-matrix, an unknown element, or a missing, superfluous or non-numeric coordinate.
    """
    lines = text.strip().splitlines()
    if len(lines) > 1 and lines[0].strip().isdecimal():
        return parse_xyz(text.strip(), unit, "the inline xyz text")
    atoms = [
        atom for line in lines if not line.lstrip().startswith("#") for atom in line.split(";") if atom.strip(" ,\t")
    ]
    if not atoms:
        raise InputError(f"system.molecule holds no atoms; expected atoms with coordinates, such as {EXAMPLE}.")
    _refuse_zmatrix(atoms)
    return _geometry([_atom(atom, f"atom {n}", extra=False) for n, atom in enumerate(atoms, start=1)], unit)


def read_xyz(path: str, unit: str) -> Geometry:
    """The geometry in an xyz file.

    Raises:
        InputError: if the file cannot be read or is malformed.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"system.molecule is '{path}', which does not exist; expected an xyz file; check the path, "
            f"which is taken relative to {Path.cwd()}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"system.molecule is '{path}', which cannot be read ({error}); expected an xyz file in plain "
            "text; check the path and its permissions."
        ) from None
    return parse_xyz(text, unit, f"'{path}'")


def parse_xyz(text: str, unit: str, source: str) -> Geometry:
    """The geometry in the text of an xyz file: a count, a comment, and a line for each atom.

    Columns after the third coordinate are ignored, as is usual for this format. One molecule a file.

    Args:
        text: the content.
        unit: of the coordinates.
        source: what to call the text in errors.

    Raises:
        InputError: naming the line that is wrong.
    """
    lines = text.rstrip().splitlines()
    if not lines:
        raise InputError(
            f"{source} is empty; expected an xyz file: a count, a comment line, then a line for each atom."
        )
    count = lines[0].strip()
    if not count.isdecimal() or int(count) == 0:
        raise InputError(
            f"line 1 of {source} is '{count}'; expected the number of atoms; an xyz file starts with a "
            "count and a comment line."
        )
    atoms = lines[2:]
    if len(atoms) != int(count):
        raise InputError(
            f"line 1 of {source} announces {count} atoms but {len(atoms)} lines follow the comment on line "
            "2; expected one line for each atom and one molecule a file; correct the count or remove the "
            "other lines."
        )
    return _geometry([_atom(a, f"line {n} of {source}", extra=True) for n, a in enumerate(atoms, start=3)], unit)


def _geometry(atoms: Iterable[tuple[str, tuple[float, ...]]], unit: str) -> Geometry:
    symbols, positions = zip(*atoms, strict=True)
    return Geometry(symbols, np.array(positions, dtype=np.float64) * unit_length(unit))


def _atom(text: str, where: str, extra: bool) -> tuple[str, tuple[float, ...]]:
    """Label and coordinates of one atom; `extra` allows columns after them."""
    label, *rest = re.split(r"[\s,]+", text.strip().strip(","))
    where = f"{where} ('{text.strip()}')"
    if len(rest) < 3 or (len(rest) > 3 and not extra):
        raise InputError(
            f"{where} has {len(rest)} fields after the label; expected three coordinates; write atoms as in {EXAMPLE}."
        )
    element = symbol(label, where)
    for field in rest[:3]:
        if not _is_number(field):
            raise InputError(
                f"{where}: coordinate '{field}' is not a finite number; expected one such as -0.24 or 1e-3; "
                f"write atoms as in {EXAMPLE}."
            )
    return element, tuple(map(float, rest[:3]))


def _refuse_zmatrix(atoms: list[str]) -> None:
    """A z-matrix starts with a bare label and goes on with label, reference atom, distance."""
    fields = [len(re.split(r"[\s,]+", atom.strip().strip(","))) for atom in atoms]
    if fields[0] == 1 and (len(fields) == 1 or fields[1] == 3):
        raise InputError(
            f"system.molecule starts with '{atoms[0].strip()}' without coordinates, which looks like a "
            f"z-matrix; expected Cartesian coordinates; write atoms as in {EXAMPLE} (PySCF's "
            "gto.mole.from_zmatrix converts)."
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
