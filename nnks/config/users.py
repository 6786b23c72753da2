"""Code of a user's own, in a config file: what it raises becomes one sentence with its file and line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from nnks.registry import InputError, one_line
from nnks.traces import LONGEST, described, message, own_frames


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

    The working folder stays what it was, too: results and files of the command line are relative to where it was typed.

    Args:
        path: the config file.
        what: which part of it runs, such as `get_config()`.

    Raises:
        UserError: with the type, the message and the line of the user's error, or of nnks's own sentence.
    """
    folder = os.getcwd()
    try:
        yield
        _stayed(path, folder)
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:  # a file may raise anything, SystemExit included
        frames = own_frames(error)
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        if isinstance(error, SyntaxError) and error.filename is not None and not frames:
            where = f" ({error.filename}:{error.lineno})"
        name = f"config file {file_name(path)}"
        if isinstance(error, InputError):
            sentence = UserError(f"{name}: {str(error).rstrip('.')}{where}.")
        else:
            sentence = UserError(f"{name} cannot be used: {what} raises {described(error)}{where}.")
        sentence.report = "".join(traceback.format_list(frames)) + f"{type(error).__name__}: {message(error)}\n"
        raise sentence from error


def _stayed(path: Path, folder: str) -> None:
    """Refuses code that changed the working folder, after going back."""
    if sys.stdout is None or sys.stdout.closed:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for what is still to be written
        raise InputError("it closes the standard output; leave that to whoever opened it")
    try:
        now = os.getcwd()
    except FileNotFoundError:  # it went into a folder, and removed that
        now = "a folder that is gone"
    if now == folder:
        return
    os.chdir(folder)
    raise InputError(
        f"it changes the working folder to {file_name(now)}, and paths would lead elsewhere; remove its chdir"
    )
