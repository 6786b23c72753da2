"""Geometries without their files: text that repeats a file elsewhere, and short names."""

from __future__ import annotations

from pathlib import Path

from nnks.geometries.comment import safe_name, write_comment
from nnks.geometries.entry import hill_formula
from nnks.geometries.files import is_path
from nnks.geometries.parse import Written, is_inline, read_written
from nnks.registry import InputError, shown


def embedded(spec: str) -> str:
    """A `system.molecule` that needs no file: the text of a file that `spec` names, and anything else unchanged.

    The text parses to the same positions, bit by bit, with the same `system.unit`; its comment line holds the file's
    stem and the charge and spin that the file states.

    Raises:
        InputError: if a file cannot be read or is malformed.
    """
    written = read_written(spec) if is_path(spec) else None
    return spec if written is None else _xyz_text(written, written.comment.name)


def identity_text(spec: str) -> str:
    """What two specs of the same atoms share, however they are written.

    It is the text of `embedded`, without the name that a comment line holds.

    Raises:
        InputError: if a file cannot be read, or for a malformed file or xyz text.
    """
    written = read_written(spec)
    return spec.strip() if written is None else _xyz_text(written, None)


def notices(spec: str) -> tuple[str, ...]:
    """What a user should know of a geometry that was read: a lattice or lines that are ignored, a sentence each.

    Raises:
        InputError: if a file cannot be read, or for what is malformed.
    """
    written = read_written(spec)
    return () if written is None else written.notices


def short_name(spec: object) -> str:
    """What to call a `system.molecule` in tables: a file's stem, the name in its text, or Hill's formula of atoms.

    Names of the library stay as they are. Nothing is read from files, and nothing is refused.
    """
    text = spec.strip() if isinstance(spec, str) else ""
    try:
        if is_path(text):
            return safe_name(Path(text).stem)
        written = read_written(text) if is_inline(text) else None
        if written is not None:
            return written.comment.name or hill_formula(written.symbols)
    except InputError:
        pass
    if text:
        return shown(text)[1:-1]
    return shown(spec) if spec else "unknown"


def _xyz_text(written: Written, name: str | None) -> str:
    comment = write_comment(name, written.comment.charge, written.comment.spin)
    rows = zip(written.symbols, written.coordinates, strict=True)
    atoms = (f"{symbol} {x!r} {y!r} {z!r}" for symbol, (x, y, z) in rows)
    return "\n".join([str(len(written.symbols)), comment, *atoms])
