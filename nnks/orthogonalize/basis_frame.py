"""Orthonormal frames of Gaussian bases."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from nnks.orthogonalize.base import DEPENDENT, ORTHOGONALIZERS
from nnks.types import Array, Float


def independent(overlap: Float[np.ndarray, "basis basis"]) -> int:
    r"""How many combinations of a basis `frame` keeps, found without eigenvalues where that is all of them.

    If $S - \tau\|S\|_\infty 1$ has a Cholesky factor, every eigenvalue is above the share $\tau$ of the largest.
    """
    threshold = DEPENDENT * np.abs(overlap).sum(axis=1).max()
    try:
        np.linalg.cholesky(overlap - threshold * np.eye(len(overlap)))
    except np.linalg.LinAlgError:
        eigenvalues = np.linalg.eigvalsh(overlap)
        return int((eigenvalues > DEPENDENT * eigenvalues[-1]).sum())
    return len(overlap)


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
    return jax.device_put(vectors[:, kept] / np.sqrt(eigenvalues[kept]))
