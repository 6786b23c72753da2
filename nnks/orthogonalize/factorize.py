"""Orthogonalizers that factorize: the weighted values themselves, or their Gram matrix."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from nnks.orthogonalize.base import DEPENDENT, ORTHOGONALIZERS, gram
from nnks.types import Array, Float, Int, record, static


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

    Attributes:
        threshold: eigenvalues below this share of the largest are dropped.
        positive: whether every weight must be positive.
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
