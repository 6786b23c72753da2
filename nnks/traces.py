"""Code of a user's own: what it is, and where it failed, in a few words."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from nnks.registry import SHOWN, InputError

INSTALLED = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib")})
"""Folders of code that is not a user's."""

OWN = str(Path(__file__).resolve().parent)
"""The folder of nnks itself."""

LONGEST = 3 * SHOWN
"""Characters that are repeated of an error's message."""


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
    lines = str(error).strip().rstrip(".").splitlines()
    message = "".join(c if c.isprintable() else " " for c in lines[0]) if lines else ""
    if len(message) > LONGEST:
        message = message[: LONGEST - 3] + "..."
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*INSTALLED, OWN, "<frozen"))]
    where = [f" ({frame.filename}:{frame.lineno})" for frame in (own or frames)[-1:]]
    return f"{type(error).__name__}{': ' if message else ''}{message}{where[0] if where else ''}"


def is_own(member: Any) -> bool:
    """Whether an object's class is a user's own; those of nnks are tested elsewhere."""
    return not type(member).__module__.startswith("nnks.")


def attempted(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The shapes that a function of a user's own returns.

    Args:
        what: the beginning of the sentence if it fails, such as "sampler 'mine' fails in `draw`".
        function: of arrays, or of shapes.
        arguments: its.

    Raises:
        InputError: with the error's type, message and line.
    """
    try:
        return jax.eval_shape(function, *arguments)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{what} with {told(error)}.") from error
