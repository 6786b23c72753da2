"""Geometry files: which spec names one, and its lines."""

from __future__ import annotations

import re
from pathlib import Path

BETWEEN = "|"
"""Separates molecules in a text of several: commas, semicolons and line breaks are parts of a geometry."""


def is_path(spec: str) -> bool:
    """Whether `spec` names a geometry file: one line that ends in `.xyz`."""
    spec = spec.strip()
    return spec[-4:].lower() == ".xyz" and not re.search(r"[\r\n]", spec)


def lines_of(text: str) -> list[str]:
    """The lines of a text with line ends of any system; without its byte-order mark.

    `str.splitlines` would also split at form feeds and at characters that encodings of comment lines hold.
    """
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


def is_xyz_text(text: str) -> bool:
    """Whether an inline text is the content of an xyz file: more than a first line, which is a bare number."""
    lines = lines_of(text.strip())
    return len(lines) > 1 and bool(re.fullmatch(r"[0-9]+", lines[0].strip()))


def frames(path: Path) -> list[str]:
    """The geometries of an xyz file of many, one after the other, each as the text of a file of its own.

    Raises:
        ValueError: for a frame that does not begin with its number of atoms.
    """
    lines, texts = lines_of(path.read_text(encoding="utf-8").rstrip()), []
    while lines:
        size = int(lines[0]) + 2
        texts.append("\n".join(lines[:size]))
        lines = lines[size:]
    return texts
