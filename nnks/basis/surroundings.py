r"""How unlike the surroundings of an atom are to those that a learned basis was trained on.

An atom $a$ is described by sums over all others of each element $e$, $\sum_{b\in e} e^{-\alpha_j(R_{ab} - 2)}$: a
neighbor at 2 Bohr counts as one, another element as something else. How unlike an atom is to those of the training is
the Euclidean distance to the nearest of them of its element. With a neighbor at 2 Bohr that is of another element than
any in the training it is $\sqrt6$: $\sqrt3$ of a neighbor too much, as much of one too few. A bond that is longer or
shorter by 0.1 Bohr counts 0.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnks.types import Float

DECAYS = (0.5, 1.0, 2.0)
r"""$\alpha_j$ [1/Bohr]."""

NEIGHBOR = 2.0
"""The distance at which a neighbor counts as one [Bohr]."""


def surroundings(
    symbols: Sequence[str], positions: Float[np.ndarray, "atoms 3"], elements: Sequence[str]
) -> Float[np.ndarray, "atoms numbers"]:
    """The numbers that describe each atom of a molecule."""
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    others = 1 - np.eye(len(positions))
    columns = []
    for element in elements:
        of_element = others * np.array([symbol == element for symbol in symbols])
        columns += [(of_element * np.exp(-decay * (distance - NEIGHBOR))).sum(axis=1) for decay in DECAYS]
    return np.stack(columns, axis=1)


def unlikeness(
    symbols: Sequence[str], positions: Float[np.ndarray, "atoms 3"], trained_on: Sequence[Mapping[str, Any]]
) -> Float[np.ndarray, " atoms"]:
    """How unlike each atom is to all of its element that a set was trained on; infinite where there was none.

    Args:
        symbols: of the molecule.
        positions: of the molecule [Bohr].
        trained_on: molecules with `symbols` and `positions`, as the file of a set has them.
    """
    elements = sorted({symbol for molecule in trained_on for symbol in molecule["symbols"]} | set(symbols))
    known: dict[str, list[np.ndarray]] = {element: [] for element in elements}
    for molecule in trained_on:
        described = surroundings(molecule["symbols"], np.asarray(molecule["positions"], float), elements)
        for symbol, numbers in zip(molecule["symbols"], described, strict=True):
            known[symbol].append(numbers)
    own = surroundings(symbols, positions, elements)
    return np.array(
        [
            np.linalg.norm(np.array(known[symbol]) - numbers[None], axis=1).min() if known[symbol] else np.inf
            for symbol, numbers in zip(symbols, own, strict=True)
        ]
    )
