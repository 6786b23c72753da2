"""Integrals over a Gaussian basis as records of arrays, and the packing of symmetric pairs."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nnks.types import Array, Float, record


@record
class Integrals:
    """One-electron integrals [Ha] (`overlap` has no unit)."""

    overlap: Float[Array, "basis basis"]
    kinetic: Float[Array, "basis basis"]
    external: Float[Array, "basis basis"]


def pack(density: Float[Array, "basis basis"]) -> Float[Array, " pairs"]:
    """The lower triangle of a symmetric matrix with its off-diagonal doubled: contracts like the whole matrix."""
    n = density.shape[-1]
    rows, columns = np.tril_indices(n)
    doubled = jnp.where(rows == columns, 1.0, 2.0).astype(density.dtype)
    return density[rows, columns] * doubled


def unpack(packed: Float[Array, " pairs"], n: int) -> Float[Array, "basis basis"]:
    """The symmetric matrix whose lower triangle is given."""
    rows, columns = np.tril_indices(n)
    matrix = jnp.zeros((n, n), packed.dtype).at[rows, columns].set(packed)
    return matrix + jnp.tril(matrix, -1).T
