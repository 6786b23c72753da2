"""Becke's exchange of 1988."""

from __future__ import annotations

import math

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.slater import uniform_exchange
from nnks.functional.xc.spin import spin_scaled
from nnks.types import Array, Float

__all__ = ["gga_x_b88"]

_BETA = 0.0042
_SERIES_BELOW = 0.01  # its first omitted term is 0.14 * 0.01^9, below rounding
_SERIES = [(-1) ** k * math.factorial(2 * k) / (4**k * math.factorial(k) ** 2 * (2 * k + 1)) for k in range(9)]


def _x_asinh_x(x2: Array) -> Array:
    """`x asinh(x)` as a function of `x^2`: smooth at 0, though both of its factors are not."""
    small = x2 < _SERIES_BELOW
    x = jnp.sqrt(jnp.where(small, 1, x2))
    inner = jnp.where(small, x2, 0)
    series = jnp.zeros_like(inner)
    for c in reversed(_SERIES):
        series = series * inner + c
    return jnp.where(small, inner * series, x * jnp.arcsinh(x))


def _exchange(density: Array, sigma: Array) -> Array:
    """B88 exchange [Ha/Bohr^3] of an unpolarized density: two channels of half of it."""
    half = density / 2
    rho43 = half * jnp.cbrt(half)
    x2 = sigma / 4 / rho43**2
    return uniform_exchange(density) - 2 * _BETA * rho43 * (x2 / (1 + 6 * _BETA * _x_asinh_x(x2)))


@XC.register("gga_x_b88")
def gga_x_b88(
    rho: Float[Array, "spin points"], sigma: Float[Array, "pairs points"], tau: Array | None = None
) -> Float[Array, " points"]:
    r"""Becke exchange of 1988, with the right energy density far from a molecule.

    $$e_x = e_x^\text{uniform} - \beta \sum_s \rho_s^{4/3}
        \frac{x_s^2}{1 + 6 \beta x_s \sinh^{-1} x_s}, \qquad x_s = \frac{|\nabla\rho_s|}{\rho_s^{4/3}}$$

    References:
        Becke, Phys. Rev. A 38, 3098 (1988).
    """
    return spin_scaled(_exchange, rho, sigma)
