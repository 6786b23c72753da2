"""Registries: a name from a config file becomes an object, or one sentence that says what would."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
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


def suggest(name: str, choices: Iterable[str]) -> str:
    """The end of a sentence: the nearest choice if one is near, then all choices."""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}choose one of: {', '.join(choices)}"


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

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            raise InputError(f"{self.kind} is '{name}', which does not exist; {suggest(str(name), self._entries)}.")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

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
                    f"{self.kind}.{key} is not a field of '{section['name']}'; {suggest(key, accepted) if accepted else 'it has no fields'}."
                )
        taken = inspect.signature(make).parameters
        return make(**fields, **{key: value for key, value in context.items() if key in taken})

    def fields(self, name: str) -> dict[str, Any]:
        """The config fields of a member with their defaults (parameters without one come from the system)."""
        parameters = inspect.signature(self[name].make).parameters.values()
        skipped = ("parent", "name")  # what flax adds to every module
        return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in skipped}
