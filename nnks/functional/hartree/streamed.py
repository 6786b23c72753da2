r"""Hartree energy by density fitting on a quadrature too large for a table of potentials.

$E_H = \frac12\,d(x)^T J^{-1} d(y)$ with $d_P = N c_P + \sum_k w_k (V_P(r_k) - c_P)\,(\rho - m)(r_k)$ and
$c_P = (P|m)/N_m$: the promolecule $m$ of free atoms has integrals in closed form, and the quadrature errs on the
deformation alone. The charge that it then misses goes where the promolecule's is: the $N$ electrons of orthonormal
orbitals are known, and 2e-5 of them missing an atom are 1 mHa an atom in the potential of all the others (C60/STO-3G,
level 1: 1.1 mHa an atom without, 0.0005 with it). The potentials $V_P$ are evaluated at every use. The derivative at a
point is the fitted density's potential there, but for a constant, found in one more pass.
"""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from nnks.basis.screening import bisect
from nnks.derivatives import define_derivative
from nnks.functional.hartree.potentials import FittingPotentials, block_size
from nnks.functional.hartree.promolecule import Promolecule
from nnks.orbitals import HasDensity
from nnks.quadrature import Grid, Quadrature
from nnks.types import Array, Float, Int, Scalar, record, static


@record
class StreamedFittedHartree:
    r"""$E_H = \frac12\,b(x)\cdot b(y)$, $b = L^{-1}d$, $J = LL^T$; memory grows as points plus the metric.

    Attributes:
        potentials: of the fitting functions.
        factor: $L$, of the functions that are kept.
        kept: which these are.
        model: density $m$ of free atoms at the points [Bohr^-3].
        share: $m V_m$ at the points over its sum with the weights: a batch counts the free atoms as its weighted sum,
            so that every factor is linear in the weights.
        shape: $c_P = (P|m)/N_m$ [Ha], of one electron spread as the free atoms' are.
        points: of the grid in compact blocks [Bohr], the last filled up.
        place: their rows in the grid; the number of points where filled up.
    """

    potentials: FittingPotentials
    factor: Float[Array, "kept kept"]
    kept: Int[Array, " kept"]
    model: Float[Array, " points"]
    share: Float[Array, " points"]
    shape: Float[Array, " auxiliary"]
    points: Float[Array, "blocks block 3"]
    place: Int[Array, "blocks block"]
    name: str = static(default="hartree")
    order: int = static(default=0)

    reads_density: ClassVar[bool] = True

    @property
    def holds(self) -> str:
        """Where the density is fitted and what is held for it."""
        metric = 1e-9 * self.factor.nbytes
        return f" on the quadrature, potentials at every use; {metric:.3g} GB for the fitting functions' metric"

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha]."""
        b = self._project(x)
        return 0.5 * jnp.dot(b, b if y is x else self._project(y))

    def _project(self, x: HasDensity) -> Float[Array, " kept"]:
        q = x.quadrature
        model, share = (z if q.index is None else z[q.index] for z in (self.model, self.share))
        charges = q.weights * (x.density().total - model)
        points, indices = self._blocks(q)
        rest = (q.weights @ share) * x.electrons() - jnp.sum(charges)
        d = _projection(self.potentials, jnp.append(charges, 0.0)[indices], points) + rest * self.shape
        return solve_triangular(self.factor, d[self.kept], lower=True)

    def _blocks(self, quadrature: Quadrature) -> tuple[Float[Array, "blocks block 3"], Int[Array, "blocks block"]]:
        """The grid's compact blocks, or a batch cut as it comes."""
        if quadrature.index is None:
            return self.points, self.place
        n = len(quadrature.points)
        block = min(self.points.shape[1], n)
        more = -n % block
        points = jnp.pad(quadrature.points, ((0, more), (0, 0)), mode="edge").reshape(-1, block, 3)
        return points, jnp.arange(n + more).reshape(-1, block)


def make_streamed(
    potentials: FittingPotentials,
    factor: Float[np.ndarray, "kept kept"],
    kept: Int[np.ndarray, " kept"],
    promolecule: Promolecule,
    offset: Float[np.ndarray, " auxiliary"],
    grid: Grid,
) -> StreamedFittedHartree:
    """The energy on a grid, its points sorted into compact blocks, of which most are far from most atoms.

    Args:
        potentials: of the fitting functions.
        factor: of their metric.
        kept: the functions that it stands for.
        promolecule: the free atoms.
        offset: its Coulomb integrals with the fitting functions [Ha].
        grid: the full grid.
    """
    points = np.asarray(grid.points)
    model = promolecule.density(grid.points)
    share = model * promolecule.potential(grid.points)
    share = share / (grid.weights @ share)
    block, size = min(block_size(), len(points)), len(points)
    leaves = bisect(points, block)
    indices = np.stack([np.pad(rows, (0, block - len(rows)), constant_values=size) for rows in leaves])
    filled = np.stack([np.pad(rows, (0, block - len(rows)), mode="edge") for rows in leaves])
    shape = jnp.asarray(offset) / jnp.sum(promolecule.charges)
    own = potentials, jnp.asarray(factor), jnp.asarray(kept), model, share, shape
    return StreamedFittedHartree(*own, jnp.asarray(points[filled]), jnp.asarray(indices))


@jax.custom_vjp
def _projection(potentials: FittingPotentials, charges: Array, points: Array) -> Float[Array, " auxiliary"]:
    return potentials.projection(charges, points)


def _forward(potentials: FittingPotentials, charges: Array, points: Array) -> tuple[Array, tuple]:
    return potentials.projection(charges, points), (potentials, points)


def _backward(kept: tuple, slope: Array) -> tuple:
    potentials, points = kept
    return None, potentials.potential(slope, points), None


define_derivative(_projection, _forward, _backward, by="charges", of="the projection of charges on a fitting set")
