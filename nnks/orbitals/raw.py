"""Raw orbitals of an ansatz, which sees one point at a time, at many points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from nnks.ansatz.base import Ansatz, BasisAnsatz
from nnks.types import Array, Float, Params, cast

BLOCK = 512
"""Points of an ansatz that are evaluated together (measured: 256 to 1024 are equally fast on a CPU)."""


def raw_orbitals(
    ansatz: Ansatz, params: Params, points: Float[Array, "points 3"], order: int, precision: str | None = None
) -> tuple[Float[Array, "spin orbitals points"], Float[Array, "spin orbitals points 3"] | None]:
    """Raw orbitals, and their gradients if `order` is 1, at many points: the ansatz sees one at a time.

    Points go through in blocks that fit the cache, and a block is evaluated again when it is differentiated:
    memory stays that of the orbitals, and the gradient of a neural ansatz is three times faster than in one piece.

    With a `precision` the ansatz is evaluated in it, and the results are in that of the points. Parameters are cast
    within a block, so that their derivative is summed over blocks in their own precision.
    """
    inner, outer = jnp.dtype(precision or points.dtype), points.dtype

    def at(r: Array) -> Array:
        return cast(ansatz, inner).evaluate(cast(params, inner), r)

    def value(r: Array) -> Array:
        return at(r.astype(inner)).astype(outer)

    def both(r: Array) -> tuple[Array, Array]:
        columns = [jax.jvp(at, (r.astype(inner),), (axis,)) for axis in jnp.eye(3, dtype=inner)]
        return columns[0][0].astype(outer), jnp.stack([gradient for _, gradient in columns], axis=-1).astype(outer)

    if isinstance(ansatz, BasisAnsatz) and ansatz.basis(params) is not None:

        def combined(block: Array) -> Any:
            return cast(_combined(cast(ansatz, inner), cast(params, inner), block.astype(inner), order), outer)

        values, gradients = in_blocks(combined, points)
        return jnp.moveaxis(values, 0, -1), jnp.moveaxis(gradients, 0, -2) if order else None
    if order == 0:
        return jnp.moveaxis(in_blocks(jax.vmap(value), points), 0, -1), None
    values, gradients = in_blocks(jax.vmap(both), points)
    return jnp.moveaxis(values, 0, -1), jnp.moveaxis(gradients, 0, -2)


def _combined(ansatz: BasisAnsatz, params: Params, points: Float[Array, "block 3"], order: int) -> Any:
    """Orbitals of a basis that is known at many points at once, and their gradients if `order` is 1."""
    basis = ansatz.basis(params)
    assert basis is not None
    values, gradients = basis.at(points, order)
    orbitals = jnp.einsum("pb,sbi->psi", values, params["coefficients"])
    return orbitals, None if gradients is None else jnp.einsum("dpb,sbi->psid", gradients, params["coefficients"])


def in_blocks(function: Callable[[Array], Any], points: Float[Array, "points 3"], block: int = BLOCK) -> Any:
    """A function of some points at all of them, block by block; rematerialized in reverse mode."""
    if len(points) <= block:
        return function(points)
    blocks = -(-len(points) // block)
    # the last block is filled up with its own last point, whose results are cut off
    padded = jnp.pad(points, ((0, blocks * block - len(points)), (0, 0)), mode="edge").reshape(blocks, block, 3)
    out = jax.lax.map(jax.checkpoint(function), padded)
    return jax.tree.map(lambda x: x.reshape(blocks * block, *x.shape[2:])[: len(points)], out)
