"""The section of terms that a config adds to the Kohn-Sham energy, each with fields of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnks.config.dicts import ConfigDict, flatten
from nnks.config.rules import member_rules
from nnks.config.values import Rule, key_name
from nnks.registry import InputError, shown, suggest

TERMS = "functional.terms"
"""The section whose keys are names of terms, each with the fields of its own."""


DEFAULTS = object()
"""Stands for all fields of a term that is named with none."""


def term_rules(name: object) -> dict[str, Rule]:
    """What the fields of a term that a config adds may hold.

    Raises:
        InputError: for a term that does not exist.
    """
    from nnks.functional import TERMS as registry
    from nnks.functional.terms import check_extra

    return member_rules(TERMS, registry, check_extra(name))


def with_terms(config: ConfigDict, changes: Mapping[str, Any]) -> tuple[ConfigDict, dict[str, Any]]:
    """A config that has the terms which changes name, with their defaults, and the changes by single fields of them.

    Raises:
        InputError: for a term that does not exist, or fields that are no section.
    """
    single: dict[str, Any] = {}
    for path, value in changes.items():
        inner = path == TERMS or path.startswith(f"{TERMS}.")
        value = value.to_dict() if inner and isinstance(value, ConfigDict) else value
        if not inner or not isinstance(value, Mapping):
            single[path] = value
            continue
        single |= flatten(value, f"{path}.")
        for name in [path.removeprefix(f"{TERMS}.")] if path != TERMS else value:
            single.setdefault(f"{TERMS}.{name}", DEFAULTS)  # one all of whose fields have their defaults
    for path in [path for path in single if path.startswith(f"{TERMS}.")]:
        name, dot, _ = path.removeprefix(f"{TERMS}.").partition(".")
        rules = term_rules(name)
        with config.unlocked():
            if name not in config.functional.terms:
                config.functional.terms[name] = {key: rule.default for key, rule in rules.items()}
        if not dot and single.pop(path) is not DEFAULTS:
            raise InputError(
                f"{key_name(path)} is a section; set a key of it, such as --{key_name(path)}.{next(iter(rules), 'x')}."
            )
    return config, single


def complete_terms(config: ConfigDict) -> None:
    """Fills the terms that a config adds with their defaults."""
    functional = config.get("functional")
    if not isinstance(functional, ConfigDict) or "terms" not in functional:
        return  # what is missing is said by the check
    terms = functional["terms"]
    if not isinstance(terms, ConfigDict):
        raise InputError(
            f"{key_name(TERMS)} is {shown(terms)}; expected a dictionary such as {{'field': {{'z': 0.001}}}}."
        )
    for name, given in terms.items():
        rules = term_rules(name)
        if not isinstance(given, ConfigDict):
            raise InputError(f"{key_name(f'{TERMS}.{name}')} is {shown(given)}; expected a dictionary of its fields.")
        section = ConfigDict({key: rule.default for key, rule in rules.items()})
        for key, value in given.items():
            if key not in rules:
                raise InputError(f"{key_name(f'{TERMS}.{name}.{key}')} does not exist; {suggest(key, rules)}.")
            section[key] = rules[key].check(value, f"{TERMS}.{name}.{key}")
        with config.unlocked():
            terms[name] = section
