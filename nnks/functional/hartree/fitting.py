r"""Hartree energy by density fitting: in a Gaussian basis, or on a quadrature for any density.

The density is projected on auxiliary Gaussians in the Coulomb metric, $E_H = \frac12 b^T J^{-1} b$ with
$b_P = \int V_P\,\rho$ and $J_{PQ} = (P|Q)$. The fit's error is positive definite, so the energy is a lower bound:
a flexible ansatz can exploit a poor auxiliary set.

References:
    Whitten, J. Chem. Phys. 58, 4496 (1973); Dunlap, Connolly, Sabin, J. Chem. Phys. 71, 3396 (1979).
"""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from nnks.basis.integrals import FittedCoulomb, pack
from nnks.functional.base import Rotations
from nnks.orbitals import HasDensity, InBasis
from nnks.types import Array, Float, Scalar, record, static


@record
class BasisFittedHartree:
    r"""$E_H = \frac12 |L^{-1}d|^2$, $d_P = \sum_{pq} (P|pq)\,D_{pq}$ over pairs $p \ge q$.

    The factor of the metric is applied to a vector at every use, not once to all integrals: that would cost more than
    it saves.
    """

    fitted: FittedCoulomb
    name: str = static(default="hartree")
    order: int = static(default=0)

    @property
    def holds(self) -> str:
        """Where the density is fitted and what is held for it."""
        return f" in the basis, {1e-9 * _bytes(self.fitted.integrals):.3g} GB of integrals"

    def __call__(self, x: InBasis, y: InBasis) -> Scalar:
        """Energy [Ha] of orbitals in a Gaussian basis."""
        return self.of_matrix(jnp.sum(x.density_matrix(), axis=0))

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """Energy [Ha] of a total density matrix."""
        d = self.fitted.integrals @ pack(density)
        b = solve_triangular(self.fitted.factor, d, lower=True)
        return 0.5 * jnp.dot(b, b)

    def curvature(self, rotations: Rotations) -> Float[Array, "rotations rotations"]:
        """Electrostatic energies [Ha] of the rotations' densities with each other, in one pass over the integrals."""
        d = self.fitted.integrals @ jax.vmap(pack)(rotations.densities()).T
        b = solve_triangular(self.fitted.factor, d, lower=True)
        return b.T @ b


@record
class QuadratureFittedHartree:
    r"""$E_H = \frac12\,b(x)\cdot b(y)$, $b_P = \sum_k w_k\,T_P(r_k)\,\rho(r_k)$, for any density.

    $T = J^{-1/2} V$ tabulates the potentials of the auxiliary functions on the full grid; a batch looks its points
    up, which are rows of the table (columns take ten times as long to gather). Each factor is linear in the
    weights, so two independent batches give an unbiased estimate.
    """

    table: Float[Array, "points auxiliary"]
    name: str = static(default="hartree")
    order: int = static(default=0)

    reads_density: ClassVar[bool] = True

    @property
    def holds(self) -> str:
        """Where the density is fitted and what is held for it."""
        return f" on the quadrature, {1e-9 * _bytes(self.table):.3g} GB of potentials"

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha]."""
        return (0.5 * jnp.dot(self._project(x), self._project(y))).astype(self.table.dtype)

    def _project(self, x: HasDensity) -> Float[Array, " auxiliary"]:
        index = x.quadrature.index
        table = self.table if index is None else self.table[index]
        # summed in float64: near-dependent auxiliary functions leave large entries of either sign
        charge = x.quadrature.weights.astype(jnp.float64) * x.density().total.astype(jnp.float64)
        return charge @ table.astype(jnp.float64)


def _bytes(array: Array | jax.ShapeDtypeStruct) -> int:
    """Of an array, or of one that has a shape and no values."""
    return array.size * array.dtype.itemsize


def fitting_operator(
    metric: Float[np.ndarray, "auxiliary auxiliary"],
    potentials: Float[np.ndarray, "auxiliary points"],
    threshold: float = 1e-10,
) -> Float[Array, "points kept"]:
    r"""$T^T = \Lambda^{-1/2}U^T V$ from $J = U\Lambda U^T$; eigenvalues below `threshold` of the largest are dropped.

    Args:
        metric: Coulomb integrals $(P|Q)$ [Ha] of the auxiliary functions.
        potentials: $V_P(r_k)$ at the points [Ha].
        threshold: relative; large even-tempered sets are nearly dependent.
    """
    scale = 1 / np.sqrt(np.diagonal(metric))
    eigenvalues, vectors = np.linalg.eigh(metric * scale[:, None] * scale[None, :])
    kept = eigenvalues > threshold * eigenvalues[-1]
    root = (vectors[:, kept] * scale[:, None]) / np.sqrt(eigenvalues[kept])
    return jnp.asarray(potentials.T @ root)
