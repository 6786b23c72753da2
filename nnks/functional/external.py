r"""Attraction by the nuclei, $E_\mathrm{ext} = \int\rho\,v_\mathrm{ext}$, $v_\mathrm{ext}(r) = -\sum_a Z_a/|r-R_a|$."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from nnks.functional.kinetic import trace
from nnks.functional.terms import TERMS, Discretized
from nnks.orbitals import HasDensity, InBasis
from nnks.sizes import Sizes, with_more_atoms
from nnks.types import Array, Float, Scalar, record, static


@TERMS.register("external")
class NuclearAttraction:
    """Attraction of the electrons by the nuclei."""

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        return AnalyticExternal(d.integrals().external) if d.analytic else QuadratureExternal(d.positions, d.charges)

    def in_pyscf(self, mole: Any) -> tuple[np.ndarray, float]:
        """The operator in PySCF's basis [Ha]; its Hamiltonian has it already."""
        return mole.intor_symmetric("int1e_nuc"), 0.0


@record
class AnalyticExternal:
    r"""$E_\mathrm{ext} = \sum_s\mathrm{tr}(D_s v)$ with nuclear attraction integrals $v_{pq}$."""

    integrals: Float[Array, "basis basis"]
    name: str = static(default="external")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def __call__(self, x: InBasis, y: InBasis) -> Scalar:
        """Energy [Ha] of orbitals in a Gaussian basis."""
        return trace(self.integrals, x)

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """Energy [Ha] of a total density matrix."""
        return jnp.sum(self.integrals * density)


@record
class QuadratureExternal:
    r"""$E_\mathrm{ext} = \sum_k w_k\,\rho(r_k)\,v_\mathrm{ext}(r_k)$."""

    positions: Float[Array, "atoms 3"]
    charges: Float[Array, " atoms"]
    name: str = static(default="external")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def padded(self, sizes: Sizes) -> QuadratureExternal:
        """The same with nuclei of no charge."""
        return QuadratureExternal(*with_more_atoms(self.positions, self.charges, sizes.atoms))

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha], linear in the weights."""
        potential = external_potential(x.quadrature.points, self.positions, self.charges)
        return x.quadrature.integrate(x.density().total * potential)


def external_potential(
    points: Float[Array, "points 3"], positions: Float[Array, "atoms 3"], charges: Float[Array, " atoms"]
) -> Float[Array, " points"]:
    """The nuclei's potential [Ha]; points never coincide with a nucleus on an atom-centered grid."""
    distance = jnp.linalg.norm(points[:, None, :] - positions[None, :, :], axis=-1)
    return -jnp.sum(charges[None, :] / distance, axis=1)
