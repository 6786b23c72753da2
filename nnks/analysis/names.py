"""What runs are called in tables and figures: the system that was computed, and the method."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nnks.config import flatten, from_dict, to_dict
from nnks.geometries.files import BETWEEN
from nnks.registry import InputError
from nnks.tracking.record import RunRecord, called, config_hash, content

System = tuple[Any, ...]
"""What fixes the exact energy: molecule, unit, charge, spin and functional of a config, and the terms that it adds."""


def setting(config: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of a config, lists and mappings as text; or None."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return json.dumps(value) if isinstance(value, dict | list) else value


def system_key(config: Mapping[str, Any]) -> System:
    """Runs with equal keys share their references."""
    paths = ("system.unit", "system.charge", "system.spin", "functional.xc")
    functional = config.get("functional")
    terms = functional.get("terms") if isinstance(functional, Mapping) else None
    rest = (content(path, setting(config, path)) for path in paths)
    return (content("system.molecule", molecule_of(config)), *rest, terms_text(terms))


def molecule_of(config: Mapping[str, Any]) -> Any:
    """The molecule that a config names, or several as one text."""
    return setting(config, "system.molecules") or setting(config, "system.molecule")


def terms_text(terms: Any) -> str:
    """The terms that a config adds, as a name says them, `field z=0.001`; fields that are zero do nothing."""
    if not isinstance(terms, Mapping):
        return ""
    fields = {name: given if isinstance(given, Mapping) else {} for name, given in sorted(terms.items())}
    texts = []
    for name, given in fields.items():
        values = [f"{key}={value}" for key, value in given.items() if value]
        texts.append(" ".join([str(name), *(values or ["0"] * bool(given))]))
    return ", ".join(texts)


MEMBERS = ("ansatz", "orthogonalizer", "sampler", "optimizer")
"""Sections whose keys are those of the member that they name."""

_IDENTITIES: dict[str, str] = {}


def identity(config: Mapping[str, Any]) -> str:
    """The hash of a config with today's defaults for keys that it lacks.

    Keys that were added later do not tell runs apart.
    """
    stored = config_hash(config)
    if stored not in _IDENTITIES:
        try:
            _IDENTITIES[stored] = config_hash(to_dict(from_dict(config)))
        except (InputError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # a key or member that there is no more, or a config that never was one
            _IDENTITIES[stored] = stored
    return _IDENTITIES[stored]


def identities(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A hash of each config, equal for configs that mean the same.

    Defaults are filled in where configs that name the same members have different keys; finding them imports JAX, a
    second that no other table or figure takes.
    """
    keys: dict[tuple[str, ...], set[frozenset[str]]] = {}
    groups = [tuple(str(setting(config, f"{kind}.name")) for kind in MEMBERS) for config in configs]
    for group, config in zip(groups, configs, strict=True):
        keys.setdefault(group, set()).add(frozenset(key for key, _ in flatten(config)))
    pairs = zip(groups, configs, strict=True)
    return [config_hash(config) if len(keys[group]) == 1 else identity(config) for group, config in pairs]


def molecule_name(molecule: Any) -> str:
    """A short name: the library's, that of a file, the formula of an inline geometry; of several, how many they are."""
    if isinstance(molecule, str) and (more := molecule.count(BETWEEN)):
        return f"{more + 1} molecules"
    return called("system.molecule", molecule)


def system_names(keys: Sequence[System]) -> dict[System, str]:
    """A distinct name for each system: the molecule, and what tells systems of one molecule apart."""
    keys = list(dict.fromkeys(keys))
    names: dict[System, str] = {}
    for key in keys:
        alike = [other for other in keys if molecule_name(other[0]) == molecule_name(key[0])]
        differs = [len({str(other[i]) for other in alike}) > 1 for i in range(len(key))]
        charged = _is_whole(key[2]) and (key[2] != 0 or differs[2])
        details = [f"charge {key[2]:+d}"] * charged + [f"spin {key[3]}"] * differs[3] + [str(key[4])] * differs[4]
        details += [key[5] or "no other term"] * (bool(key[5]) or differs[5])
        name = ", ".join([molecule_name(key[0]), *details])
        same = sum(names[other] == name or names[other].startswith(f"{name} #") for other in names)
        names[key] = f"{name} #{same + 1}" if same else name
    return names


def method_names(records: Sequence[RunRecord]) -> list[str]:
    """The method of each run: its label without the molecule, or ansatz and basis.

    Configs that differ in more than the seed get different methods: where a label is shared, the config's hash is
    added. Several experiments in one folder put their name in front.
    """
    hashes = identities([record.config for record in records])
    labels: dict[str, str] = {}
    for record, hash in zip(records, hashes, strict=True):
        label = (record.summary or {}).get("label") or setting(record.config, "label")
        if label:
            labels[hash] = str(label)  # an interrupted run takes the label of its finished sister
    names = [
        _without_molecule(labels.get(hash, ""), record.config) for record, hash in zip(records, hashes, strict=True)
    ]
    cells = [(record.experiment, system_key(record.config), name) for record, name in zip(records, names, strict=True)]
    configs: dict[Any, set[str]] = {}
    for cell, hash in zip(cells, hashes, strict=True):
        configs.setdefault(cell, set()).add(hash)
    several = len({record.experiment for record in records}) > 1
    result = []
    for record, cell, hash, name in zip(records, cells, hashes, names, strict=True):
        name = f"{name} ({hash[:4]})" if len(configs[cell]) > 1 else name
        result.append(f"{record.experiment}: {name}" if several else name)
    return result


def method_name(record: RunRecord) -> str:
    """The method of one run as its label says, whatever other runs are called."""
    label = (record.summary or {}).get("label") or setting(record.config, "label") or ""
    return _without_molecule(str(label), record.config)


def _is_whole(charge: Any) -> bool:
    """Whether a charge from a config is one that can be shown with its sign."""
    return isinstance(charge, int) and not isinstance(charge, bool)


WORDS = {
    "lcgto": "{}, Gaussian",
    "residual": "network beside {}",
    "neural": "network alone, from {}",
    "neural_basis": "network's basis beside {}",
    "learned_basis": "learned basis",
    "local_scaling": "{} in a learned map of space",
    "gaussian_learned": "{}, trained",
}
"""What a run is called that has no label of its own, by its ansatz."""


ANSATZ_WORDS = {
    "lcgto": "the Gaussian basis",
    "residual": "a network beside the basis",
    "neural": "a network alone",
    "neural_basis": "a network's basis",
    "learned_basis": "a learned basis",
    "local_scaling": "a basis in a learned map of space",
    "gaussian_learned": "a trained Gaussian basis",
}
"""An ansatz in a sentence."""


def in_words(ansatz: str, basis: str) -> str:
    """Ansatz and basis as a legend says them: "6-31G, Gaussian", "network beside 6-31G"."""
    return WORDS.get(ansatz, f"{ansatz}, {{}}").replace("{}", basis_words(basis))


def basis_words(basis: str) -> str:
    """A basis as it is printed, where that is known: 6-31g is 6-31G."""
    return re.sub(r"^(sto-\d+g|\d+-\d+\+*g)", lambda known: known[0].upper(), basis)


def _without_molecule(label: str, config: Mapping[str, Any]) -> str:
    molecule = molecule_of(config)
    drop = {str(molecule).lower(), molecule_name(molecule).lower()}
    parts = [part.strip() for part in label.split(" / ")]
    kept = [part for part in parts if part and part.lower() not in drop]
    known = [setting(config, "ansatz.name"), called("system.basis", setting(config, "system.basis"))]
    known = [str(part) for part in known if part]
    if len(known) == 2 and kept in ([], known):
        return in_words(*known)
    return " / ".join(kept or known) or "unnamed"


def differing_settings(records: Sequence[RunRecord]) -> list[dict[str, str]]:
    """The config keys that runs differ in, each with its values."""
    settings: dict[str, dict[str, None]] = {}
    for record in records:
        for key, value in flatten(record.config):
            settings.setdefault(key, {})[str(called(key, value))] = None
    hidden = ("label", "training.seed")
    return [
        {"config key": key, "values": ", ".join(values)}
        for key, values in settings.items()
        if len(values) > 1 and key not in hidden
    ]
