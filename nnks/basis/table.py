"""A basis on a grid from which batches of points are taken: tabulated, or evaluated at every use."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.basis.base import Basis
from nnks.types import Array, Float, Int, record, static

BLOCK = 2048
"""Points that are tabulated together."""


@record
class BasisTable:
    """A basis tabulated on a grid. `gradients` is None where only values are needed."""

    values: Float[Array, "points basis"]
    gradients: Float[Array, "3 points basis"] | None

    def rows(self, index: Int[Array, " batch"] | None) -> BasisTable:
        """The rows of a batch; None means the whole grid, without a copy."""
        if index is None:
            return self
        gradients = None if self.gradients is None else self.gradients[:, index]
        return BasisTable(self.values[index], gradients)

    def contract(
        self, coefficients: Float[Array, "spin basis orbitals"], order: int
    ) -> tuple[Float[Array, "spin orbitals points"], Float[Array, "spin orbitals points 3"] | None]:
        """Values of combinations, and gradients if `order` is 1.

        They are computed in the table's precision, and returned in that of the combinations.
        """
        c, outer = coefficients.astype(self.values.dtype), coefficients.dtype
        values = jnp.einsum("pb,sbi->sip", self.values, c).astype(outer)
        if not order or self.gradients is None:
            return values, None
        return values, jnp.einsum("dpb,sbi->sipd", self.gradients, c).astype(outer)


@record
class BasisOnPoints:
    """A basis on a grid whose table would be too large: the rows of a batch are evaluated when they are asked for."""

    basis: Basis
    points: Float[Array, "points 3"]
    order: int = static()

    def rows(self, index: Int[Array, " batch"] | None) -> BasisTable:
        """The rows of a batch, or of the whole grid."""
        return BasisTable(*self.basis.at(self.points if index is None else self.points[index], self.order))


def tabulate(basis: Basis, points: Float[Array, "points 3"], *, order: int = 1) -> BasisTable:
    """Values (`order` 0), or values and gradients (`order` 1), of a basis at many points.

    The points go through in blocks, so that memory beyond the table itself stays small.
    """
    return _tabulate(basis, points, order=order)


@jax.jit(static_argnames="order")
def _tabulate(basis: Basis, points: Array, *, order: int) -> BasisTable:
    count, block = len(points), min(BLOCK, len(points))
    blocks = -(-count // block)
    padded = jnp.pad(points, ((0, blocks * block - count), (0, 0)), mode="edge").reshape(blocks, block, 3)
    values, gradients = jax.lax.map(lambda r: basis.at(r, order), padded)
    values = values.reshape(blocks * block, -1)[:count]
    if gradients is None:
        return BasisTable(values, None)
    return BasisTable(values, jnp.moveaxis(gradients, 1, 0).reshape(3, blocks * block, -1)[:, :count])
