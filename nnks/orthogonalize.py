r"""The reparameterization layer: raw orbitals become orthonormal ones by one feed-forward map.

Every member takes values $\phi_i$ at points $k$ with weights $w_k$ and returns a mix $M$ with
$M^T G M = 1$, $G_{ij} = \sum_k w_k \phi_i(k)\phi_j(k)$; the orthonormal orbitals are $\psi = \phi M$. For a neural
ansatz $k$ runs over quadrature points; for orbitals in a Gaussian basis over an orthonormal frame of
the basis, with weights one: then this is the scheme of the paper. For fixed span the energy does not depend on the
member; cost, accuracy in float32 and the optimizer's path do.
"""

from __future__ import annotations

import warnings
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from nnks.registry import InputError, Registry
from nnks.types import Array, Float, Int, record, static

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


@ORTHOGONALIZERS.register("qr")
@record
class QR:
    r"""QR decomposition of the weighted values: $\sqrt{w}\,\phi^T = QR$, $M = R^{-1}$.

    Never forms $G$: orthonormality holds to $\epsilon$ whatever the condition of the orbitals. Needs positive
    weights. The paper's choice (Li et al., ICLR 2023).
    """

    positive: bool = static(default=True)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The mix $R^{-1}$, with a positive diagonal so that it is a smooth function of the values."""
        triangle = jnp.linalg.qr((values * jnp.sqrt(weights)[None, :]).T, mode="r")
        sign = jax.lax.stop_gradient(jnp.where(jnp.diagonal(triangle) < 0, -1.0, 1.0)).astype(values.dtype)
        identity = jnp.eye(len(values), dtype=values.dtype)
        return solve_triangular(sign[:, None] * triangle, identity)


@ORTHOGONALIZERS.register("cholesky")
@record
class Cholesky:
    r"""Cholesky factor of the Gram matrix: $G = LL^T$, $M = L^{-T}$; Gram-Schmidt in one step.

    The cheapest member; accuracy about $\epsilon\,\mathrm{cond}(G)$.
    """

    positive: bool = static(default=False)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The mix $L^{-T}$; nan if the Gram matrix is not positive definite."""
        factor = jnp.linalg.cholesky(gram(values, weights))
        return solve_triangular(factor, jnp.eye(len(values), dtype=values.dtype), lower=True).T


@ORTHOGONALIZERS.register("lowdin")
@record
class Lowdin:
    r"""Symmetric (ZCA) orthonormalization: $M = G^{-1/2}$, the orthonormal orbitals nearest to the raw ones.

    P.-O. Löwdin, J. Chem. Phys. 18, 365 (1950).
    """

    positive: bool = static(default=False)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The mix $G^{-1/2}$."""
        root, _ = inverse_square_root(gram(values, weights))
        return root


@ORTHOGONALIZERS.register("canonical")
@record
class Canonical:
    r"""Canonical (PCA) orthonormalization: $G = U\Lambda U^T$, $M = U\Lambda^{-1/2}$.

    The eigenvectors $U$ of a repeated eigenvalue are arbitrary, and so is their derivative. The mix is written as
    $G^{-1/2}U$ with $U$ held fixed when it is differentiated: the derivative of the span, and with it that
    of every energy, is exact, and finite at repeated eigenvalues. Directions with an eigenvalue below
    `threshold` times the largest are dropped (their column is zero).
    """

    threshold: float = static(default=DEPENDENT)
    positive: bool = static(default=False)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        r"""The mix $U\Lambda^{-1/2}$."""
        root, vectors = inverse_square_root(gram(values, weights), self.threshold)
        return root @ vectors

    def dropped(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Int[Array, ""]:
        """How many directions lie below the threshold."""
        eigenvalues = jnp.linalg.eigvalsh(gram(values, weights))
        return jnp.sum(eigenvalues <= self.threshold * eigenvalues[-1])


def inverse_square_root(
    matrix: Float[Array, "n n"], threshold: float = 0.0
) -> tuple[Float[Array, "n n"], Float[Array, "n n"]]:
    r"""$G^{-1/2}$ with first and second derivatives that exist at repeated eigenvalues, and the eigenvectors of $G$.

    The derivative of an eigendecomposition divides by differences of eigenvalues. Here the decomposition
    $G_0 = U\Lambda U^T$ is held constant and gives the value; Newton steps for $XGX = 1$ carry the derivative:
    each solves $\mathrm{d}X\,(G_0^{1/2}) + (G_0^{1/2})\,\mathrm{d}X = 1 - XGX$ in the basis $U$, where the
    divisor is $\sqrt{\lambda_i}+\sqrt{\lambda_j}$. A step changes the value by rounding only, and makes one more
    order of derivative exact.

    Args:
        matrix: symmetric, positive (semi)definite.
        threshold: eigenvalues below this share of the largest are dropped (pseudo-inverse).
    """
    eigenvalues, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(matrix))
    kept = eigenvalues > threshold * eigenvalues[-1]
    root = jnp.sqrt(jnp.where(kept, eigenvalues, 1.0))
    mask = (kept[:, None] & kept[None, :]).astype(matrix.dtype)
    rotated = vectors.T @ matrix @ vectors
    x = jnp.diag(kept / root)
    identity = jnp.diag(kept.astype(matrix.dtype))
    for _ in range(2):
        residual = identity - x @ rotated @ x
        x = x + mask * residual / (root[:, None] + root[None, :])
    return vectors @ x @ vectors.T, vectors


def orthonormalize(
    orthogonalizer: Orthogonalizer,
    values: Float[Array, "spin orbitals points"],
    weights: Float[Array, " points"],
    counts: tuple[int, ...],
) -> Float[Array, "spin orbitals n"]:
    """The mix of every spin channel; only its first `counts[s]` orbitals are occupied and take part.

    Single-precision values are summed and factorized in float64: a norm that is wrong by 1e-6 moves the energy by as much.
    The unoccupied rest of a channel (unequal numbers of up and down electrons share one array) gets a zero
    column: its orbitals are zero.
    """
    n = values.shape[1]
    mixes = []
    for channel, count in zip(values, counts, strict=True):
        mix = jnp.zeros((n, n), values.dtype)
        if count:
            found = orthogonalizer(channel[:count].astype(jnp.float64), weights.astype(jnp.float64))
            mix = mix.at[:count, :count].set(found.astype(values.dtype))
        mixes.append(mix)
    return jnp.stack(mixes)


def orthonormalize_gram(
    orthogonalizer: Orthogonalizer, matrix: Float[Array, "spin n n"], counts: tuple[int, ...]
) -> Float[Array, "spin n n"]:
    r"""The mix of every spin channel from its Gram matrix alone, by any member.

    The rows of the Cholesky factor of $G$ are vectors whose Gram matrix is $G$, with weights one.
    """
    n = matrix.shape[-1]
    rows = [
        jnp.pad(jnp.linalg.cholesky(channel[:count, :count]), (0, n - count))
        for channel, count in zip(matrix, counts, strict=True)
    ]
    return orthonormalize(orthogonalizer, jnp.stack(rows), jnp.ones(n, matrix.dtype), counts)


def check_weights(orthogonalizer: Orthogonalizer, weights: Float[Array, " points"]) -> None:
    """Refuses a quadrature with negative weights for a member that takes their square root."""
    negative = int(np.sum(np.asarray(weights) < 0))
    if orthogonalizer.positive and negative:
        raise InputError(
            f"orthogonalizer.name='qr' needs positive weights and {negative} of the {len(weights)} points have a "
            "negative one; use orthogonalizer.name='cholesky' or 'lowdin', or another quadrature.level."
        )


def frame(overlap: Float[Array, "basis basis"], name: str = "canonical") -> Float[Array, "basis n"]:
    r"""An orthonormal frame of a Gaussian basis, $X^T S X = 1$, by the same members.

    `canonical` drops near-dependent combinations (eigenvalues of $S$ below the threshold) and says so; the
    other members keep every function.
    """
    size = len(overlap)
    if name != "canonical":
        rows = jnp.linalg.cholesky(overlap)  # vectors whose Gram matrix is S
        return ORTHOGONALIZERS[name].make()(rows, jnp.ones(size, overlap.dtype))
    eigenvalues, vectors = np.linalg.eigh(np.asarray(overlap))
    kept = eigenvalues > DEPENDENT * eigenvalues[-1]
    if not kept.all():
        warnings.warn(
            f"dropped {int((~kept).sum())} of {size} near-dependent combinations of basis functions (smallest overlap "
            f"eigenvalue {eigenvalues[0]:.1e}); energies are those of the remaining {int(kept.sum())}.",
            stacklevel=2,
        )
    return jnp.asarray(vectors[:, kept] / np.sqrt(eigenvalues[kept]))
