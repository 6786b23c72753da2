"""Code of a user's own: what it is, and where it failed, in a few words."""

from __future__ import annotations

import hashlib
import inspect
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnks.errors import InputError, one_line

_FOLDERS = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
INSTALLED = tuple({str(path) for folder in _FOLDERS for path in (folder, folder.resolve())})
"""Folders of code that is not a user's."""

OWN = str(Path(__file__).resolve().parent)
"""The folder of nnks itself."""

LONGEST = 300
"""Characters of a user's own message that a sentence repeats."""


def told(error: BaseException) -> str:
    """An error's type, what it says, and the line of the user's file that it comes from, in one line.

    Where no file of a user's own is in the traceback, the line is that of the code that failed.

    Example:
        >>> try:
        ...     int("one")
        ... except ValueError as error:
        ...     told(error)  # doctest: +ELLIPSIS
        "ValueError: invalid literal for int() with base 10: 'one' (...)"
    """
    frames = own_frames(error) or list(traceback.extract_tb(error.__traceback__))
    return described(error) + (f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else "")


def described(error: BaseException) -> str:
    """An error's type and what it says, in one line."""
    text = one_line(message(error), LONGEST).strip().rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message(error: BaseException) -> str:
    """What an error says, without the quotes of a key and the file of a syntax error."""
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]  # and not its repr
    try:
        return str(error).split(" Other fields present: ")[0]  # with which ml_collections lists all of a config
    except Exception:  # a class of a user's own may fail to say what it is
        return ""


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The calls that led to an error, of files that are neither nnks's nor installed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith((*INSTALLED, OWN, "<"))]


def is_own(member: Any) -> bool:
    """Whether an object's class is a user's own; those of nnks are tested elsewhere."""
    return not type(member).__module__.startswith("nnks.")


def source_hash(make: Any) -> str:
    """A hash of the files that define a class or function of a user's own and its bases; empty for one of nnks."""
    if make.__module__.startswith("nnks."):
        return ""
    # files are taken as a whole: helpers and numbers beside the class count, too
    parts = inspect.getmro(make) if inspect.isclass(make) else (make,)
    files = dict.fromkeys(file for part in parts for file in _files_of(part))
    texts = [Path(file).read_text(encoding="utf-8") for file in files if Path(file).is_file()]
    return hashlib.sha256("\n".join(texts or [repr(make)]).encode()).hexdigest()[:16]


def _files_of(part: Any) -> list[str]:
    """Where a user wrote a class or function; none for what is installed, built in, or typed into a notebook."""
    functions = vars(part).values() if inspect.isclass(part) else (part,)
    codes = (getattr(inspect.unwrap(each), "__code__", None) for each in functions if callable(each))
    files = dict.fromkeys(code.co_filename for code in codes if code is not None)
    return [file for file in files if not file.startswith((*INSTALLED, OWN, "<"))]


def attempted_now(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a user's own returns.

    Args:
        what: the beginning of the sentence if it fails, such as "term 'mine' fails in `on`".
        function: of the arguments.
        arguments: its.

    Raises:
        InputError: with the error's type, message and line; an `InputError` stays what it is.
    """
    try:
        return function(*arguments)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{what} with {told(error)}.") from error


def attempted(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The shapes that a function of a user's own returns.

    Args:
        what: the beginning of the sentence if it fails, such as "sampler 'mine' fails in `draw`".
        function: of arrays, or of shapes.
        arguments: its.

    Raises:
        InputError: with the error's type, message and line.
    """
    import jax  # errors of a config file are told without it

    return attempted_now(what, jax.eval_shape, function, *arguments)
