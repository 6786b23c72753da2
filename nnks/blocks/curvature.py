"""Second derivatives of local functionals along products of orbitals."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.basis.base import Basis
from nnks.blocks.base import BasisBlocks, Block
from nnks.blocks.sums import with_empty_row
from nnks.density import Density, Local
from nnks.types import Array, Float, Int


def curvature(
    table: BasisBlocks,
    local: Local,
    coefficients: Float[Array, "spin basis orbitals"],
    occupations: Float[Array, "spin orbitals"],
    active: Float[Array, "spin basis active"],
    pairs: Int[Array, "variations 3"],
) -> Float[Array, "variations variations"]:
    r"""Second derivatives of $\sum_k w_k f_k$ along products $\delta\rho_s = \psi_p\psi_q$ of active orbitals.

    Args:
        table: of the basis.
        local: $f$.
        coefficients: of the occupied orbitals, which make the density.
        occupations: theirs.
        active: orbitals whose products vary it.
        pairs: spin, first and second active orbital of each variation.
    """
    spins = jnp.eye(len(coefficients), dtype=coefficients.dtype)

    def add(total: Array, basis: Basis, block: Block, padded: Array, n: Array, others: Array, pairs: Array) -> Array:
        spin, first, second = pairs.T
        values, gradients = table.tabulated(basis, block)
        density = table.block_density(basis, block, padded[:, block.functions], n)
        side = others[:, block.functions]
        psi = jnp.einsum("pb,sba->sap", values, side)
        slopes = jnp.einsum("dpb,sba->sapd", gradients, side) if table.order and gradients is not None else None
        slope = jax.grad(lambda d: jnp.dot(block.weights, local(d)))

        def varied(s: Array, p: Array, q: Array) -> Density:
            a, b, channel = psi[s, p], psi[s, q], spins[s]
            rho = channel[:, None] * (a * b)[None]
            if slopes is None:
                return Density(rho, None, None)
            c, d = slopes[s, p], slopes[s, q]
            gradient = a[:, None] * d + b[:, None] * c
            tau = 0.5 * jnp.sum(c * d, axis=-1)
            return Density(rho, channel[:, None, None] * gradient[None], channel[:, None] * tau[None])

        def flat(density: Density) -> Array:
            return jnp.concatenate([x.reshape(-1) for x in jax.tree.leaves(density)])

        def both(s: Array, p: Array, q: Array) -> tuple[Array, Array]:
            variation = varied(s, p, q)
            return flat(variation), flat(jax.jvp(slope, (density,), (variation,))[1])

        x, bent = jax.vmap(both)(spin, first, second)
        return total + x @ bent.T

    shared = with_empty_row(coefficients), occupations, with_empty_row(active), pairs
    total = table.summed(add, jnp.zeros((len(pairs), len(pairs)), coefficients.dtype), *shared)
    return 0.5 * (total + total.T)


def moments(
    table: BasisBlocks,
    functions: Float[Array, "points functions"],
    active: Float[Array, "spin basis active"],
    pairs: Int[Array, "variations 3"],
) -> Float[Array, "variations functions"]:
    r"""$\sum_kw_k\,\psi_p(r_k)\,\psi_q(r_k)\,f_P(r_k)$ of products of active orbitals with functions on the grid.

    Args:
        table: of the basis.
        functions: $f$ at the points of the grid, in their order.
        active: orbitals.
        pairs: spin, first and second active orbital of each product.
    """

    def add(total: Array, basis: Basis, block: Block, others: Array, pairs: Array, functions: Array) -> Array:
        spin, first, second = pairs.T
        values, _ = table.tabulated(basis, block)
        psi = jnp.einsum("pb,sba->sap", values, others[:, block.functions])
        there = functions.at[block.rows].get(mode="fill", fill_value=0.0)  # points that fill a block up have no row
        return total + (psi[spin, first] * psi[spin, second] * block.weights[None]) @ there

    start = jnp.zeros((len(pairs), functions.shape[1]), active.dtype)
    return table.summed(add, start, with_empty_row(active), pairs, functions)
