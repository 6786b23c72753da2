"""Which learned basis a config names: a new one of its elements, or that of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnks.ansatz.learned_basis import NEW, LearnedBasisOrbitals, elements_of, is_frozen
from nnks.basis.files import load_set, shipped_sets
from nnks.basis.learned import Layout, LearnedSet, fresh_set
from nnks.basis.surroundings import unlikeness
from nnks.config import ConfigDict
from nnks.geometries.elements import NUMBERS, is_element
from nnks.interop.free_atoms import free_atom
from nnks.interop.libxc import make_xc
from nnks.molecule import Molecule
from nnks.registry import InputError, shown
from nnks.tracking.notices import notice

UNLIKE = 2.0
"""`unlikeness` of an atom beyond which a warning is due: a neighbor of another element than any in the training, at the
distance where one counts as one, is sqrt(6) = 2.4 away."""


ELEMENTS = ("H", "C", "N", "O", "F")
"""Of a new set that names none."""


def learned_set(config: ConfigDict) -> LearnedSet:
    """The set that the section `ansatz` names, new ones with the run's seed.

    Raises:
        InputError: for elements that it cannot have.
    """
    a = config.ansatz
    if a.basis == NEW:
        return _fresh(config, check_named(a.elements) or ELEMENTS, a.width, a.terms)
    known = trained_set(config)[0]
    has = [layout.symbol for layout in known.layouts]
    added = [symbol for symbol in check_named(a.elements) if symbol not in has]
    if not added:
        if a.elements:
            _check_default(
                config, "ansatz.size", f"it is of elements that are added, and the set has {a.elements}; name another"
            )
        return known
    like = known.params[has[0]]  # networks of elements that share a program are of one shape
    more = _fresh(config, added, like["bias_0"].size, like["log_zeta"].size)
    return LearnedSet(known.params | more.params, known.atoms | more.atoms, known.layouts + more.layouts)


def _fresh(config: ConfigDict, symbols: Sequence[str], width: int, terms: int) -> LearnedSet:
    """An untrained set of some elements."""
    layouts = tuple(layout_of(symbol, config.ansatz.size) for symbol in symbols)
    atoms = {each.symbol: free_atom(each.symbol, config.functional.xc, each.atomic) for each in layouts}
    return fresh_set(layouts, atoms, width=width, terms=terms, seed=config.training.seed)


def trained_set(config: ConfigDict) -> tuple[LearnedSet, tuple[Mapping[str, Any], ...]]:
    """The set that exists already and that a config names, and the molecules that it was trained on.

    Raises:
        InputError: for one that does not exist, and for keys that it leaves without a use.
    """
    _check_unused(config)
    learned, about = load_set(config.ansatz.basis or shipped_for(config))
    return learned, tuple(about["molecules"])


def shipped_for(config: ConfigDict) -> str:
    """The name of the shipped set for a config's functional and size: that of its kind, or what there is.

    Raises:
        InputError: where none is.
    """
    size, xc = config.ansatz.size, config.functional.xc
    family = "lda" if make_xc(xc).family == "LDA" else "pbe"
    name = f"{size}-{family}"
    if not shipped_sets():
        raise InputError(
            "ansatz.basis is empty, and no learned basis comes with this version of nnks; name a file that a run with "
            "ansatz.basis='new' has left, such as 'results/learned_basis/.../basis.npz'."
        )
    if name not in shipped_sets() and f"{size}-lda" in shipped_sets():
        name = f"{size}-lda"
        notice(f"no learned basis for {xc} comes with nnks; {name} is used, which was learned for lda,vwn.")
    return name


def goes_on(config: ConfigDict) -> bool:
    """Whether a learned set that exists is trained on."""
    a = config.ansatz
    return a.name == "learned_basis" and a.basis != NEW and a.train


def frozen(config: ConfigDict) -> bool:
    """Whether orbitals are combinations of a learned set's functions as they are."""
    a = config.ansatz
    return a.name == "learned_basis" and is_frozen(a.basis, train=a.train)


def _check_unused(config: ConfigDict) -> None:
    """Refuses keys that a set which exists leaves without a use.

    Raises:
        InputError: for the first such key.
    """
    a, new = config.ansatz, "it is of a new set; set ansatz.basis to 'new'"
    unread = {"ansatz.width": new, "ansatz.terms": new}
    if a.basis and not a.elements and not a.basis.startswith(f"{a.size}-"):  # the set that comes with nnks in it
        unread["ansatz.size"] = "ansatz.basis names a set, which has its size; leave ansatz.basis empty"
    if not a.train:
        unread["ansatz.elements"] = "it names those that are trained; set ansatz.train to true"
        unread["ansatz.linear"] = "coefficients of a set as it is are all that is looked for; set ansatz.train to true"
        unread["reference.scf"] = "the self-consistent field in the same functions is no other reference"
    for key, reason in unread.items():
        _check_default(config, key, reason)


def _check_default(config: ConfigDict, key: str, reason: str) -> None:
    """Refuses a value of a key that nothing would read.

    Raises:
        InputError: for another than the key's default.
    """
    section, _, name = key.partition(".")
    value, defaults = config[section][name], {"reference.scf": False}
    default = defaults[key] if key in defaults else getattr(LearnedBasisOrbitals, name)
    if value != default:
        raise InputError(
            f"{key} is {shown(value)}, which nothing would read: {reason}, or leave {key} at {shown(default)}."
        )


def beyond_training(molecule: Molecule, trained_on: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences on what a learned basis that is used as it is was not trained for.

    Args:
        molecule: which it is used on.
        trained_on: as the file of the basis has them.
    """
    far, sentences = unlikeness(molecule.symbols, np.asarray(molecule.positions), trained_on), []
    atoms = [f"{molecule.symbols[index]}{index + 1}" for index in np.flatnonzero(far > UNLIKE)]
    if atoms:
        sentences.append(
            f"the learned basis was trained on no surroundings like those of {', '.join(atoms)} (unlike by "
            f"{far.max():.1f}; this warning begins at {UNLIKE:g}): the energy may lie further above the basis limit "
            "than elsewhere; compare a Gaussian basis, or set ansatz.train to true."
        )
    if molecule.charge < 0 and all(each["charge"] >= 0 for each in trained_on):
        sentences.append(
            f"the learned basis was trained on no anion, and has no diffuse functions for the charge "
            f"{molecule.charge}: the energy may lie further above the basis limit than elsewhere; use a Gaussian basis "
            "with diffuse functions, such as aug-cc-pvtz."
        )
    return sentences


def check_named(text: str) -> list[str]:
    """The elements that `ansatz.elements` names.

    Raises:
        InputError: for what is none, or has no layout.
    """
    symbols = elements_of(text)
    for symbol in symbols:
        if not is_element(symbol) or NUMBERS[symbol] > 18 or symbol in ("He", "Ne", "Ar"):
            raise InputError(
                f"ansatz.elements names {shown(symbol)}; expected symbols from H to Cl, without noble gases, with "
                "commas between them, such as 'H,C,N,O'."
            )
    return symbols


def layout_of(symbol: str, size: str) -> Layout:
    """The functions of an element in a set of a size."""
    charge = NUMBERS[symbol]
    double = size == "double"
    if charge <= 2:
        return Layout(symbol, charge, (1,), (0, 1) if double else ())
    atomic = (2, 1) if charge <= 10 else (3, 2)
    return Layout(symbol, charge, atomic, (0, 1, 2) if double else (), 1 if double else 0)


def check_elements(learned: LearnedSet, symbols: tuple[str, ...], name: str) -> None:
    """Refuses a molecule with an element that a set lacks.

    Raises:
        InputError: with those that it has.
    """
    known: Any = [layout.symbol for layout in learned.layouts]
    missing = sorted(set(symbols) - set(known))
    if missing:
        raise InputError(
            f"the learned basis has no functions for {', '.join(missing)} of {name}; it has {', '.join(known)}; use "
            "another ansatz.name such as 'neural_basis'."
        )
