"""Orthonormal orbitals on a quadrature, and the densities that functionals of them need."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.ansatz.base import Ansatz, GaussianAnsatz
from nnks.averaging import averaged, grams, updated
from nnks.basis import BasisOnPoints, BasisTable
from nnks.blocks import BasisBlocks
from nnks.density import Density as Density
from nnks.density import HasDensity as HasDensity
from nnks.density import Local
from nnks.density import TabulatedDensity as TabulatedDensity
from nnks.orthogonalize import Canonical, Orthogonalizer, orthonormalize, orthonormalize_gram
from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Params, Scalar, cast, record, static

GRAMS = ("auto", "analytic", "full", "batch", "ema")
"""Where the Gram matrix of a step comes from; `auto` is analytic in a Gaussian basis and batch otherwise."""

BLOCK = 512
"""Points of an ansatz that are evaluated together (measured: 256 to 1024 are equally fast on a CPU)."""


@record
class Orbitals:
    """Orthonormal orbitals at the points of a quadrature: all that an energy term sees.

    `gradients` is None if no term needs them; `coefficients` is there in a Gaussian basis, where terms may be
    analytic. Occupations are 2 (restricted), 1 or 0.
    """

    quadrature: Quadrature
    values: Float[Array, "spin orbitals points"]
    gradients: Float[Array, "spin orbitals points 3"] | None
    occupations: Float[Array, "spin orbitals"]
    coefficients: Float[Array, "spin basis orbitals"] | None

    def mixed(self, mix: Float[Array, "spin orbitals n"]) -> Orbitals:
        r"""The combinations $\phi M$ of raw orbitals."""
        c, grad = self.coefficients, self.gradients
        return Orbitals(
            self.quadrature,
            jnp.einsum("sjp,sji->sip", self.values, mix),
            None if grad is None else jnp.einsum("sjpd,sji->sipd", grad, mix),
            self.occupations,
            None if c is None else c @ mix,
        )

    def density(self) -> Density:
        r"""$\rho_s=\sum_i n_i|\psi_i|^2$, $\nabla\rho_s=2\sum_i n_i\psi_i\nabla\psi_i$, $\tau_s=\frac12\sum_i n_i|\nabla\psi_i|^2$."""
        n, psi, grad = self.occupations, self.values, self.gradients
        rho = jnp.einsum("si,sip,sip->sp", n, psi, psi)
        if grad is None:
            return Density(rho, None, None)
        gradient = 2 * jnp.einsum("si,sip,sipd->spd", n, psi, grad)
        return Density(rho, gradient, 0.5 * jnp.einsum("si,sipd,sipd->sp", n, grad, grad))

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$, in a Gaussian basis."""
        return density_matrix(self.require_coefficients(), self.occupations)

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of the density at each point."""
        return self.quadrature.integrate(local(self.density()))

    def overlap(self) -> Float[Array, "spin orbitals orbitals"]:
        """The quadrature of products of orbitals."""
        return jnp.einsum("sip,sjp,p->sij", self.values, self.values, self.quadrature.weights)

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """The coefficients, for a term that is analytic in a Gaussian basis.

        Raises:
            ValueError: if the orbitals are not in one; the runner refuses such a combination earlier.
        """
        if self.coefficients is None:
            raise ValueError("an analytic term was given orbitals outside a Gaussian basis; use a quadrature term.")
        return self.coefficients


@runtime_checkable
class InBasis(Protocol):
    """Orbitals in a Gaussian basis: all that a term with integrals in it needs."""

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each."""
        ...

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """Their coefficients."""
        ...

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$."""
        ...


@record
class BlockedOrbitals:
    """Orthonormal orbitals in a Gaussian basis, which are never held on the whole grid: `Orbitals` without values.

    `known` is their density, where terms share it; else each term finds what it needs in a pass over the blocks of its own.
    """

    quadrature: Quadrature
    blocks: BasisBlocks
    occupations: Float[Array, "spin orbitals"]
    coefficients: Float[Array, "spin basis orbitals"]
    known: Density | None = None

    def with_density(self) -> BlockedOrbitals:
        """The same with their density, for terms that need it at other points than their own."""
        return dataclasses.replace(self, known=self.density())

    def mixed(self, mix: Float[Array, "spin orbitals n"]) -> BlockedOrbitals:
        """The combinations of orbitals."""
        return BlockedOrbitals(self.quadrature, self.blocks, self.occupations, self.coefficients @ mix)

    def density(self) -> Density:
        """The density at every point."""
        if self.known is not None:
            return self.known
        return blocks.density(self.blocks, self.coefficients, self.occupations)

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of the density at each point, and its derivative in the same pass."""
        if self.known is not None:
            return self.quadrature.integrate(local(self.known))
        return blocks.integral(self.blocks, local, self.coefficients, self.occupations)

    def overlap(self) -> Float[Array, "spin orbitals orbitals"]:
        """The quadrature of products of orbitals."""
        return blocks.overlap(self.blocks, self.coefficients)

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$."""
        return density_matrix(self.coefficients, self.occupations)

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """The coefficients."""
        return self.coefficients


AnyOrbitals = Orbitals | BlockedOrbitals
"""Whatever an orbital model returns."""


def density_matrix(
    coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
) -> Float[Array, "spin basis basis"]:
    r"""$D_s = \sum_i n_i c_i c_i^T$."""
    return jnp.einsum("sbi,sci->sbc", coefficients * occupations[:, None, :], coefficients)


@record
class OrbitalModel:
    """From parameters and points to orthonormal orbitals: ansatz, mix, and what they need of the system.

    Attributes:
        ansatz: raw orbitals.
        orthogonalizer: the shared layer.
        occupations: electrons in each orbital.
        counts: occupied orbitals of each spin channel.
        table: the Gaussian basis on the full grid, if the ansatz lives in it: in blocks, where the Gram matrix is analytic
            and every step takes the whole grid.
        grid: the full quadrature, for `gram="full"`.
        order: 1 if some term needs gradients, else 0.
        gram: `analytic`, `full`, `batch`, or `ema`.
        decay: of the moving average, for `gram="ema"`.
        evaluation: precision in which an ansatz is evaluated at points, `float32` in mixed precision; None for that of
            everything else. A table has its own.
    """

    ansatz: Ansatz
    orthogonalizer: Orthogonalizer
    occupations: Float[Array, "spin orbitals"]
    table: BasisTable | BasisOnPoints | BasisBlocks | None
    grid: Quadrature | None
    counts: tuple[int, ...] = static()
    order: int = static(default=1)
    gram: str = static(default="batch")
    decay: float = static(default=0.9)
    evaluation: str | None = static(default=None)

    def __call__(self, params: Params, quadrature: Quadrature) -> AnyOrbitals:
        """The orthonormal orbitals on a quadrature (a batch, or the whole grid)."""
        if isinstance(self.ansatz, GaussianAnsatz) and self.table is not None:
            return self._gaussian(self.ansatz, self.table, params, quadrature)
        raw = self._raw(params, quadrature)
        return raw.mixed(self._mix(params, raw.values, quadrature))

    def pair(self, params: Params, x: Quadrature, y: Quadrature) -> tuple[AnyOrbitals, AnyOrbitals, Params | None]:
        """The orbitals on a step's two batches, and the moving average of Gram matrices after it, if there is one.

        Their Gram matrices are pooled: half of what the derivative sees is then independent of the terms that it acts on.
        """
        if self.gram != "ema":
            return self(params, x), self(params, y), None
        raw = self._raw(params, x), self._raw(params, y)
        gx, gy = (grams(r.values, r.quadrature.weights) for r in raw)
        mean = averaged(params, 0.5 * (gx + gy))
        mix = orthonormalize_gram(self.orthogonalizer, mean, self.counts)
        return raw[0].mixed(mix), raw[1].mixed(mix), updated(params, gx, gy, self.decay)

    def _raw(self, params: Params, quadrature: Quadrature) -> Orbitals:
        """The raw orbitals on a quadrature."""
        if isinstance(self.ansatz, GaussianAnsatz) and isinstance(self.table, BasisTable | BasisOnPoints):
            c = self.ansatz.coefficients(params)
            values, gradients = self.table.rows(quadrature.index).contract(c, self.order)
            return Orbitals(quadrature, values, gradients, self.occupations, c)
        values, gradients = raw_orbitals(self.ansatz, params, quadrature.points, self.order, self.evaluation)
        return Orbitals(quadrature, values, gradients, self.occupations, None)

    def _gaussian(
        self,
        ansatz: GaussianAnsatz,
        table: BasisTable | BasisOnPoints | BasisBlocks,
        params: Params,
        quadrature: Quadrature,
    ) -> AnyOrbitals:
        """Coefficients first, then one contraction of the tabulated basis with the occupied orbitals."""
        raw = ansatz.coefficients(params)
        if self.gram == "analytic":
            coordinates = ansatz.coordinates(params)
            ones = jnp.ones(coordinates.shape[1], coordinates.dtype)
            mix = orthonormalize(self.orthogonalizer, jnp.swapaxes(coordinates, 1, 2), ones, self.counts)
            if isinstance(table, BasisBlocks):
                return BlockedOrbitals(quadrature, table, self.occupations, raw @ mix)
            rows = table.rows(quadrature.index)
        else:
            assert not isinstance(table, BasisBlocks), "blocks serve the whole grid with an analytic Gram matrix"
            rows = table.rows(quadrature.index)
            mix = self._mix(params, rows.contract(raw, 0)[0], quadrature)
        c = raw @ mix
        psi, grad = rows.contract(c, self.order)
        return Orbitals(quadrature, psi, grad, self.occupations, c)

    def dropped(self, params: Params, quadrature: Quadrature) -> int:
        """Occupied directions that the orthogonalizer drops as near-dependent; their electrons are missing then."""
        member: Any = self.orthogonalizer
        if not isinstance(member, Canonical):
            return 0
        if self.gram == "analytic" and isinstance(self.ansatz, GaussianAnsatz):
            values = jnp.swapaxes(self.ansatz.coordinates(params), 1, 2)
            weights = jnp.ones(values.shape[-1], values.dtype)
        else:
            values, weights = raw_orbitals(self.ansatz, params, quadrature.points, 0)[0], quadrature.weights
        occupied = [channel[:n] for channel, n in zip(values, self.counts, strict=True) if n]
        return sum(int(member.dropped(channel, weights)) for channel in occupied)

    def _mix(self, params: Params, values: Array, quadrature: Quadrature) -> Array:
        """The mix from values at the batch, or at the full grid if the Gram matrix is to be exact there."""
        weights = quadrature.weights
        if self.gram == "ema" and quadrature.index is not None:
            own = grams(values, weights)
            return orthonormalize_gram(self.orthogonalizer, averaged(params, own), self.counts)
        if self.gram == "full" and self.grid is not None and quadrature.index is not None:
            values = raw_orbitals(self.ansatz, params, self.grid.points, 0, self.evaluation)[0]
            weights = self.grid.weights
        return orthonormalize(self.orthogonalizer, values, weights, self.counts)


def raw_orbitals(
    ansatz: Ansatz, params: Params, points: Float[Array, "points 3"], order: int, precision: str | None = None
) -> tuple[Float[Array, "spin orbitals points"], Float[Array, "spin orbitals points 3"] | None]:
    """Raw orbitals, and their gradients if `order` is 1, at many points: the ansatz sees one at a time.

    Points go through in blocks that fit the cache, and a block is evaluated again when it is differentiated:
    memory stays that of the orbitals, and the gradient of a neural ansatz is three times faster than in one piece.

    With a `precision` the ansatz is evaluated in it, and the results are in that of the points. Parameters are cast within
    a block, so that their derivative is summed over blocks in their own precision.
    """
    inner, outer = jnp.dtype(precision or points.dtype), points.dtype

    def at(r: Array) -> Array:
        return cast(ansatz, inner).evaluate(cast(params, inner), r)

    def value(r: Array) -> Array:
        return at(r.astype(inner)).astype(outer)

    def both(r: Array) -> tuple[Array, Array]:
        columns = [jax.jvp(at, (r.astype(inner),), (axis,)) for axis in jnp.eye(3, dtype=inner)]
        return columns[0][0].astype(outer), jnp.stack([gradient for _, gradient in columns], axis=-1).astype(outer)

    if order == 0:
        return jnp.moveaxis(in_blocks(value, points), 0, -1), None
    values, gradients = in_blocks(both, points)
    return jnp.moveaxis(values, 0, -1), jnp.moveaxis(gradients, 0, -2)


def in_blocks(function: Callable[[Array], Any], points: Float[Array, "points 3"], block: int = BLOCK) -> Any:
    """A function of one point at every point, block by block; rematerialized in reverse mode."""
    if len(points) <= block:
        return jax.vmap(function)(points)
    blocks = -(-len(points) // block)
    # the last block is filled up with its own last point, whose results are cut off
    padded = jnp.pad(points, ((0, blocks * block - len(points)), (0, 0)), mode="edge").reshape(blocks, block, 3)
    out = jax.lax.map(jax.checkpoint(jax.vmap(function)), padded)
    return jax.tree.map(lambda x: x.reshape(blocks * block, *x.shape[2:])[: len(points)], out)
