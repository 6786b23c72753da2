"""Geometries that a user writes: inline strings as PySCF takes them, and xyz files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from nnks.geometries.comment import Comment, read_comment, safe_name
from nnks.geometries.elements import NUMBERS, ghost_error, is_element, is_ghost, symbol
from nnks.geometries.entry import Geometry
from nnks.geometries.files import is_path, is_xyz_text, lines_of
from nnks.geometries.quantities import NUMBER, is_number, number, unit_length
from nnks.registry import InputError, shown
from nnks.textfiles import LARGEST, read_text

EXAMPLE = "'O 0 0 0; H 0 0 0.96; H 0.93 0 -0.24'"

MOST_ATOMS = 2000
"""More are refused: their matrices in the smallest basis would not fit a machine."""

MOST_FOLLOWING = 10_000
"""Lines after the last atom that are searched for further atoms."""

FARTHEST = 1e6
"""Coordinates beyond this are taken for a mistake, in either unit."""

_GAP = re.compile(r"[\s,]+")
_COUNT = re.compile(r"[0-9]{1,9}")
_ATOM = re.compile(rf"[\s,]*([^\s,]+)(?:[\s,]+{NUMBER}(?![^\s,])){{3}}")
_FOUR = re.compile(rf"[\s,]*[^\s,]+(?:[\s,]+{NUMBER}(?![^\s,])){{4}}")
_POINT = r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eEdD][+-]?[0-9]+)?"
_FROZEN = re.compile(rf"\s*[^\s,]+[\s,]+(?:0|-1)(?:[\s,]+{_POINT}){{3}}\s*")
_OPTIMIZED = re.compile(rf"\s*[^\s,]+(?:[\s,]+{_POINT}[\s,]+(?:0|1|-1)){{3}}\s*")
"""An atom with the columns by which programs freeze it; coordinates that are written beside them have a point."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_MARK = re.compile(r"[:@]|\W?(?:bq|gh|ghost|dummy)\W?", re.IGNORECASE)
"""A field of its own that makes its atom a ghost: `H : 0 0 0`, `H 0 0 0 Bq`."""

_FIELDS = 40
"""Fields of a line that are looked at."""


@dataclasses.dataclass(frozen=True)
class Written:
    """A geometry as it was written.

    Attributes:
        symbols: of the elements.
        coordinates: of each atom, in the unit of the text.
        source: what to call the text in sentences.
        comment: what an xyz file's comment line states.
        notices: what a user should know, a sentence each.
    """

    symbols: tuple[str, ...]
    coordinates: tuple[tuple[float, ...], ...]
    source: str
    comment: Comment = dataclasses.field(default_factory=Comment)
    notices: tuple[str, ...] = ()

    def geometry(self, unit: str) -> Geometry:
        """The geometry [Bohr], with the coordinates in `unit`."""
        return Geometry(self.symbols, np.array(self.coordinates, dtype=np.float64) * unit_length(unit))


def is_inline(spec: str) -> bool:
    """Whether `spec` holds atoms rather than a name: several atoms, four words, or a number after a word."""
    words = _GAP.split(spec.strip(), maxsplit=4)
    return bool(re.search(r"[;\r\n]", spec.strip())) or len(words) > 3 or any(map(is_number, words[1:]))


def read_written(spec: str) -> Written | None:
    """The geometry that `spec` is or whose file it names; None for what can only be a name of the library.

    Raises:
        InputError: if a file cannot be read, or for what is malformed.
    """
    if len(spec) > LARGEST:
        raise InputError(
            f"system.molecule holds {len(spec)} characters; expected at most {LARGEST}; check what wrote it."
        )
    spec = spec.removeprefix("\ufeff").strip()
    if is_path(spec):
        written = parse_xyz(read_text(spec, "system.molecule", "an xyz file"), shown(spec))
        return dataclasses.replace(written, comment=written.comment._replace(name=safe_name(Path(spec).stem)))
    return parse_inline(spec) if is_inline(spec) else None


def parse_inline(text: str) -> Written:
    """Atoms separated by semicolons or line breaks, each a label and three coordinates.

    Spaces, tabs and commas separate the fields; lines that start with `#` are comments. A text whose first
    line is a bare number is read as the content of an xyz file.

    Raises:
        InputError: for a z-matrix, an unknown element, or a missing, superfluous or non-numeric coordinate.
    """
    if is_xyz_text(text):
        return parse_xyz(text.strip(), "the xyz text of system.molecule")
    lines = lines_of(text.strip())
    atoms = [
        atom for line in lines if not line.lstrip().startswith("#") for atom in line.split(";") if atom.strip(" ,\t")
    ]
    if not atoms:
        raise InputError(f"system.molecule holds no atoms; expected atoms with coordinates, such as {EXAMPLE}.")
    _check_count(len(atoms), "system.molecule")
    _refuse_zmatrix(atoms)
    _refuse_flags(atoms, "system.molecule")
    symbols, coordinates = zip(
        *(_atom(atom, f"atom {n}", extra=False) for n, atom in enumerate(atoms, start=1)), strict=True
    )
    return Written(symbols, coordinates, "system.molecule")


def parse_xyz(text: str, source: str) -> Written:
    """The geometry in the text of an xyz file: a count, a comment, and a line for each atom.

    Columns after the third coordinate are ignored, as is usual for this format, and so is what follows the last
    atom (QM9 adds frequencies and names), in a notice. Further atoms or frames are refused.

    Args:
        text: the content.
        source: what to call the text in errors.

    Raises:
        InputError: naming the line that is wrong.
    """
    lines = lines_of(text.rstrip())
    if lines == [""]:
        raise InputError(
            f"{source} is empty; expected an xyz file: a count, a comment line, then a line for each atom."
        )
    count = lines[0].strip()
    if not _COUNT.fullmatch(count) or int(count) == 0:
        raise InputError(
            f"line 1 of {source} is {shown(count)}; expected the number of atoms; an xyz file starts with a "
            "count and a comment line."
        )
    atoms, rest = lines[2 : 2 + int(count)], lines[2 + int(count) :]
    if len(atoms) < int(count):
        raise InputError(
            f"line 1 of {source} announces {int(count)} atoms but {len(atoms)} lines follow the comment on line "
            "2; expected one line for each atom; correct the count or add the missing lines."
        )
    _check_count(int(count), source)
    comment = read_comment(lines[1], source)
    _refuse_flags(atoms, source)
    symbols, coordinates = zip(
        *(_atom(atom, f"line {n} of {source}", extra=True) for n, atom in enumerate(atoms, start=3)), strict=True
    )
    _refuse_charge_column(symbols, coordinates, atoms, source)
    _refuse_numbered(atoms, source)
    _refuse_more_atoms(rest, int(count), source)
    notices = [*comment.notices]
    if ignored := sum(bool(line.strip()) for line in rest):
        lines_are = "1 line is" if ignored == 1 else f"{ignored} lines are"
        notices.append(f"{source}: {lines_are} ignored after the last atom.")
    if lines[1].lstrip()[:1].isalpha() and _looks_like_atom(lines[1]):
        notices.append(f"line 2 of {source} looks like an atom, and is the comment line of an xyz file, not an atom.")
    return Written(symbols, coordinates, source, comment, tuple(notices))


def _check_count(atoms: int, source: str) -> None:
    if atoms > MOST_ATOMS:
        raise InputError(f"{source} has {atoms} atoms; expected at most {MOST_ATOMS}; take a smaller molecule.")


def _refuse_charge_column(
    symbols: tuple[str, ...], coordinates: tuple[tuple[float, ...], ...], atoms: list[str], source: str
) -> None:
    """GAMESS writes the nuclear charge before the coordinates: taken for x, it would shift every column."""
    charges = [float(NUMBERS[symbol]) for symbol in symbols]
    if max(charges) > 1 and charges == [x for x, _, _ in coordinates] and all(map(_FOUR.match, atoms)):
        raise InputError(
            f"{source} has the nuclear charge of every atom after its label; expected three coordinates there; remove "
            "that column."
        )


def _refuse_flags(atoms: list[str], source: str) -> None:
    """Gaussian writes 0 or -1 before the coordinates of an atom, MOPAC 0 or 1 behind each.

    Taken for coordinates, they would move atoms.
    """
    for pattern, program in ((_FROZEN, "Gaussian"), (_OPTIMIZED, "MOPAC")):
        if atoms and all(map(pattern.fullmatch, atoms)):
            raise InputError(
                f"{source} has whole numbers among its coordinates ({shown(atoms[0].strip())}), which look like the "
                f"columns by which {program} freezes atoms; expected three coordinates after the label; remove these "
                "columns."
            )


def _refuse_numbered(atoms: list[str], source: str) -> None:
    """Tables of Gaussian and others begin with the number of the atom.

    Taken for its label, it would make helium of the second atom.
    """
    rows = [_fields(atom) for atom in atoms]
    numbered = [row[0] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    if numbered and all(len(row) > 4 and _COUNT.fullmatch(row[1]) for row in rows):
        raise InputError(
            f"{source} numbers its atoms, 1 to {len(rows)}, and has whole numbers after that; expected a label and "
            "three coordinates; remove the first column and others that are neither."
        )


def _refuse_more_atoms(rest: list[str], count: int, source: str) -> None:
    """What follows the last atom must hold no atoms: they are further frames, or the count is wrong."""
    if len(rest) > MOST_FOLLOWING:
        raise InputError(
            f"{source} has {len(rest)} lines after its {count} atoms; expected at most {MOST_FOLLOWING}; remove them."
        )
    for n, line in enumerate(rest):
        if not _looks_like_atom(line):
            continue
        follow = f"announces {count} atoms but {len(rest) + count} lines follow the comment on line 2"
        if n >= 2 and _COUNT.fullmatch(rest[n - 2].strip()):
            raise InputError(
                f"line 1 of {source} {follow}, and a second frame begins with line {count + n + 1}; expected one "
                f"molecule; take one frame, for example the first with `head -n {count + 2} all.xyz > one.xyz`."
            )
        raise InputError(
            f"line 1 of {source} {follow}, and line {count + n + 3} ({shown(line.strip())}) is one more atom; expected "
            "one line for each atom; correct the count or remove the other lines."
        )


def _looks_like_atom(line: str) -> bool:
    match = _ATOM.match(line)
    return match is not None and (is_element(match[1]) or is_ghost(match[1]))


def _fields(text: str) -> list[str]:
    return _GAP.split(text.strip().strip(","), maxsplit=_FIELDS)


def _atom(text: str, where: str, extra: bool) -> tuple[str, tuple[float, ...]]:
    """Label and coordinates of one atom; `extra` allows columns after them."""
    label, *rest = _fields(text)
    where = f"{where} ({shown(text.strip())})"
    if is_ghost(label):
        raise ghost_error(label, where)
    if any(_DECIMAL_COMMA.fullmatch(word) for word in text.split(maxsplit=4)[1:4]) and len(text.split(maxsplit=4)) > 3:
        raise InputError(f"{where} has a comma in a number; expected a decimal point, as in 0.96; replace the commas.")
    marks = [field for field in rest if _MARK.fullmatch(field)]
    if marks or (rest and not is_number(rest[0]) and is_ghost(rest[0])):
        raise ghost_error(f"{label} {(*marks, rest[0])[0]}", where)
    if len(rest) < 3 or (len(rest) > 3 and not extra):
        fields = f"more than {_FIELDS - 1}" if len(rest) >= _FIELDS else len(rest)
        raise InputError(
            f"{where} has {fields} fields after the label; expected three coordinates; write atoms as in {EXAMPLE}."
        )
    element = symbol(label, where)
    return element, tuple(_coordinate(field, where) for field in rest[:3])


def _coordinate(field: str, where: str) -> float:
    value = number(field)
    if value is None:
        raise InputError(
            f"{where}: coordinate {shown(field)} is not a finite number; expected one such as -0.24 or 1e-3; "
            f"write atoms as in {EXAMPLE}."
        )
    if abs(value) > FARTHEST:
        raise InputError(
            f"{where}: coordinate {shown(field)} is too large; expected at most {FARTHEST:.0e} on each axis; move the "
            "molecule to the origin."
        )
    return value


def _refuse_zmatrix(atoms: list[str]) -> None:
    """A z-matrix starts with a bare label and goes on with label, reference atom, distance."""
    fields = [len(_fields(atom)) for atom in atoms[:2]]
    if fields[0] == 1 and (len(fields) == 1 or fields[1] == 3):
        raise InputError(
            f"system.molecule starts with {shown(atoms[0].strip())} without coordinates, which looks like a "
            f"z-matrix; expected Cartesian coordinates; write atoms as in {EXAMPLE} (PySCF's "
            "gto.mole.from_zmatrix converts)."
        )
