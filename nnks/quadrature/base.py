"""What a sum over points is: a quadrature, the full grid that it comes from, and the batch between them.

Integrals are linear in the weights, so a batch whose weights are scaled by its sampling probabilities
estimates them without bias. Grids can hold negative weights (Becke partitions with Lebedev orders that
have them); nothing here takes a square root of a weight.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from nnks.types import Array, Float, Int, field, record


@record
class Quadrature:
    r"""Points and weights of an integral estimate, $\int f \approx \sum_k w_k f(r_k)$.

    Attributes:
        points: where the integrand is evaluated [Bohr].
        weights: what each point counts in an estimate [Bohr³].
        volumes: the full grid's weight of each point [Bohr³], its cell in space; equal to `weights` on a
            full grid, and unscaled in a batch.
        index: each point's place in the full grid, by which tables over the grid are looked up; None stands
            for the whole grid in its own order.
    """

    points: Float[Array, "points 3"] = field()
    weights: Float[Array, " points"] = field()
    volumes: Float[Array, " points"] = field()
    index: Int[Array, " points"] | None = field(default=None)

    def integrate(self, values: Float[Array, "*batch points"]) -> Float[Array, "*batch"]:
        """The weighted sum over the last axis, in the unit of `values` times Bohr³; summed in float64."""
        total = jnp.einsum("...p,p->...", values.astype(jnp.float64), self.weights.astype(jnp.float64))
        return total.astype(values.dtype)


@record
class Batch:
    """Points of a grid by index, possibly repeated, with their estimator weights [Bohr³]."""

    index: Int[Array, " batch"] = field()
    weights: Float[Array, " batch"] = field()


@record
class Grid:
    """A full atom-centered quadrature grid.

    Attributes:
        points: positions [Bohr].
        weights: quadrature weights [Bohr³], some of them possibly negative.
        atom: the atom whose partition a point belongs to.
        shell: the radial shell of a point within its atom, counted from 0 at the nucleus outward.
        cells: each point's weight in its atom's own grid, before space was divided among the atoms [Bohr³].
    """

    points: Float[Array, "points 3"] = field()
    weights: Float[Array, " points"] = field()
    atom: Int[Array, " points"] = field()
    shell: Int[Array, " points"] = field()
    cells: Float[Array, " points"] | None = field(default=None)

    @property
    def size(self) -> int:
        """Number of points."""
        return self.weights.shape[0]

    def padded(self, points: int) -> Grid:
        """The same with the last point repeated without a weight, until there are so many."""
        more = points - self.size

        def repeated(x: Array) -> np.ndarray:
            return np.pad(np.asarray(x), ((0, more),) + ((0, 0),) * (x.ndim - 1), mode="edge")

        def nothing(x: Array) -> np.ndarray:
            return np.pad(np.asarray(x), (0, more))

        cells = None if self.cells is None else nothing(self.cells)
        arrays = repeated(self.points), nothing(self.weights), repeated(self.atom), repeated(self.shell), cells
        return Grid(*jax.device_put(arrays))

    def quadrature(self) -> Quadrature:
        """All points with their own weights."""
        return Quadrature(points=self.points, weights=self.weights, volumes=self.weights)

    def take(self, batch: Batch) -> Quadrature:
        """The points of a batch, with the batch's weights and the grid's volumes."""
        return Quadrature(
            points=self.points[batch.index],
            weights=batch.weights,
            volumes=self.weights[batch.index],
            index=batch.index,
        )
