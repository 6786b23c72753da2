"""Text files of a user's own: read whole, as text, or refused in one sentence; and what such a text calls itself."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from nnks.registry import InputError, shown

LARGEST = 4_000_000
"""Bytes of a file that are read; geometries and basis sets take a tenth of it."""

LONGEST_TITLE = 40
"""Characters."""

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: str, key: str, what: str) -> str:
    """The text of a file that a config names.

    A byte-order mark decides on UTF-8 or UTF-16. Bytes that are not UTF-8 are taken one by one: labels and numbers
    are ASCII in every encoding that is left, and a comment line may hold anything.

    Args:
        path: of the file.
        key: of the config, for the error.
        what: the file should be, such as `an xyz file`.

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
            f"{key} is {shown(path)}, which does not exist; expected {what}; check the path{_base()}."
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # the latter two: `~nobody`, NUL in a path, broken UTF-16
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(
            f"{key} is {shown(path)}, which cannot be read ({shown(reason)[1:-1]}); expected {what} in plain text; "
            "check the path and its permissions."
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
        raise OSError(f"it is larger than {LARGEST / 1e6:.0f} MB")
    return data


def _base() -> str:
    try:
        return f", which is taken relative to {shown(str(Path.cwd()))}"
    except OSError:  # the folder was deleted
        return ""


def title(text: str) -> str:
    """What the first line of a text calls it, if that is a comment; empty otherwise."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first.lstrip("#! ").strip() if first[:1] in ("#", "!") else ""


def without_comments(text: str) -> str:
    """The text without empty lines, and without those that no reader looks at."""
    return "\n".join(line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#!")


def label(text: object) -> str:
    """A short name for a value that may be the text of a file: its title, `custom` without one, and a name as it is."""
    text = str(text)
    return (title(text)[:LONGEST_TITLE] or "custom") if "\n" in text else text
