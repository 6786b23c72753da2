"""Real solid harmonics of any degree, as polynomials: smooth at the origin, differentiable to any order."""

from __future__ import annotations

import math

import jax.numpy as jnp

from nnks.types import Array, Float


def solid_harmonics(degree: int, r: Float[Array, "*batch 3"]) -> Float[Array, "*batch m"]:
    r"""Real solid harmonics of one degree, normalized on the unit sphere, in PySCF's order.

    $$S_{l,\pm m}(r) = \sqrt{\frac{2l+1}{4\pi}}\,\sqrt{(2-\delta_{m0})\frac{(l-m)!}{(l+m)!}}\;
      Q_l^m(z, r^2)\;\{\mathrm{Re},\mathrm{Im}\}(x+iy)^m$$

    with $Q_m^m=(2m-1)!!$ and $(l-m)\,Q_l^m = (2l-1)\,z\,Q_{l-1}^m - (l+m-1)\,r^2\,Q_{l-2}^m$.

    Args:
        degree: $l \ge 0$.
        r: positions relative to the center [Bohr].

    Returns:
        $2l+1$ values [Bohr^l]: $m=-l\dots l$, except $x, y, z$ for $l=1$.

    References:
        Helgaker, Jørgensen, Olsen, Molecular Electronic-Structure Theory (2000), section 6.4.
    """
    x, y, z = r[..., 0], r[..., 1], r[..., 2]
    r2 = x * x + y * y + z * z
    cosine, sine = jnp.ones_like(x), jnp.zeros_like(x)
    positive, negative = [], []
    for m in range(degree + 1):
        if m:
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
        polynomial = _legendre(degree, m, z, r2)
        scale = math.sqrt((2 * degree + 1) / (4 * math.pi) * math.factorial(degree - m) / math.factorial(degree + m))
        scale *= math.sqrt(2.0) if m else 1.0
        positive.append(scale * polynomial * cosine)
        if m:
            negative.append(scale * polynomial * sine)
    if degree == 1:  # PySCF orders p functions as x, y, z
        return jnp.stack([positive[1], negative[0], positive[0]], axis=-1)
    return jnp.stack(negative[::-1] + positive, axis=-1)


def _legendre(degree: int, m: int, z: Array, r2: Array) -> Array:
    """$Q_l^m(z, r^2)$: the associated Legendre function without its sine, made homogeneous."""
    previous, current = jnp.zeros_like(z), jnp.full_like(z, float(math.prod(range(2 * m - 1, 0, -2))))
    for l in range(m + 1, degree + 1):
        previous, current = current, ((2 * l - 1) * z * current - (l + m - 1) * r2 * previous) / (l - m)
    return current
