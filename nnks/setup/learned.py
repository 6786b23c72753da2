"""Which learned basis a config names: a new one of its elements, or that of a file."""

from __future__ import annotations

from typing import Any

from nnks.basis.learned import Layout, LearnedSet, fresh_set
from nnks.config import ConfigDict
from nnks.geometries.elements import NUMBERS, is_element
from nnks.interop.free_atoms import free_atom
from nnks.registry import InputError, shown


def learned_set(config: ConfigDict) -> LearnedSet:
    """The set that the section `ansatz` names, new ones with the run's seed.

    Raises:
        InputError: for elements that it cannot have.
    """
    a = config.ansatz
    layouts = tuple(layout_of(symbol, a.size) for symbol in element_list(a.elements))
    atoms = {each.symbol: free_atom(each.symbol, config.functional.xc, each.atomic) for each in layouts}
    return fresh_set(layouts, atoms, width=a.width, terms=a.terms, seed=config.training.seed)


def element_list(text: str) -> list[str]:
    """The elements of a set, in their order.

    Raises:
        InputError: for what is none, or has no layout.
    """
    symbols = [part.strip() for part in text.split(",")]
    for symbol in symbols:
        if not is_element(symbol) or NUMBERS[symbol] > 18 or symbol in ("He", "Ne", "Ar"):
            raise InputError(
                f"ansatz.elements names {shown(symbol)}; expected symbols from H to Cl, without noble gases, with "
                "commas between them, such as 'H,C,N,O'."
            )
    return list(dict.fromkeys(symbols))


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
