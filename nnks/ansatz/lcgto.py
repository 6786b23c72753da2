"""Orbitals as linear combinations of Gaussian-type orbitals."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.types import Array, Float


@ANSATZE.register("lcgto")
class LCGTO(nn.Module):
    r"""Linear combination of Gaussian-type orbitals: $\phi_i(r) = \sum_\mu \chi_\mu(r)\,(X W)_{\mu i}$.

    $X$ is an orthonormal frame of the basis. From a guess, $W = (1; s K)$: the guess's own orbitals
    are the frame, the parameters $K$ rotate them, and $s$ makes the Hessian close to one, so that L-BFGS
    with unit steps converges in about eight gradients. From `guess="random"`, $W = K$ with
    $K \sim N(0, 1/n)$, the paper's start.

    Attributes:
        guess: `minao` (PySCF's atomic guess), `core` (orbitals of the bare nuclei), or `random`.
        preconditioned: whether the rotations are scaled by $s$.
    """

    guess: str = "minao"
    preconditioned: bool = True

    def setup(self) -> None:
        """Nothing: the only parameter is declared where it is used."""

    @nn.compact
    def coordinates(self, start: Start) -> Float[Array, "spin n orbitals"]:
        """The matrix W in the frame of the start."""
        shape, dtype = start.coordinates.shape, start.frame.dtype
        if self.guess == "random":
            normal = nn.initializers.normal(
                shape[1] ** -0.5
            )  # drawn in float64: one start of a seed in every precision
            return self.param("rotation", lambda key: normal(key, shape, jnp.float64).astype(dtype))
        rotation = self.param("rotation", nn.initializers.zeros, shape, dtype)
        scale = start.scale if self.preconditioned else (start.scale > 0).astype(dtype)
        return start.coordinates + jax.lax.stop_gradient(scale) * rotation

    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        return jnp.einsum("b,sbn,sni->si", start.basis(r), start.frame, self.coordinates(start))
