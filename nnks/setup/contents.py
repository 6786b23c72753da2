"""A config that stands by itself: what its files hold takes the place of their names.

A file can be edited or removed between two commands. From here on the run, its checkpoints, its references and its W&B
id are those of the nuclei and basis functions that were read, and the stored `config.json` repeats the run elsewhere.
"""

from __future__ import annotations

import contextlib
from typing import Any

from nnks.ansatz.learned_basis import NEW
from nnks.basis.files import pinned, shipped_sets
from nnks.config import ConfigDict, override
from nnks.geometries.files import BETWEEN
from nnks.interop import basis_sets
from nnks.interop.basis_names import by_element, canonical, is_mapping, joined, listed
from nnks.interop.spellings import one_functional, one_spelling
from nnks.molecule import Molecule, canonical_unit, embedded, lost_spin, notices
from nnks.registry import InputError
from nnks.setup.learned import shipped_for
from nnks.setup.several import is_several, singles, unseen
from nnks.tracking.notices import notice

BASES = ("system.basis", "functional.auxiliary", "evaluation.auxiliary")
"""Keys that may name a basis file; each is its section's and its own name."""


def self_contained(config: ConfigDict) -> ConfigDict:
    """The config with the text of geometry and basis files in it, and with the charge that a geometry states.

    Of a learned basis it has the digest.

    Basis sets and functional are in the spelling that all names of the same ones share. Doing it twice changes nothing.

    Raises:
        InputError: for a file that cannot be read.
    """
    s = config.system
    if is_several(config):
        return _several_contained(config)
    for sentence in notices(s.molecule):  # what is ignored of a file is not in its text any more
        notice(sentence)
    symbols: tuple[str, ...] = ()
    changes: dict[str, Any] = {"system.molecule": embedded(s.molecule), "system.unit": canonical_unit(s.unit)}
    with contextlib.suppress(InputError):  # what is wrong with the molecule is said where the run is checked
        molecule = Molecule.from_spec(changes["system.molecule"], unit=s.unit, charge=s.charge, spin=s.spin)
        changes["system.charge"] = molecule.charge
        symbols = molecule.symbols
        if s.spin is None and (sentence := lost_spin(changes["system.molecule"], molecule)):
            notice(sentence)
    for key in BASES:
        section, name = key.split(".")
        changes[key] = _of_all(one_spelling(basis_sets.embedded(config[section][name], key)), symbols)
    changes |= _learned(config)
    large = basis_sets.embedded_list(config.reference.large_basis)
    named = (canonical(spec, "reference.large_basis") for spec in listed(large))
    changes["reference.large_basis"] = joined(map(one_spelling, named))
    changes["functional.xc"] = one_functional(config.functional.xc)
    return override(config, changes)


def _several_contained(config: ConfigDict) -> ConfigDict:
    """The same for several molecules: the texts of their files take the place of names."""
    each = [self_contained(single) for single in singles(config)]
    others = [self_contained(single) for single in unseen(config)]
    if any(BETWEEN in single.system.molecule for single in each + others):
        raise InputError(f"system.molecules holds a geometry with '{BETWEEN}' in its text, which separates molecules.")
    first, changes = each[0], {}
    for key in BASES:
        section, name = key.split(".")
        changes[key] = one_spelling(basis_sets.embedded(config[section][name], key))
    changes |= _learned(config)
    changes["system.molecules"] = f" {BETWEEN} ".join(single.system.molecule for single in each)
    changes["training.validation"] = f" {BETWEEN} ".join(single.system.molecule for single in others)
    changes["system.unit"], changes["functional.xc"] = first.system.unit, first.functional.xc
    changes["reference.large_basis"] = first.reference.large_basis
    return override(config, changes)


def _learned(config: ConfigDict) -> dict[str, Any]:
    """The file of a learned basis by its content: one of the same name may be another tomorrow."""
    a = config.ansatz
    if a.name != "learned_basis" or a.basis == NEW or not (a.basis or shipped_sets()):
        return {}
    return {"ansatz.basis": pinned(a.basis or shipped_for(config))}


def _of_all(spec: str, symbols: tuple[str, ...]) -> str:
    """The set of a mapping that has one and the same for every element of the molecule, else the spec as it is.

    So `H:sto-3g,O:sto-3g` is the run of `sto-3g`.
    """
    if not symbols or not is_mapping(spec):
        return spec
    with contextlib.suppress(InputError):  # an element that lacks a set is refused where the basis is built
        if len(sets := set(by_element(spec, symbols).values())) == 1:
            return sets.pop()
    return spec
