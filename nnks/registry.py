"""Registries: a name from a config file becomes an object, or one sentence that says what would."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nnks.errors import InputError as InputError
from nnks.errors import StoreError as StoreError
from nnks.errors import one_line as one_line
from nnks.errors import shown as shown
from nnks.errors import suggest as suggest
from nnks.traces import told


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
            raise InputError(f"{self.kind} '{section['name']}' cannot be made: {told(error)}.") from error

    def fields(self, name: str) -> dict[str, Any]:
        """The config fields of a member with their defaults (parameters without one come from the system)."""
        parameters = inspect.signature(self[name].make).parameters.values()
        skipped = ("parent", "name")  # what flax adds to every module
        return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in skipped}
