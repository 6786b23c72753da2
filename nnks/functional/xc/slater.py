"""Exchange of the uniform electron gas."""

from __future__ import annotations

import math

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.spin import spin_scaled
from nnks.types import Array, Float

__all__ = ["SLATER", "lda_x", "uniform_exchange"]

SLATER = 3 / 4 * (3 / math.pi) ** (1 / 3)


def uniform_exchange(density: Array) -> Array:
    r"""$e_x = -\frac34 (3/\pi)^{1/3} \rho^{4/3}$ [Ha/Bohr^3] of the unpolarized gas."""
    return -SLATER * density * jnp.cbrt(density)


@XC.register("lda_x")
def lda_x(
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
    tau: Array | None = None,
) -> Float[Array, " points"]:
    r"""Slater exchange, the exact exchange of the uniform gas.

    $$e_x = -\frac38 \left(\frac3\pi\right)^{1/3} \sum_s (2\rho_s)^{4/3}$$

    References:
        Dirac, Math. Proc. Camb. Phil. Soc. 26, 376 (1930).
    """
    return spin_scaled(uniform_exchange, rho)
