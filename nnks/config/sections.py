"""Sections that name a member of a registry and hold its fields, changes of single keys, and the check of them all."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

from ml_collections.config_dict import placeholder

from nnks.config.dicts import ConfigDict, flatten, to_dict
from nnks.config.rules import make_rule, member_rules
from nnks.config.terms import TERMS, complete_terms, term_rules, with_terms
from nnks.config.values import Rule, key_name
from nnks.registry import InputError, Registry, shown, suggest

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


def section_rules(kind: str, name: Any) -> dict[str, Rule]:
    """What the keys of a section that names a member may hold, without its `name`."""
    rules = member_rules(kind, registries()[kind], name)
    return rules | _layer_rules() if kind == "orthogonalizer" else rules


@functools.cache
def _layer_rules() -> dict[str, Rule]:
    return {
        key: make_rule(value, type(value), (f"orthogonalizer.{key}",), optional=False) for key, value in LAYER.items()
    }


def member(kind: str, name: Any, fields: Mapping[str, Any]) -> ConfigDict:
    """A section that names a member: the member's defaults, then `fields` over them."""
    registry = registries()[kind]
    rules = section_rules(kind, name)
    section = ConfigDict({"name": name})
    for key, rule in rules.items():
        *parents, last = key.split(".")
        inner = section
        for parent in parents:
            inner = inner.setdefault(parent, ConfigDict())
        inner[last] = placeholder(rule.kind) if rule.default is None else rule.default
    for key, value in fields.items():
        if key not in section:
            holders = [n for n in registry if key in section_rules(kind, n)]
            has = f"{', '.join(holders)} have it" if holders else suggest(key, rules) if rules else "it has none"
            raise InputError(f"{kind}.{shown(key)[1:-1]} is not a field of {kind} '{name}'; {has}.")
        _assign(section, rules, key, value, kind)
    return section


def complete(config: ConfigDict) -> ConfigDict:
    """Fills each named section with its member's defaults, checks every value, and locks the config.

    Raises:
        InputError: for an unknown member, a key that does not exist or is missing, or a value that its key does not
            take.
    """
    with config.unlocked():
        for kind in registries():
            section = config.get(kind)
            if not isinstance(section, ConfigDict) or "name" not in section:
                raise InputError(f"{key_name(kind)} is {shown(section)}; it must be a section with a name in it.")
            fields = dict(section.items())
            config[kind] = member(kind, fields.pop("name"), fields)
    complete_terms(config)
    _lock(config)
    check(config)
    return config


def _lock(config: ConfigDict) -> None:
    """Locks a config but for its terms, which a config file names; their fields are checked when it is read."""
    config.lock()
    if "terms" in config.functional and isinstance(config.functional.terms, ConfigDict):
        config.functional.terms.unlock()


def rules_of(config: ConfigDict) -> dict[str, Rule]:
    """What each key of a config may hold, by dotted key, but for the names of members."""
    from nnks.config.defaults import fixed_rules

    rules = dict(fixed_rules())
    for kind in registries():
        rules |= {f"{kind}.{key}": rule for key, rule in section_rules(kind, config[kind]["name"]).items()}
    for name in config.functional.get("terms", {}):
        rules |= {f"{TERMS}.{name}.{key}": rule for key, rule in term_rules(name).items()}
    return rules


def check(config: ConfigDict) -> None:
    """Refuses a config with a value that its key does not take, and brings numbers into the type of their keys.

    Raises:
        InputError: for the first such value, and for a key that does not exist or is missing.
    """
    rules = rules_of(config)
    given = dict(flatten(to_dict(config), stop=rules))
    for path, value in given.items():
        if path in rules:
            typed = rules[path].check(value, path)
            if type(typed) is not type(value):
                _put(config, path, typed)
        elif key := next((rule for rule in rules if rule.startswith(f"{path}.")), None):
            raise InputError(f"{key_name(path)} is {shown(value)}; it must be a section, with keys such as {key}.")
        elif path.removesuffix(".name") not in registries():
            raise unknown_key(config, path)
    for path in rules:
        if path not in given:
            raise InputError(f"{key_name(path)} is missing; start a config from default_config().")


def override(config: ConfigDict, changes: Any) -> ConfigDict:
    """A copy with changes such as `{"system.molecule": "CO", "ansatz.name": "residual"}`, names of members first.

    A section may also be changed by a dictionary, as in `{"ansatz": {"name": "residual", "width": 8}}`.

    Raises:
        InputError: for a key that does not exist, with the nearest that does, or a value that its key does not take.
    """
    config = copy.deepcopy(config)  # not resolved: a key that is None keeps its type
    flat = _by_key(config, changes)
    for kind in registries():
        if (path := f"{kind}.name") in flat:
            with config.unlocked():
                config[kind] = member(kind, flat.pop(path), {})
    config, flat = with_terms(config, flat)
    rules = rules_of(config)
    for path, value in flat.items():
        if path not in rules:
            raise unknown_key(config, path)
        _put(config, path, rules[path].check(value, path))
    _lock(config)
    return config


def read_texts(config: ConfigDict, changes: Mapping[str, str]) -> dict[str, Any]:
    """Texts of a command line by dotted key, as values that their keys take.

    The names of members are in the config already.

    Raises:
        InputError: for a key that does not exist or is a section, or a text that stands for no value of it.
    """
    config, _ = with_terms(copy.deepcopy(config), dict.fromkeys(changes))
    rules, names = rules_of(config), {f"{kind}.name" for kind in registries()}
    for path in changes:
        if path not in rules and path not in names:
            raise unknown_key(config, path)
    return {path: text if path in names else rules[path].read(text, path) for path, text in changes.items()}


def _by_key(config: ConfigDict, changes: Any) -> dict[str, Any]:
    """Changes by dotted key."""
    if not isinstance(changes, Mapping):
        raise InputError(
            f"changes of a config are {shown(changes)}; expected a dictionary such as {{'ansatz.width': 8}}."
        )
    flat: dict[str, Any] = {}
    for path, value in changes.items():
        if not isinstance(path, str):
            raise InputError(f"{shown(path)} is no key of a config; expected a text such as 'ansatz.width'.")
        whole = isinstance(value, Mapping) and isinstance(config.get(path) if path in config else None, ConfigDict)
        inner = {f"{path}.{key}": item for key, item in value.items()} if whole else {path: value}
        if twice := next((key for key in inner if key in flat), None):
            raise InputError(f"{key_name(twice)} is given twice; give it once.")
        flat |= inner
    return flat


def unknown_key(config: ConfigDict, path: str) -> InputError:
    """The sentence for a key that does not exist, or that is a section or the name of a member."""
    section: Any = config
    *parents, key = path.split(".")
    for depth, parent in enumerate(parents):
        if not isinstance(section, ConfigDict):
            value = shown(".".join(parents[:depth]))[1:-1]
            return InputError(f"{key_name(path)} does not exist: {value} is a value, not a section.")
        if parent not in section:
            return InputError(f"{key_name(path)} does not exist; {suggest(parent, section.keys())}.")
        section = section[parent]
    if not isinstance(section, ConfigDict):
        return InputError(
            f"{key_name(path)} does not exist: {shown('.'.join(parents))[1:-1]} is a value, not a section."
        )
    kind = ".".join(parents)
    if isinstance(section.get(key) if key in section else None, ConfigDict):
        if path == TERMS:
            return InputError(
                f"{key_name(path)} is a section; set a field of a term, such as --{key_name(path)}.field.z."
            )
        keys = sorted(map(str, section[key].keys()), key=lambda inner: inner != "name")
        return InputError(f"{key_name(path)} is a section; set a key of it, such as --{key_name(path)}.{keys[0]}.")
    if kind in registries():
        registry = registries()[kind]
        if holders := [name for name in registry if key in section_rules(kind, name)]:
            return InputError(
                f"{key_name(path)} does not exist for {kind} '{section['name']}'; {', '.join(holders[:6])} have it: "
                f"set config.{kind}.name as well."
            )
    others = [other for other in section if other != key]  # a file may have added the key
    return InputError(f"{key_name(path)} does not exist; {suggest(key, others)}.")


def _assign(section: ConfigDict, rules: Mapping[str, Rule], key: str, value: Any, kind: str) -> None:
    """Sets a field of a member, which may be a dictionary of its own."""
    value = value.to_dict() if isinstance(value, ConfigDict) else value
    for inner, item in flatten({key: value}, stop=rules):
        path = f"{kind}.{inner}"
        if inner not in rules:
            raise InputError(f"{key_name(path)} does not exist; {suggest(inner, rules)}.")
        _put(section, inner, rules[inner].check(item, path))


def _put(config: ConfigDict, path: str, value: Any) -> None:
    """Sets a key to a value that was checked."""
    *parents, key = path.split(".")
    section: Any = config
    for parent in parents:
        section = section[parent]
    old = section[key]
    if type(old) is type(value) and old == value:
        return  # what unlocking takes would be half of reading a config
    with section.unlocked(), section.ignore_type():
        if isinstance(old, float) and isinstance(value, int):
            del section[key]  # a whole number would be made the float that is in its place
        section[key] = value
