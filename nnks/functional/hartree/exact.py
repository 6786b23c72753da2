"""Hartree energy from four-center integrals: exact in a Gaussian basis."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.basis.integrals import pack
from nnks.functional.base import Rotations
from nnks.orbitals import InBasis
from nnks.types import Array, Float, Scalar, record, static


@record
class ExactHartree:
    r"""$E_H = \frac12\sum_{pqrs} D_{pq}\,(pq|rs)\,D_{rs}$ over pairs $p\ge q$, $r\ge s$."""

    integrals: Float[Array, "pairs pairs"]
    name: str = static(default="hartree")
    order: int = static(default=0)

    def __call__(self, x: InBasis, y: InBasis) -> Scalar:
        """Energy [Ha] of orbitals in a Gaussian basis."""
        return self.of_matrix(jnp.sum(x.density_matrix(), axis=0))

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """Energy [Ha] of a total density matrix."""
        d = pack(density)
        return 0.5 * jnp.dot(d, self.integrals @ d)

    def curvature(self, rotations: Rotations) -> Float[Array, "rotations rotations"]:
        """Electrostatic energies [Ha] of the rotations' densities with each other, in one pass over the integrals."""
        d = jax.vmap(pack)(rotations.densities())
        return d @ (self.integrals @ d.T)
