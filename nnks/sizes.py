"""Sizes that arrays of several systems are padded to, so that these share compiled programs."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from nnks.types import Array, Float


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How many of everything there is room for.

    Attributes:
        points: of the grid.
        atoms: in all.
        auxiliary: fitting functions.
        orbitals: of each spin.
        kinds: atoms of each kind of element that a learned basis distinguishes.
    """

    points: int
    atoms: int
    auxiliary: int
    orbitals: int
    kinds: tuple[int, ...]


def far_away(count: int) -> Float[np.ndarray, "count 3"]:
    """Where atoms lie that stand for none [Bohr]: beyond all that a molecule's functions reach, and apart."""
    return 1e3 + 10.0 * np.arange(count)[:, None] * np.ones((1, 3))


def with_more_atoms(
    positions: Float[Array, "atoms 3"], charges: Float[Array, " atoms"], atoms: int
) -> tuple[Float[Array, "more 3"], Float[Array, " more"]]:
    """Nuclei, and others of no charge far away."""
    more = atoms - len(charges)
    filled = np.concatenate([np.asarray(positions), far_away(more)]), np.pad(np.asarray(charges), (0, more))
    return jax.device_put(filled)
