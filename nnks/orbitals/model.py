"""From parameters and points to orthonormal orbitals."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.ansatz.base import Ansatz, GaussianAnsatz
from nnks.averaging import averaged, grams, updated
from nnks.basis import BasisOnPoints, BasisTable
from nnks.blocks import BasisBlocks
from nnks.orbitals.base import AnyOrbitals, BlockedOrbitals, Orbitals
from nnks.orbitals.raw import raw_orbitals
from nnks.orthogonalize import Canonical, Orthogonalizer, orthonormalize, orthonormalize_gram
from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Params, record, static

GRAMS = ("auto", "analytic", "full", "batch", "ema")
"""Where the Gram matrix of a step comes from; `auto` is analytic in a Gaussian basis and batch otherwise."""


@record
class OrbitalModel:
    """From parameters and points to orthonormal orbitals: ansatz, mix, and what they need of the system.

    Attributes:
        ansatz: raw orbitals.
        orthogonalizer: the shared layer.
        occupations: electrons in each orbital.
        nocc: occupied orbitals of each spin channel.
        table: the Gaussian basis on the full grid, if the ansatz lives in it: in blocks, where the Gram matrix is
            analytic and every step takes the whole grid.
        grid: the full quadrature, for `gram="full"`.
        order: 1 if some term needs gradients, else 0.
        gram: `analytic`, `full`, `batch`, or `ema`.
        decay: of the moving average, for `gram="ema"`.
        evaluation: precision in which an ansatz is evaluated at points, `float32` in mixed precision; None for that of
            everything else. A table has its own.
        filled: whether all `nocc` orbitals have electrons; if not, those of no occupation are zero, and stay so.
    """

    ansatz: Ansatz
    orthogonalizer: Orthogonalizer
    occupations: Float[Array, "spin orbitals"]
    table: BasisTable | BasisOnPoints | BasisBlocks | None
    grid: Quadrature | None
    nocc: tuple[int, ...] = static()
    order: int = static(default=1)
    gram: str = static(default="batch")
    decay: float = static(default=0.9)
    evaluation: str | None = static(default=None)
    filled: bool = static(default=True)

    def __call__(self, params: Params, quadrature: Quadrature) -> AnyOrbitals:
        """The orthonormal orbitals on a quadrature (a batch, or the whole grid)."""
        if isinstance(self.ansatz, GaussianAnsatz) and self.table is not None:
            return self._gaussian(self.ansatz, self.table, params, quadrature)
        raw = self._raw(params, quadrature)
        return raw.mixed(self._mix(params, raw.values, quadrature))

    def pair(self, params: Params, x: Quadrature, y: Quadrature) -> tuple[AnyOrbitals, AnyOrbitals, Params | None]:
        """The orbitals on a step's two batches, and the moving average of Gram matrices after it, if there is one.

        Their Gram matrices are pooled: half of what the derivative sees is then independent of the terms that it acts
        on.
        """
        if self.gram != "ema":
            return self(params, x), self(params, y), None
        raw = self._raw(params, x), self._raw(params, y)
        gx, gy = (grams(r.values, r.quadrature.weights) for r in raw)
        mean = averaged(params, 0.5 * (gx + gy))
        mix = orthonormalize_gram(self.orthogonalizer, mean, self.nocc)
        return raw[0].mixed(mix), raw[1].mixed(mix), updated(params, gx, gy, self.decay)

    def from_table(
        self, table: BasisBlocks, coefficients: Float[Array, "spin basis orbitals"], quadrature: Quadrature
    ) -> Orbitals:
        """The orthonormal orbitals from functions that are tabulated on all blocks, with derivatives by the table."""
        (block,), size = table.classes, len(quadrature.weights)
        assert block.values is not None
        assert block.gradients is not None

        def flat(x: Array) -> Array:
            return x.reshape(*x.shape[:2], -1, *x.shape[4:])[:, :, :size]

        values = flat(jnp.einsum("kpb,sbi->sikp", block.values, coefficients))
        gradients = flat(jnp.einsum("kdpb,sbi->sikpd", block.gradients, coefficients))
        raw = Orbitals(quadrature, values, gradients, self.occupations, None)
        return raw.mixed(self._mix({}, values, quadrature))

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
            mix = orthonormalize(self.orthogonalizer, jnp.swapaxes(coordinates, 1, 2), ones, self.nocc)
            if isinstance(table, BasisBlocks):
                return BlockedOrbitals(quadrature, table, self.occupations, raw @ mix)
            rows = table.rows(quadrature.index)
        elif isinstance(table, BasisBlocks):
            mix = orthonormalize_gram(self.orthogonalizer, blocks.overlap(table, raw), self.nocc)
            return BlockedOrbitals(quadrature, table, self.occupations, raw @ mix)
        else:
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
        occupied = [channel[:n] for channel, n in zip(values, self.nocc, strict=True) if n]
        return sum(int(member.dropped(channel, weights)) for channel in occupied)

    def _mix(self, params: Params, values: Array, quadrature: Quadrature) -> Array:
        """The mix from values at the batch, or at the full grid if the Gram matrix is to be exact there."""
        weights = quadrature.weights
        if self.gram == "ema" and quadrature.index is not None:
            own = grams(values, weights)
            return orthonormalize_gram(self.orthogonalizer, averaged(params, own), self.nocc)
        if self.gram == "full" and self.grid is not None and quadrature.index is not None:
            values = raw_orbitals(self.ansatz, params, self.grid.points, 0, self.evaluation)[0]
            weights = self.grid.weights
        if not self.filled:
            return orthonormalize_gram(self.orthogonalizer, self._completed(grams(values, weights)), self.nocc)
        return orthonormalize(self.orthogonalizer, values, weights, self.nocc)

    def _completed(self, gram: Float[Array, "spin n n"]) -> Float[Array, "spin n n"]:
        """The Gram matrix with that of unit vectors for empty orbitals."""
        return gram + jax.vmap(jnp.diag)((self.occupations == 0).astype(gram.dtype))
