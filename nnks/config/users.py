"""Code of a user's own, in a config file: what it raises becomes one sentence with its file and line."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

from nnks.registry import InputError, one_line

PACKAGE = Path(__file__).resolve().parent.parent

LONGEST = 300
"""Characters of a user's own message that a sentence repeats."""


class UserError(InputError):
    """A config file raised an error.

    Attributes:
        report: the traceback of the user's code alone.
    """

    report: str = ""


def file_name(path: str | Path) -> str:
    """The path of a file as a sentence repeats it: longer than other values, as one must find it."""
    return one_line(repr(str(path)), LONGEST)


@contextlib.contextmanager
def users_code(path: Path, what: str) -> Iterator[None]:
    """Turns what a user's code raises within into one sentence; Ctrl-C stays what it is.

    Args:
        path: the config file.
        what: which part of it runs, such as `get_config()`.

    Raises:
        UserError: with the type, the message and the line of the user's error, or of nnks's own sentence.
    """
    try:
        yield
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:  # a file may raise anything, SystemExit included
        frames = _frames(error, path)
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        if isinstance(error, SyntaxError) and error.filename is not None and not frames:
            where = f" ({error.filename}:{error.lineno})"
        name = f"config file {file_name(path)}"
        if isinstance(error, InputError):
            sentence = UserError(f"{name}: {str(error).rstrip('.')}{where}.")
        else:
            sentence = UserError(f"{name} cannot be used: {what} raises {_described(error)}{where}.")
        sentence.report = "".join(traceback.format_list(frames)) + f"{type(error).__name__}: {_message(error)}\n"
        raise sentence from error


def _described(error: BaseException) -> str:
    message = one_line(_message(error), LONGEST).rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]  # and not its repr
    try:
        return str(error)
    except Exception:  # a class of a user's own may fail to say what it is
        return ""


def _frames(error: BaseException, path: Path) -> list[traceback.FrameSummary]:
    """Where the error passed through the file and what lies beside it."""
    folder = path.resolve().parent
    return [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, folder)]


def _is_users(filename: str, folder: Path) -> bool:
    file = Path(filename)
    return (
        (file.is_absolute() or file.exists())
        and file.resolve().is_relative_to(folder)
        and not file.resolve().is_relative_to(PACKAGE)
        and "site-packages" not in file.parts
    )
