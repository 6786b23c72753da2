r"""The Coulomb operator by fitting any charge on a quadrature, with a table of the fitting functions' potentials.

$b_P = \int T_P\,x$ with $T = J^{-1/2}V$ is linear in the weights of the points. The fit's error is positive definite:
the energy of a charge with itself is a lower bound, and a flexible ansatz can exploit a poor auxiliary set.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.coulomb.base import AtPoints, ChargeAtPoints, Unavailable, held_bytes
from nnks.quadrature import Quadrature
from nnks.sizes import Sizes
from nnks.types import Array, Float, Scalar, record


@record
class TabulatedCoulomb(AtPoints):
    r"""$\frac12\,b(x)\cdot b(y)$, $b_P(x) = \sum_kw_k\,T_P(r_k)\,x(r_k)$.

    $T = J^{-1/2} V$ tabulates the potentials of the auxiliary functions on the full grid; a batch looks its points
    up, which are rows of the table (columns take ten times as long to gather). Each factor is linear in the
    weights, so two independent batches give an unbiased estimate.
    """

    table: Float[Array, "points auxiliary"]

    @property
    def holds(self) -> str:
        """Where charges are fitted and what is held for it."""
        return f" on the quadrature, {1e-9 * held_bytes(self.table):.3g} GB of potentials"

    @property
    def fitting_functions(self) -> int:
        """Without those that depend on others."""
        return self.table.shape[1]

    @property
    def whitened(self) -> Any:
        """$T$ [points auxiliary]: two charges interact by the product of their sums with it. A plan has its shape."""
        return self.table

    def padded(self, sizes: Sizes) -> TabulatedCoulomb:
        """The same on more points, with fitting functions that have no potential."""
        points, functions = self.table.shape
        more = (0, sizes.points - points), (0, sizes.auxiliary - functions)
        return TabulatedCoulomb(jax.device_put(np.pad(np.asarray(self.table), more)))

    def energy(self, x: ChargeAtPoints, y: ChargeAtPoints) -> Scalar:
        """Half of the interaction [Ha]."""
        b = self._project(x)
        return (0.5 * jnp.dot(b, b if y is x else self._project(y))).astype(self.table.dtype)

    def potential(self, charge: ChargeAtPoints, at: Any = None) -> Float[Array, " points"]:
        """The fitted charge's potential [Ha] at its own points.

        Raises:
            Unavailable: for other places.
        """
        if at is not None:
            raise Unavailable(
                "TabulatedCoulomb holds potentials at the points of its grid alone; leave `at` out, or use "
                "StreamedCoulomb or PoissonCoulomb."
            )
        return (self._rows(charge.quadrature) @ self._project(charge)).astype(self.table.dtype)

    def _project(self, charge: ChargeAtPoints) -> Float[Array, " auxiliary"]:
        # summed in float64: near-dependent auxiliary functions leave large entries of either sign
        amounts = charge.quadrature.weights.astype(jnp.float64) * charge.density.astype(jnp.float64)
        return amounts @ self._rows(charge.quadrature)

    def _rows(self, quadrature: Quadrature) -> Float[Array, "points auxiliary"]:
        table = self.table if quadrature.index is None else self.table[quadrature.index]
        return table.astype(jnp.float64)


def make_tabulated(
    metric: Float[np.ndarray, "auxiliary auxiliary"],
    potentials: Float[np.ndarray, "auxiliary points"],
    threshold: float = 1e-10,
) -> TabulatedCoulomb:
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
    return TabulatedCoulomb(jnp.asarray(potentials.T @ root))
