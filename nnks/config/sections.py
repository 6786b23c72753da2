"""Sections that name a member of a registry and hold its fields, and changes of single keys."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ml_collections.config_dict import placeholder

from nnks.registry import InputError, Registry, suggest

if TYPE_CHECKING:

    class ConfigDict(dict[str, Any]):
        """What a type checker may know of it: its attributes are its keys."""

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

else:
    from ml_collections import ConfigDict


LAYER = {"gram": "auto", "decay": 0.9, "constraint": "reparameterize", "penalty": 10.0}
"""What the section `orthogonalizer` holds whatever member it names."""


def registries() -> dict[str, Registry]:
    """The sections that name a member, with the registry of each."""
    from nnks.ansatz import ANSATZE
    from nnks.orthogonalize import ORTHOGONALIZERS
    from nnks.quadrature import SAMPLERS
    from nnks.training import OPTIMIZERS

    return {
        "ansatz": ANSATZE,
        "orthogonalizer": ORTHOGONALIZERS,
        "sampler": SAMPLERS,
        "optimizer": OPTIMIZERS,
    }


def member(kind: str, name: str, fields: Mapping[str, Any]) -> ConfigDict:
    """A section that names a member: the member's defaults, then `fields` over them."""
    registry = registries()[kind]
    defaults = {key: value for key, value in registry.fields(name).items() if key != "positive"}
    if kind == "orthogonalizer":
        defaults |= LAYER
    section = ConfigDict({"name": name})
    for key, value in defaults.items():
        section[key] = placeholder(int if key == "batch_size" else type(value)) if value is None else value
    for key, value in fields.items():
        if key not in section:
            holders = [n for n in registry if key in registry.fields(n)]
            has = f"{', '.join(holders)} have it" if holders else suggest(key, defaults) if defaults else "it has none"
            raise InputError(f"{kind}.{key} is not a field of {kind} '{name}'; {has}.")
        _assign(section, key, value, f"{kind}.{key}")
    return section


def complete(config: ConfigDict) -> ConfigDict:
    """Fills each named section with its member's defaults, and locks the config.

    Raises:
        InputError: for an unknown member or a field that it does not have.
    """
    with config.unlocked():
        for kind in registries():
            fields = dict(config[kind].items())
            config[kind] = member(kind, fields.pop("name"), fields)
    config.lock()
    return config


def override(config: ConfigDict, changes: Mapping[str, Any]) -> ConfigDict:
    """A copy with changes such as `{"system.molecule": "CO", "ansatz.name": "residual"}`, names of members first.

    Raises:
        InputError: for a key that does not exist, with the nearest that does, or a value of the wrong type.
    """
    config = copy.deepcopy(config)  # not resolved: a key that is None keeps its type
    kinds = registries()
    for path in sorted(changes, key=lambda p: not p.endswith(".name")):
        *parents, key = path.split(".")
        if key == "name" and parents and parents[-1] in kinds:
            with config.unlocked():
                config[parents[-1]] = member(parents[-1], changes[path], {})
            continue
        section = config
        for depth, parent in enumerate([*parents, key]):
            if not isinstance(section, ConfigDict) or parent not in section:
                raise unknown_key(config, path, ".".join(path.split(".")[:depth]), section)
            if depth < len(parents):
                section = section[parent]
        _assign(section, key, changes[path], path)
    config.lock()
    return config


def unknown_key(config: ConfigDict, path: str, parent: str, section: Any) -> InputError:
    """The sentence for a key that does not exist."""
    kind, key = parent or "config", path.split(".")[-1]
    if not isinstance(section, ConfigDict):
        return InputError(f"config.{path} does not exist: {parent} is a value, not a section.")
    if kind in registries():
        holders = [n for n, fields in ((n, registries()[kind].fields(n)) for n in registries()[kind]) if key in fields]
        if holders:
            return InputError(
                f"config.{path} does not exist for {kind} '{section['name']}'; {', '.join(holders[:6])} have it: set "
                f"config.{kind}.name as well."
            )
    return InputError(f"config.{path} does not exist; {suggest(key, section.keys())}.")


def _assign(section: ConfigDict, key: str, value: Any, path: str) -> None:
    old = section[key]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    try:
        with section.unlocked():
            section[key] = value
    except TypeError:
        kind = section.get_type(key).__name__
        raise InputError(
            f"config.{path} is {value!r}, a {type(value).__name__}; it must be a {kind} such as {old!r}."
        ) from None


def to_dict(config: ConfigDict) -> dict[str, Any]:
    """The resolved config as plain values, ready for JSON."""
    return config.copy_and_resolve_references().to_dict()


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested dictionaries as pairs of dotted key and value; a test for any mapping would take several times as long."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
