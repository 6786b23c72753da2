"""Text of geometry files: which spec names one, and what its bytes say."""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path

from nnks.registry import InputError, shown

LARGEST = 4_000_000
"""Bytes of a file, and characters of a text, that are read: two thousand atoms take a tenth."""

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


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


def read_text(path: str) -> str:
    """The text of a geometry file.

    A byte-order mark decides on UTF-8 or UTF-16. Bytes that are not UTF-8 are taken one by one: labels and numbers
    are ASCII in every encoding that is left, and a comment line may hold anything.

    Raises:
        InputError: for what does not exist, is no regular file, is too large or cannot be read.
    """
    try:
        data = _read(path)
        encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
        if encoding is None:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                return data.decode("latin-1")
        return data.decode(encoding).removeprefix("\ufeff")
    except FileNotFoundError:
        raise InputError(
            f"system.molecule is {shown(path)}, which does not exist; expected an xyz file; check the path{_base()}."
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # the latter two: `~nobody`, NUL in a path, broken UTF-16
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(
            f"system.molecule is {shown(path)}, which cannot be read ({shown(reason)[1:-1]}); expected an xyz file in "
            "plain text; check the path and its permissions."
        ) from None


def _read(path: str) -> bytes:
    file = Path(path).expanduser()
    mode = os.stat(file).st_mode
    if stat.S_ISDIR(mode):
        raise OSError("it is a folder")
    if not stat.S_ISREG(mode):  # a pipe would be waited for, and a device has no end
        raise OSError("it is not a regular file")
    with file.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(f"it is larger than {LARGEST / 1e6:.0f} MB, and one molecule takes less")
    return data


def _base() -> str:
    try:
        return f", which is taken relative to {shown(str(Path.cwd()))}"
    except OSError:  # the folder was deleted
        return ""
