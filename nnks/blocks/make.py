"""From a basis and a grid to blocks."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from nnks.basis.base import Basis
from nnks.basis.screening import BLOCK, Selection, select
from nnks.blocks.base import POINTS, BasisBlocks, Block, points_mesh
from nnks.quadrature import Quadrature
from nnks.types import Array, cast


def make_blocks(
    basis: Basis,
    points: Array,
    weights: Array,
    *,
    order: int,
    memory: float = math.inf,
    block: int = BLOCK,
    devices: int = 1,
) -> BasisBlocks:
    """Blocks of a grid, with the basis tabulated on them if that fits `memory` bytes, else evaluated at every use.

    Args:
        basis: the functions.
        points: of the grid.
        weights: theirs.
        order: 1 for gradients, too.
        memory: bytes that a table may take.
        block: points in a block.
        devices: over which blocks are spread, the first that JAX sees (of all processes).
    """
    rows = np.asarray(points)
    classes = tuple(_block(s.filled(devices), rows, np.asarray(weights)) for s in select(basis, rows, block))
    if devices > 1:
        sharding = jax.sharding.NamedSharding(points_mesh(devices), PartitionSpec(POINTS))
        classes = jax.device_put(classes, sharding)
    blocks = BasisBlocks(basis, classes, len(rows), order, devices=devices)
    return _tabulate(blocks) if blocks.table_bytes <= memory else blocks


def whole_blocks(
    basis: Basis, quadrature: Quadrature, *, order: int, block: int = BLOCK, evaluation: str | None = None
) -> BasisBlocks:
    """All functions tabulated on all blocks, in the order of the points: for a basis that changes within a program.

    Args:
        basis: the functions.
        quadrature: the grid.
        order: 1 for gradients, too.
        block: points in a block.
        evaluation: precision in which the functions are evaluated; they are held in that of the quadrature.
    """
    points, weights, size = quadrature.points, quadrature.weights, len(quadrature.points)
    block = min(block, size)
    count = -(-size // block)
    more = count * block - size
    points = jnp.pad(points, ((0, more), (0, 0)), mode="edge").reshape(count, block, 3)
    weights = jnp.pad(weights, (0, more)).reshape(count, block)
    rows = jnp.minimum(jnp.arange(count * block), size).reshape(count, block)
    every = tuple(jnp.broadcast_to(jnp.arange(n), (count, n)) for n in basis.shell_counts)
    # the order of Gaussians is data, as they are
    whole = isinstance(basis.order, np.ndarray) and np.array_equal(basis.order, np.arange(basis.size))
    functions = jnp.broadcast_to(jnp.argsort(jnp.asarray(basis.order)), (count, basis.size))
    only = Block(points, weights, rows, every, functions, None, None)
    empty = BasisBlocks(basis, (only,), size, order, whole=whole)
    if evaluation is None:
        return _tabulate(empty)
    return cast(_tabulate(cast(empty, evaluation)), weights.dtype)


@jax.jit
def _tabulate(blocks: BasisBlocks) -> BasisBlocks:
    def at(basis: Basis, block: Block) -> tuple[Array, Array | None]:
        return basis.columns(block.points, block.shells, blocks.order)

    tabulated = zip(blocks.classes, blocks.mapped(at), strict=True)
    filled = tuple(dataclasses.replace(c, values=values, gradients=gradients) for c, (values, gradients) in tabulated)
    return dataclasses.replace(blocks, classes=filled)


def _block(selection: Selection, points: np.ndarray, weights: np.ndarray) -> Block:
    last = np.minimum(selection.rows, len(points) - 1)
    own = np.where(selection.rows < len(points), weights[last], 0.0)
    shells, indices, functions = jax.device_put((tuple(selection.shells), selection.rows, selection.functions))
    return Block(jax.device_put(points[last]), jax.device_put(own), indices, shells, functions, None, None)
