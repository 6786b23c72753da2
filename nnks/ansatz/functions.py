"""The functions that an ansatz learns, as a basis."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import BasisAnsatz
from nnks.basis import Basis, Shells
from nnks.types import Array, Float, Int, Params, record, static


@record
class AnsatzFunctions:
    """The functions of an ansatz with its parameters: none is known to end anywhere."""

    ansatz: BasisAnsatz
    params: Params
    size: int = static()

    @property
    def centers(self) -> Float[Array, "atoms 3"]:
        """One, at the origin, for all."""
        return jnp.zeros((1, 3))

    @property
    def order(self) -> Int[np.ndarray, " basis"]:
        """They are evaluated in their order."""
        return np.arange(self.size)

    @property
    def shell_counts(self) -> tuple[int, ...]:
        """One shell."""
        return (1,)

    def shells(self) -> tuple[Shells, ...]:
        """One of all functions."""
        return (Shells(np.zeros(1, int), np.array([np.inf]), np.arange(self.size)[None]),)

    def columns(
        self, points: Float[Array, "points 3"], shells: tuple[Int[Array, " _"], ...], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        """All functions at many points, and their gradients if `order` is 1."""
        return self.at(points, order)

    def at(
        self, points: Float[Array, "points 3"], order: int
    ) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"] | None]:
        """All functions at many points, and their gradients if `order` is 1."""

        def value(r: Array) -> Array:
            return self.ansatz.functions(self.params, r)

        if not order:
            return jax.vmap(value)(points), None

        def both(r: Array) -> tuple[Array, Array]:
            columns = [jax.jvp(value, (r,), (axis,)) for axis in jnp.eye(3, dtype=r.dtype)]
            return columns[0][0], jnp.stack([gradient for _, gradient in columns])

        values, gradients = jax.vmap(both)(points)
        return values, jnp.moveaxis(gradients, 1, 0)


def ansatz_functions(ansatz: BasisAnsatz, params: Params) -> Basis:
    """The basis that an ansatz is with these parameters."""
    if (basis := ansatz.basis(params)) is not None:
        return basis
    point = jax.ShapeDtypeStruct((3,), jax.tree.leaves(params)[0].dtype)
    return AnsatzFunctions(ansatz, params, jax.eval_shape(ansatz.functions, params, point).shape[0])
