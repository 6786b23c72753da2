r"""Repulsion of the nuclei, $E_{nn} = \sum_{a<b} Z_a Z_b/|R_a-R_b|$."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from nnks.functional.terms import TERMS, Discretized
from nnks.orbitals import HasDensity
from nnks.sizes import Sizes, with_more_atoms
from nnks.types import Array, Float, Scalar, record, static


@TERMS.register("nuclear")
class NuclearRepulsion:
    """Repulsion of the nuclei."""

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        return Nuclear(d.positions, d.charges)

    def row_in_pyscf(self, mf: Any) -> float:
        """What PySCF's energy holds of it [Ha]."""
        return float(mf.mol.energy_nuc())


@record
class Nuclear:
    """A constant of the orbitals, differentiable in the positions."""

    positions: Float[Array, "atoms 3"]
    charges: Float[Array, " atoms"]
    name: str = static(default="nuclear")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def padded(self, sizes: Sizes) -> Nuclear:
        """The same with nuclei of no charge."""
        return Nuclear(*with_more_atoms(self.positions, self.charges, sizes.atoms))

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha]."""
        return nuclear_repulsion(self.positions, self.charges)


def nuclear_repulsion(positions: Float[Array, "atoms 3"], charges: Float[Array, " atoms"]) -> Scalar:
    """Electrostatic energy of point charges [Ha]."""
    a, b = np.triu_indices(len(charges), 1)
    distance = jnp.linalg.norm(positions[a] - positions[b], axis=-1)
    return jnp.sum(charges[a] * charges[b] / distance)
