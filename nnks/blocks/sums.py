r"""Sums over the blocks of a grid: local functionals of occupied orbitals and their derivatives in one pass.

For $E = \sum_k w_k f(\rho(r_k), \nabla\rho(r_k), \tau(r_k))$ every block of points gives its part of the energy and of
$\partial E/\partial C$ at once, so that no orbital is held on the whole grid. Shells that are negligible on a block are
skipped. Values of the basis are tabulated where they fit the memory that is allowed, and evaluated on the fly where
they do not.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from nnks.basis.base import Basis
from nnks.blocks.base import BasisBlocks, Block
from nnks.density import Density, Local
from nnks.derivatives import define_derivative
from nnks.types import Array, Float, Scalar


def integral(table: BasisBlocks, local: Local, coefficients: Array, occupations: Array) -> Scalar:
    r"""$\sum_k w_k f_k$ of the density of occupied orbitals; its derivative is found in the same pass."""
    return _integral(local, table, coefficients, occupations)


def density(
    table: BasisBlocks, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
) -> Density:
    """The density at every point of the grid, in the grid's order."""
    spins = len(coefficients)

    def at(basis: Basis, block: Block, padded: Array, n: Array) -> Density:
        return table.block_density(basis, block, padded[:, block.functions], n)

    shared = with_empty_row(coefficients), occupations
    parts = [(c.rows.reshape(-1), d) for c, d in zip(table.classes, table.mapped(at, *shared), strict=True)]

    def placed(part: Callable[[Density], Array | None], *rest: int) -> Array:
        out = jnp.zeros((spins, table.size + 1, *rest), coefficients.dtype)
        for indices, density in parts:
            x = part(density)
            assert x is not None
            out = out.at[:, indices].set(jnp.moveaxis(x, 0, 1).reshape(spins, -1, *rest))
        return out[:, :-1]

    if not table.order:
        return Density(placed(lambda d: d.rho), None, None)
    return Density(placed(lambda d: d.rho), placed(lambda d: d.gradient, 3), placed(lambda d: d.tau))


def matrix(table: BasisBlocks, slope: Density) -> Float[Array, "spin basis basis"]:
    """The derivative of an energy with respect to each spin's density matrix, symmetric.

    Args:
        table: of the basis.
        slope: its derivative with respect to the density at every point of the grid (weights are in it).
    """
    n, spins, dtype = table.basis.size, len(slope.rho), slope.rho.dtype
    padded = jax.tree.map(lambda x: jnp.pad(x, ((0, 0), (0, 1)) + ((0, 0),) * (x.ndim - 2)), slope)

    def add(matrix: Array, basis: Basis, block: Block, padded: Density) -> Array:
        values, gradients = table.tabulated(basis, block)
        here = jax.tree.map(lambda x: x[:, block.rows], padded)
        own = jnp.stack([potential_matrix(values, gradients, here, s) for s in range(spins)])
        if table.whole:  # to scatter a matrix costs as much as half the product that it is
            return matrix.at[:, :n, :n].add(own.astype(dtype))
        columns = block.functions
        return matrix.at[:, columns[:, None], columns[None, :]].add(own.astype(dtype))

    return table.summed(add, jnp.zeros((spins, n + 1, n + 1), dtype), padded)[:, :n, :n]


def basis_overlap(table: BasisBlocks, weights: Float[Array, " points"]) -> Float[Array, "basis basis"]:
    """The quadrature of products of basis functions."""
    return matrix(dataclasses.replace(table, order=0), Density(weights[None], None, None))[0]


def overlap(
    table: BasisBlocks, coefficients: Float[Array, "spin basis orbitals"]
) -> Float[Array, "spin orbitals orbitals"]:
    """The quadrature of products of orbitals."""

    def add(total: Array, basis: Basis, block: Block, padded: Array) -> Array:
        values, _ = table.tabulated(basis, block)
        psi = jnp.einsum("pb,sbi->spi", values.astype(total.dtype), padded[:, block.functions])
        return total + jnp.einsum("spi,p,spj->sij", psi, block.weights, psi)

    spins, _, orbitals = coefficients.shape
    start = jnp.zeros((spins, orbitals, orbitals), coefficients.dtype)
    return table.summed(add, start, with_empty_row(coefficients))


def with_empty_row(coefficients: Array) -> Array:
    """Coefficients with a row for the columns that stand for no function."""
    return jnp.pad(coefficients, ((0, 0), (0, 1), (0, 0)))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _integral(local: Local, table: BasisBlocks, coefficients: Array, occupations: Array) -> Scalar:
    return _forward(local, table, coefficients, occupations)[0]


def _forward(local: Local, table: BasisBlocks, coefficients: Array, occupations: Array) -> tuple[Scalar, Array]:
    """The energy, and its derivative with respect to the coefficients: one visit of each block, sums in float64."""

    def add(carry: tuple, basis: Basis, block: Block, padded: Array, n: Array) -> tuple:
        def part(c: Array) -> Scalar:
            values = local(table.block_density(basis, block, c, n))
            return jnp.dot(block.weights.astype(jnp.float64), values.astype(jnp.float64))

        energy, slope = jax.value_and_grad(part)(padded[:, block.functions])
        return carry[0] + energy, carry[1].at[:, block.functions].add(slope)

    padded = with_empty_row(coefficients)
    start = jnp.zeros((), jnp.float64), jnp.zeros(padded.shape, jnp.float64)
    energy, slope = table.summed(add, start, padded, occupations)
    return energy.astype(coefficients.dtype), slope[:, :-1].astype(coefficients.dtype)


def _backward(local: Local, slope: Array, factor: Scalar) -> tuple:
    return None, factor.astype(slope.dtype) * slope, None


define_derivative(_integral, _forward, _backward, by="coefficients", of="a sum over blocks of the basis")


def potential_matrix(
    values: Float[Array, "points basis"], gradients: Float[Array, "3 points basis"] | None, slope: Density, spin: int
) -> Float[Array, "basis basis"]:
    """The derivative with respect to a density matrix, from that with respect to densities (weights included)."""
    half = 0.5 * slope.rho[spin][:, None] * values
    if slope.gradient is not None and gradients is not None:
        half += sum(slope.gradient[spin][:, d, None] * gradients[d] for d in range(3))
    matrix = values.T @ half
    matrix = matrix + matrix.T
    if slope.tau is not None and gradients is not None:
        matrix += 0.5 * sum(g.T @ (slope.tau[spin][:, None] * g) for g in gradients)
    return matrix
