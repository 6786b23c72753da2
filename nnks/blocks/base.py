"""A basis on a grid, block by block, spread over devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from nnks.basis.base import Basis
from nnks.density import Density
from nnks.types import Array, Float, Int, cast, record, static

POINTS = "points"
"""Name of the axis of devices that points are spread over."""


@record
class Block:
    """One block, or a class of blocks with a leading axis over them.

    Attributes:
        points: of the block [Bohr]; repeated where it is filled up.
        weights: of the quadrature [Bohr^3]; 0 where it is filled up.
        rows: of the points in the grid; the number of points where it is filled up.
        shells: of each group, those that matter here.
        functions: the basis function of each column; the number of functions for a column that stands for none.
        values: of the columns at the points, if tabulated.
        gradients: the same, if functionals need them.
    """

    points: Float[Array, "*blocks block 3"]
    weights: Float[Array, "*blocks block"]
    rows: Int[Array, "*blocks block"]
    shells: tuple[Int[Array, "*blocks _"], ...]
    functions: Int[Array, "*blocks columns"]
    values: Float[Array, "*blocks block columns"] | None
    gradients: Float[Array, "*blocks 3 block columns"] | None


@record
class BasisBlocks:
    """A basis on a grid.

    Attributes:
        basis: the functions.
        classes: blocks of equal shapes.
        size: points of the grid.
        order: 1 if gradients are needed, else 0.
        evaluation: precision in which the basis is evaluated and contracted; None for that of everything else.
        devices: over which blocks are spread.
        whole: whether every block has all functions, in order: a matrix of the basis is then added to as it is.
    """

    basis: Basis
    classes: tuple[Block, ...]
    size: int = static()
    order: int = static()
    evaluation: str | None = static(default=None)
    devices: int = static(default=1)
    whole: bool = static(default=False)

    def in_precision(self, dtype: str) -> BasisBlocks:
        """The same with contractions of the basis in another precision; sums over points and blocks keep theirs."""
        cut = [
            dataclasses.replace(c, **cast({"values": c.values, "gradients": c.gradients}, dtype)) for c in self.classes
        ]
        return dataclasses.replace(self, classes=tuple(cut), evaluation=dtype)

    @property
    def columns(self) -> int:
        """Functions that a point has on average, without those that are negligible there."""
        return sum(c.functions.size for c in self.classes) // max(sum(len(c.functions) for c in self.classes), 1)

    @property
    def table_bytes(self) -> int:
        """What the basis takes on all blocks if it is tabulated in double precision."""
        return 8 * (1 + 3 * self.order) * sum(c.rows.size * c.functions.shape[-1] for c in self.classes)

    @property
    def held(self) -> bool:
        """Whether it is."""
        return self.classes[0].values is not None

    def summed(self, add: Callable[..., Any], start: Any, *shared: Any) -> Any:
        """What all blocks add to zeros, one block after the other on each device; `shared` is the same for all."""

        def over(classes: tuple[Block, ...], basis: Basis, start: Any, *shared: Any) -> Any:
            for blocks in classes:
                start, _ = jax.lax.scan(lambda t, block: (add(t, basis, block, *shared), None), start, blocks)
            return start

        if self.devices == 1:
            return over(self.classes, self.basis, start, *shared)

        def part(*arguments: Any) -> Any:
            return jax.lax.psum(over(*arguments), POINTS)

        return self._on_devices(part, PartitionSpec())(self.classes, self.basis, start, *shared)

    def mapped(self, at: Callable[..., Any], *shared: Any) -> tuple[Any, ...]:
        """A function of every block, class by class; rematerialized when it is differentiated."""

        def over(classes: tuple[Block, ...], basis: Basis, *shared: Any) -> tuple[Any, ...]:
            one = jax.checkpoint(lambda block: at(basis, block, *shared))
            return tuple(jax.lax.map(one, blocks) for blocks in classes)

        if self.devices == 1:
            return over(self.classes, self.basis, *shared)
        return self._on_devices(over, PartitionSpec(POINTS))(self.classes, self.basis, *shared)

    def _on_devices(self, function: Callable[..., Any], out: PartitionSpec) -> Callable[..., Any]:
        """A function whose first argument is spread over the devices, as its results are, or which has equal ones."""

        def run(classes: tuple[Block, ...], *rest: Any) -> Any:
            specs = (PartitionSpec(POINTS), *(PartitionSpec() for _ in rest))
            mesh = points_mesh(self.devices)
            return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)(classes, *rest)

        return run

    def tabulated(self, basis: Basis, block: Block) -> tuple[Array, Array | None]:
        """Values of a block's columns at its points, and gradients: looked up, or evaluated now."""
        if block.values is not None:
            return block.values, block.gradients
        points = block.points
        if self.evaluation is not None:
            basis, points = cast((basis, points), self.evaluation)
        return basis.columns(points, block.shells, self.order)

    def block_density(
        self, basis: Basis, block: Block, c: Float[Array, "spin columns orbitals"], occupations: Array
    ) -> Density:
        """The density of orbitals, given by the coefficients of a block's columns, at its points."""
        values, gradients = self.tabulated(basis, block)
        inner, outer = values.dtype, c.dtype
        spins, _, orbitals = c.shape
        side = jnp.moveaxis(c.astype(inner), 0, 1).reshape(-1, spins * orbitals)
        n = occupations.astype(outer)[None]

        def contract(x: Array) -> Array:
            return (x @ side).reshape(-1, spins, orbitals).astype(outer)

        psi = contract(values)
        rho = jnp.sum(n * psi * psi, axis=-1).T
        if not self.order or gradients is None:
            return Density(rho, None, None)
        slopes = [contract(gradients[d]) for d in range(3)]
        gradient = jnp.stack([2 * jnp.sum(n * psi * g, axis=-1).T for g in slopes], axis=-1)
        return Density(rho, gradient, 0.5 * sum(jnp.sum(n * g * g, axis=-1).T for g in slopes))  # pyright: ignore


def points_mesh(devices: int) -> jax.sharding.Mesh:
    """The devices that points are spread over, in a row."""
    return jax.sharding.Mesh(np.asarray(jax.devices()[:devices]), (POINTS,))
