r"""The contract of an orthogonalizer, and the layer that applies one to every spin channel.

A member takes values $\phi_i$ at points $k$ with weights $w_k$ and returns a mix $M$ with
$M^T G M = 1$, $G_{ij} = \sum_k w_k \phi_i(k)\phi_j(k)$; the orthonormal orbitals are $\psi = \phi M$. For a neural
ansatz $k$ runs over quadrature points; for orbitals in a Gaussian basis over an orthonormal frame of
the basis, with weights one: then this is the scheme of the paper. For fixed span the energy does not depend on the
member; cost, accuracy in float32 and the optimizer's path do.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from nnks.registry import InputError, Registry
from nnks.types import Array, Float, record, static

ORTHOGONALIZERS = Registry("orthogonalizer")

DEPENDENT = 1e-8
"""Eigenvalues of a Gram matrix below this share of the largest count as linear dependence."""


@runtime_checkable
class Orthogonalizer(Protocol):
    """Values and weights of one spin channel in, mix out."""

    @property
    def positive(self) -> bool:
        """Whether every weight must be positive."""
        ...

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        r"""The mix M with $M^T G M = 1$."""
        ...


def gram(values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
    r"""The Gram matrix $G_{ij} = \sum_k w_k \phi_i(k)\phi_j(k)$."""
    matrix = jnp.einsum("ip,jp->ij", values * weights[None, :], values, precision="highest")
    return 0.5 * (matrix + matrix.T)


@record
class Unchanged:
    """No orthonormalization: for orbitals that are penalized or projected instead (`nnks.objective.constraint`)."""

    positive: bool = static(default=False)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The identity."""
        return jnp.eye(len(values), dtype=values.dtype)


def orthonormalize(
    orthogonalizer: Orthogonalizer,
    values: Float[Array, "spin orbitals points"],
    weights: Float[Array, " points"],
    nocc: tuple[int, ...],
) -> Float[Array, "spin orbitals n"]:
    """The mix of every spin channel; only its first `nocc[s]` orbitals are occupied and take part.

    Single-precision values are summed and factorized in float64: a norm that is wrong by 1e-6 moves the energy by as
    much. The unoccupied rest of a channel (unequal numbers of up and down electrons share one array) gets a zero
    column: its orbitals are zero.
    """
    n = values.shape[1]
    mixes = []
    for channel, count in zip(values, nocc, strict=True):
        mix = jnp.zeros((n, n), values.dtype)
        if count:
            mixing = orthogonalizer(channel[:count].astype(jnp.float64), weights.astype(jnp.float64))
            mix = mix.at[:count, :count].set(mixing.astype(values.dtype))
        mixes.append(mix)
    return jnp.stack(mixes)


def orthonormalize_gram(
    orthogonalizer: Orthogonalizer, matrix: Float[Array, "spin n n"], nocc: tuple[int, ...]
) -> Float[Array, "spin n n"]:
    r"""The mix of every spin channel from its Gram matrix alone, by any member.

    The rows of the Cholesky factor of $G$ are vectors whose Gram matrix is $G$, with weights one.
    """
    n = matrix.shape[-1]
    rows = [
        jnp.pad(jnp.linalg.cholesky(channel[:count, :count]), (0, n - count))
        for channel, count in zip(matrix, nocc, strict=True)
    ]
    return orthonormalize(orthogonalizer, jnp.stack(rows), jnp.ones(n, matrix.dtype), nocc)


def check_weights(orthogonalizer: Orthogonalizer, weights: Float[Array, " points"]) -> None:
    """Refuses a quadrature with negative weights for a member that takes their square root."""
    negative = int(np.sum(np.asarray(weights) < 0))
    if orthogonalizer.positive and negative:
        raise InputError(
            f"orthogonalizer.name='qr' needs positive weights and {negative} of the {len(weights)} points have a "
            "negative one; use orthogonalizer.name='cholesky' or 'lowdin', or another quadrature.level."
        )
