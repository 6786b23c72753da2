"""JSON files that survive a killed process: written whole or not at all, read with care, sealed by a checksum.

What is read may be damaged or come from someone else. It is data: regular files of a bounded size are read, links are
not followed, and what comes out is a dictionary of finite numbers and printable text, or a reason why it is not.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from nnks.registry import InputError, StoreError
from nnks.tracking.notices import notice

CHECKSUM = "checksum"
"""Key of a sealed file: the hash of everything else in it."""

MOST_BYTES, MOST_DEPTH, LARGEST = 1 << 26, 50, 2**63
"""Of a JSON file, of what is nested in it, and of its whole numbers: beyond these it is none of the store's."""

TEMPORARY = re.compile(r"\..+-[a-z0-9_]{8}(\.\w+)?")
"""The name of a file that is being written."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (of terminals, too), marks that turn the direction of text, and halves of characters."""


Opener = Callable[[Path], io.BufferedIOBase]
"""Opens a file for reading; raises what `open_regular` does."""


class Damaged(ValueError):
    """A file is not what the store wrote; the text is the reason."""


def plain(value: Any, path: str = "") -> Any:
    """The value in JSON's own types; numbers that JSON does not have (nan, inf) become None.

    Raises:
        InputError: for a value without a JSON form, named by its path.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(x, f"{path}.{key}".lstrip(".")) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(x, path) for x in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy and JAX scalars and arrays
        return plain(value.tolist(), path)
    raise InputError(
        f"{path or 'a value'} is a {type(value).__name__}, which JSON cannot store; "
        "expected numbers, strings, lists or dictionaries; try the name of the object instead."
    )


def digest(value: Any) -> str:
    """16 hex digits of SHA-256 over a value of JSON's types; the order of keys makes no difference."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def printable(text: str) -> str:
    """Text that neither a terminal nor a file's encoding can be harmed by."""
    return _UNPRINTABLE.sub("\ufffd", text)


def open_regular(path: Path) -> io.BufferedIOBase:
    """A file for reading, if it is one: neither a link nor a folder, a pipe or a device.

    Raises:
        FileNotFoundError: where there is none.
        Damaged: for anything else that cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for a writer
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "a link, which is not followed" if error.errno == errno.ELOOP else str(error.strerror or error)
        raise Damaged(reason) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise Damaged("a folder" if stat.S_ISDIR(mode) else "no regular file")
    return os.fdopen(handle, "rb")


def load_json(path: Path, opened: Opener = open_regular) -> dict[str, Any]:
    """The dictionary in a file, with finite numbers and printable text, without its checksum.

    Args:
        path: the file.
        opened: how it is opened for reading, if not from the disk.

    Raises:
        FileNotFoundError: where there is none.
        Damaged: with the reason, for a file that holds something else, or something else than was written.
    """
    with opened(path) as stream:
        try:
            raw = stream.read(MOST_BYTES + 1)
            if len(raw) > MOST_BYTES:
                raise Damaged(f"larger than {MOST_BYTES >> 20} MB")
            value = json.loads(raw.decode("utf-8"))
        except Damaged:
            raise
        except OSError as error:
            raise Damaged(str(error.strerror or error)) from error
        except RecursionError:
            raise Damaged("nested too deep") from None
        except ValueError as error:
            what = "bytes that are no text" if isinstance(error, UnicodeDecodeError) else f"no JSON: {error}"
            raise Damaged(what) from None
    if not isinstance(value, dict):
        raise Damaged(f"holds {type(value).__name__}, not named values")
    clean = _clean(value)
    seal = value.pop(CHECKSUM, None)
    if seal is not None and seal != digest(value):
        raise Damaged("its checksum is off")
    clean.pop(CHECKSUM, None)
    return clean


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict | list):
        if depth > MOST_DEPTH:
            raise Damaged("nested too deep")
        if isinstance(value, list):
            return [_clean(x, depth + 1) for x in value]
        return {printable(key): _clean(x, depth + 1) for key, x in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise Damaged("a number is not finite")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Damaged("a number is out of range")
    return value


def read_json(
    path: Path, check: Callable[[dict[str, Any]], str] | None = None, opened: Opener = open_regular
) -> dict[str, Any] | None:
    """The dictionary in a file, or None: where it is missing, or where it is damaged, which is said.

    Args:
        path: the file.
        check: what is wrong with the dictionary, in a few words; empty for nothing.
        opened: how it is opened for reading, if not from the disk.
    """
    try:
        value = load_json(path, opened)
        if check is not None and (wrong := check(value)):
            raise Damaged(wrong)
    except FileNotFoundError:
        return None
    except Damaged as error:
        notice(f"'{printable(str(path))}' is damaged ({error}) and is not used.")
        return None
    return value


def write_json(path: Path, value: Mapping[str, Any], *, sealed: bool = False) -> Path:
    """Stores a dictionary atomically, with non-finite numbers as null.

    Args:
        path: the file.
        value: what it holds.
        sealed: with a checksum, by which `read_json` knows a file that was changed.
    """
    stored = plain(value)
    if sealed:
        stored[CHECKSUM] = digest(stored)
    return replace_text(path, json.dumps(stored, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def replace_text(path: Path, text: str) -> Path:
    """Writes a text file atomically: through a temporary file in the same folder."""
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))
    return path


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of another at the end, whole or not at all.

    Args:
        path: the file.
        durable: waits until the disk has it. What can be computed again need not survive a loss of power.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes private files; results are meant to be shared
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the folder may be gone
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Makes the system's errors while a file is written one of the store's.

    Raises:
        StoreError: naming the path and the system's reason.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror or error})") from error


def clear_temporaries(folder: Path) -> None:
    """Removes what a killed process was writing in a folder."""
    for path in folder.iterdir():
        if TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)
