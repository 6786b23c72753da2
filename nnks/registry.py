"""Registries: a name from a config file becomes an object, or one sentence that says what would."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


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


@dataclasses.dataclass(frozen=True)
class Entry:
    """One member of a registry: how to make it, and what it is in one line."""

    make: Callable[..., Any]
    summary: str
    needs: str = ""


class Registry(Mapping[str, Entry]):
    """Members of one kind, by the name that a config file uses."""

    def __init__(self, kind: str):
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, name: str, summary: str = "") -> Callable[[Any], Any]:
        """A decorator that adds a class or function; its first docstring line is the summary."""

        def add(make: Any) -> Any:
            if name in self._entries:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            text = summary or (inspect.getdoc(make) or "").split("\n")[0]
            self._entries[name] = Entry(make, text)
            return make

        return add

    def __getitem__(self, name: Any) -> Entry:
        if name not in self:
            raise InputError(f"{self.kind} is {shown(name)}, which does not exist; {suggest(name, self._entries)}.")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def build(self, section: Mapping[str, Any], **context: Any) -> Any:
        """Makes the member that `section["name"]` names; the other keys are its fields.

        Args:
            section: a config section with a `name`.
            context: values that the system determines; they are passed if the member takes them.

        Raises:
            InputError: for an unknown name or a field that the member does not have.
        """
        fields = {key: value for key, value in section.items() if key != "name"}
        make = self[section["name"]].make
        accepted = self.fields(section["name"])
        for key in fields:
            if key not in accepted:
                raise InputError(
                    f"{self.kind}.{key} is not a field of '{section['name']}'; "
                    f"{suggest(key, accepted) if accepted else 'it has no fields'}."
                )
        taken = inspect.signature(make).parameters
        try:
            return make(**fields, **{key: value for key, value in context.items() if key in taken})
        except InputError:
            raise
        except Exception as error:  # a member of a user's own may do anything
            from nnks.traces import told

            raise InputError(f"{self.kind} '{section['name']}' cannot be made: {told(error)}.") from error

    def fields(self, name: str) -> dict[str, Any]:
        """The config fields of a member with their defaults (parameters without one come from the system)."""
        parameters = inspect.signature(self[name].make).parameters.values()
        skipped = ("parent", "name")  # what flax adds to every module
        return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in skipped}
