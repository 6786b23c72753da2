r"""The Coulomb operator by fitting any charge on a quadrature too large for a table of potentials.

$\frac12\,d(x)^TJ^{-1}d(y)$ with $d_P(x) = \sum_kw_kV_P(r_k)\,x(r_k)$. The potentials $V_P$ are evaluated at every use.
The derivative at a point is the fitted charge's potential there, found in one more pass.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from nnks.basis.screening import bisect
from nnks.coulomb.base import AtPoints, ChargeAtPoints
from nnks.coulomb.potentials import FittingPotentials, block_size
from nnks.derivatives import define_derivative
from nnks.quadrature import Grid, Quadrature
from nnks.types import Array, Float, Int, Scalar, record


@record
class StreamedCoulomb(AtPoints):
    r"""$\frac12\,b(x)\cdot b(y)$, $b = L^{-1}d$, $J = LL^T$; memory grows as points plus the metric.

    Attributes:
        potentials: of the fitting functions.
        factor: $L$, of the functions that are kept.
        kept: which these are.
        points: of the grid in compact blocks [Bohr], the last filled up.
        rows: of these points in the grid; the number of points where filled up.
    """

    potentials: FittingPotentials
    factor: Float[Array, "kept kept"]
    kept: Int[Array, " kept"]
    points: Float[Array, "blocks block 3"]
    rows: Int[Array, "blocks block"]

    @property
    def holds(self) -> str:
        """Where charges are fitted and what is held for it."""
        metric = 1e-9 * self.factor.nbytes
        return f" on the quadrature, potentials at every use; {metric:.3g} GB for the fitting functions' metric"

    def energy(self, x: ChargeAtPoints, y: ChargeAtPoints) -> Scalar:
        """Half of the interaction [Ha]."""
        b = self.project(x)
        return 0.5 * jnp.dot(b, b if y is x else self.project(y))

    def potential(self, charge: ChargeAtPoints, at: Float[Array, "places 3"] | None = None) -> Float[Array, " places"]:
        """The fitted charge's potential [Ha] at any places, or at the charge's own points."""
        places = self._blocks(charge.quadrature) if at is None else self._cut(at)
        return self._at(self.project(charge), *places, len(charge.quadrature.points if at is None else at))

    def project(self, charge: ChargeAtPoints) -> Float[Array, " kept"]:
        """$b$ of a charge, linear in it: half of the product of two is their energy [Ha]."""
        return self.whiten(self._project(charge))

    def whiten(self, projections: Float[Array, " auxiliary"]) -> Float[Array, " kept"]:
        """$b$ of a charge whose Coulomb integrals [Ha] with the fitting functions are known."""
        return solve_triangular(self.factor, projections[self.kept], lower=True)

    def _project(self, charge: ChargeAtPoints) -> Float[Array, " auxiliary"]:
        points, rows = self._blocks(charge.quadrature)
        return _projection(self.potentials, jnp.append(charge.amounts, 0.0)[rows], points)

    def _at(self, b: Float[Array, " kept"], blocks: Array, rows: Array, size: int) -> Float[Array, " places"]:
        """The fitted potential in blocks of places, brought into their own order."""
        own = solve_triangular(self.factor, b, lower=True, trans=1)
        amounts = jnp.zeros(self.potentials.size, own.dtype).at[self.kept].set(own)
        return jnp.zeros(size + 1, own.dtype).at[rows].set(self.potentials.potential(amounts, blocks))[:-1]

    def _blocks(self, quadrature: Quadrature) -> tuple[Float[Array, "blocks block 3"], Int[Array, "blocks block"]]:
        """The grid's compact blocks, or a batch cut as it comes."""
        return (self.points, self.rows) if quadrature.index is None else self._cut(quadrature.points)

    def _cut(
        self, points: Float[Array, "places 3"]
    ) -> tuple[Float[Array, "blocks block 3"], Int[Array, "blocks block"]]:
        n = len(points)
        block = min(self.points.shape[1], n)
        more = -n % block
        blocks = jnp.pad(points, ((0, more), (0, 0)), mode="edge").reshape(-1, block, 3)
        return blocks, jnp.arange(n + more).reshape(-1, block)


def make_streamed(
    potentials: FittingPotentials,
    factor: Float[np.ndarray, "kept kept"],
    kept: Int[np.ndarray, " kept"],
    grid: Grid,
) -> StreamedCoulomb:
    """The operator on a grid, its points sorted into compact blocks, of which most are far from most atoms.

    Args:
        potentials: of the fitting functions.
        factor: of their metric.
        kept: the functions that it stands for.
        grid: the full grid.
    """
    points = np.asarray(grid.points)
    block, size = min(block_size(), len(points)), len(points)
    leaves = bisect(points, block)
    rows = np.stack([np.pad(own, (0, block - len(own)), constant_values=size) for own in leaves])
    filled = np.stack([np.pad(own, (0, block - len(own)), mode="edge") for own in leaves])
    arrays = jnp.asarray(factor), jnp.asarray(kept), jnp.asarray(points[filled]), jnp.asarray(rows)
    return StreamedCoulomb(potentials, *arrays)


@jax.custom_vjp
def _projection(potentials: FittingPotentials, charges: Array, points: Array) -> Float[Array, " auxiliary"]:
    return potentials.projection(charges, points)


def _forward(potentials: FittingPotentials, charges: Array, points: Array) -> tuple[Array, tuple]:
    return potentials.projection(charges, points), (potentials, points)


def _backward(kept: tuple, slope: Array) -> tuple:
    potentials, points = kept
    return None, potentials.potential(slope, points), None


define_derivative(_projection, _forward, _backward, by="charges", of="the projection of charges on a fitting set")
