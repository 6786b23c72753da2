"""The rule of every key of a config: what a key takes follows from its default, its bounds and its choices."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from nnks.config.bounds import BOUNDS, BY_ELEMENT, EMPTY, FAULTS, choices
from nnks.config.texts import line
from nnks.config.values import FINITE, WHOLE_NUMBERS, Rule, storable
from nnks.registry import InputError, Registry

OURS = "nnks."
"""Modules whose members the tables of bounds and choices are for."""


def make_rule(default: Any, kind: type, names: Sequence[str], *, optional: bool) -> Rule:
    """The rule of one key.

    Args:
        default: its value if nothing else is said; None if it is optional.
        kind: its type.
        names: under which the tables may know it, the most special first.
        optional: whether it may be None.
    """

    def known(table: Mapping[str, Any], otherwise: Any) -> Any:
        return next((table[name] for name in names if name in table), otherwise)

    generic = WHOLE_NUMBERS if kind is int else FINITE
    return Rule(
        kind,
        default,
        optional,
        known(BOUNDS, generic) if kind in (int, float) else generic,
        known(choices(), ()) if kind is str else (),
        known(FAULTS, line) if kind is str else None,
        known(EMPTY, ""),
        any(name in BY_ELEMENT for name in names),
    )


_RULES: dict[tuple[str, str, Any], dict[str, Rule]] = {}
"""Of members that were asked for. A name alone is not enough: tests and users may give it to another one."""


def member_rules(kind: str, registry: Registry, name: Any) -> dict[str, Rule]:
    """Rules of the fields that the member of a section has, by their keys within it."""
    key = kind, name, registry[name].make
    if key not in _RULES:
        fields = {
            field: value
            for field, value in registry.fields(name).items()
            if field != "positive" and _is_storable(value)
        }
        _RULES[key] = _member_rules(kind, name, registry[name].make, fields)
    return _RULES[key]


def _member_rules(kind: str, name: str, make: Any, fields: Mapping[str, Any]) -> dict[str, Rule]:
    ours, hints, rules = getattr(make, "__module__", "").startswith(OURS), _hints(make), {}
    for field, default in fields.items():
        names = (f"{kind}.{name}.{field}", f"{kind}.{field}") if ours else ()
        for inner, value in _leaves(field, default):
            declared, optional = _declared(hints.get(field)) if inner == field else (None, False)
            taken = _type(value) if value is not None else int if field == "batch_size" else declared or object
            rules[inner] = make_rule(value, taken, names, optional=optional or value is None)
    return rules


def _is_storable(default: Any) -> bool:
    """Whether a field belongs into a config; one that is a function by default keeps it."""
    try:
        storable(default, "")
    except InputError:
        return False
    return True


def _leaves(field: str, default: Any) -> list[tuple[str, Any]]:
    """A field, or those of a dictionary, which a config holds as a section."""
    if not isinstance(default, Mapping):
        return [(field, default)]
    return [leaf for key, value in default.items() for leaf in _leaves(f"{field}.{key}", value)]


def _type(value: Any) -> type:
    """What a field takes by its default; a number of NumPy's counts as Python's."""
    kinds = (bool, int, float, str, tuple, list)
    return next((kind for kind in kinds if isinstance(value, kind)), object)


def _hints(make: Any) -> dict[str, Any]:
    """The annotations of a member's fields, as far as they can be resolved."""
    try:
        return typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)
    except Exception:  # annotations may name anything
        return {}


def _declared(hint: Any) -> tuple[type | None, bool]:
    """The type that an annotation such as `int | None` names, and whether it permits None."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        named = [part for part in typing.get_args(hint) if part is not type(None)]
        kind = named[0] if len(named) == 1 and named[0] in (bool, int, float, str) else None
        return kind, len(named) < len(typing.get_args(hint))
    return (hint if hint in (bool, int, float, str) else None), False
