"""What goes wrong as one sentence: what came, what was expected, what to try."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable


class InputError(ValueError):
    """What the user asked for cannot be done: what came, what was expected, what to try.

    The command line prints the sentence and exits with status 2.
    """


class StoreError(RuntimeError):
    """A file of the results cannot be written: which, why, and how to go on.

    The command line prints the sentence and exits with status 1.

    Attributes:
        rest: what follows on the reason: how to go on, and from which state where that is known.
    """

    rest = "; make room for it, and repeat the command"

    def __str__(self) -> str:
        return f"{super().__str__()}{self.rest}."


SHOWN = 60
"""Characters of a value that a sentence repeats."""

LISTED = 12
"""Choices that a sentence lists in full; of more it names the nearest."""


class _Short(reprlib.Repr):
    """`repr` of a few characters, whatever the size, depth and behavior of the value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = SHOWN
        self.maxlevel = 3

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 4 * SHOWN:  # Python refuses to write out integers of more than 4300 digits
            return f"an integer of about {max(1, round(x.bit_length() * 0.30103))} digits"
        return super().repr_int(x, level)


_SHORT = _Short()


def shown(value: object) -> str:
    """A value as a sentence repeats it: `repr` on one line, of at most 60 characters.

    Control characters, line breaks, lone surrogates and marks that turn the direction of writing are escaped; the
    middle of a long text is left out.

    Example:
        >>> shown("water"), shown(10**5000)
        ("'water'", 'an integer of about 5000 digits')
    """
    try:
        text = _SHORT.repr(value)
    except Exception:  # a `__repr__` may do anything, and a value may be nested too deep
        text = f"a {type(value).__name__}"
    return _cut("".join(c if c.isprintable() else " " if c.isspace() else repr(c)[1:-1] for c in _cut(text)))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}...{text[-17:]}"


def one_line(text: str, longest: int = 600) -> str:
    """A sentence as it is printed: on one line, control characters escaped, without its middle if it is too long."""
    text = " ".join(text[: 4 * longest].split())
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= longest else f"{text[: longest - 103]}...{text[-100:]}"


def suggest(name: object, choices: Iterable[str]) -> str:
    """The end of a sentence: the nearest choice if one is near, then the choices; of many, the five nearest."""
    choices = sorted(map(str, choices))
    folded = {choice.casefold(): choice for choice in reversed(choices)}
    given = str(name)[:SHOWN].casefold() if isinstance(name, str | int | float) and not _is_long(name) else ""
    near = difflib.get_close_matches(given, folded, n=1) if given and name not in choices else []
    hint = f"did you mean {shown(folded[near[0]])}? " if near else ""
    if len(choices) <= LISTED:
        return f"{hint}choose one of: {', '.join(shown(choice)[1:-1] for choice in choices)}"
    nearest = [folded[key] for key in difflib.get_close_matches(given, folded, n=5, cutoff=0.0)]
    listed = ", ".join(shown(choice)[1:-1] for choice in nearest)
    return f"{hint}choose for example one of: {listed} ({len(choices) - len(nearest)} others exist)"


def _is_long(name: object) -> bool:
    return (isinstance(name, str) and len(name) > SHOWN) or (isinstance(name, int) and name.bit_length() > SHOWN)
