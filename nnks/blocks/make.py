"""From a basis and a grid to blocks."""

from __future__ import annotations

import dataclasses
import math

import jax
import numpy as np
from jax.sharding import PartitionSpec

from nnks.basis.gaussian import GaussianBasis
from nnks.basis.screening import BLOCK, Selection, select
from nnks.blocks.base import POINTS, BasisBlocks, Block, points_mesh
from nnks.types import Array


def make_blocks(
    basis: GaussianBasis,
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


@jax.jit
def _tabulate(blocks: BasisBlocks) -> BasisBlocks:
    def at(basis: GaussianBasis, block: Block) -> tuple[Array, Array | None]:
        return basis.columns(block.points, block.shells, blocks.order)

    tabulated = zip(blocks.classes, blocks.mapped(at), strict=True)
    filled = tuple(dataclasses.replace(c, values=values, gradients=gradients) for c, (values, gradients) in tabulated)
    return dataclasses.replace(blocks, classes=filled)


def _block(selection: Selection, points: np.ndarray, weights: np.ndarray) -> Block:
    last = np.minimum(selection.place, len(points) - 1)
    own = np.where(selection.place < len(points), weights[last], 0.0)
    shells, indices, functions = jax.device_put((tuple(selection.shells), selection.place, selection.functions))
    return Block(jax.device_put(points[last]), jax.device_put(own), indices, shells, functions, None, None)
