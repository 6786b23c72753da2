"""Functions of a displacement that are differentiable at the origin: real solid harmonics of any degree, and a norm."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

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
        scale = _normalization(degree, m)
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


def spherical_harmonics(degree: int, u: Float[Array, "*batch 3"]) -> Float[Array, "*batch lm"]:
    r"""Real spherical harmonics of all degrees up to one, at unit vectors: `solid_harmonics` of each, put together.

    One recursion over degrees for all $m$ at once: a program of $3l$ operations, not $l^2$, that compiles in seconds
    for the degrees of atomic grids. Within a degree $m=-l\dots l$, also for $l=1$.

    Args:
        degree: the largest $l$.
        u: unit vectors.

    Returns:
        $(l+1)^2$ values.
    """
    x, y, z = u[..., 0, None], u[..., 1, None], u[..., 2, None]
    m = np.arange(degree + 1)
    rows, before = [], jnp.zeros((*u.shape[:-1], degree + 1), u.dtype)
    for l in range(degree + 1):
        diagonal = jnp.where(m == l, float(math.prod(range(2 * l - 1, 0, -2))), 0.0).astype(u.dtype)
        row = jnp.broadcast_to(diagonal, before.shape)
        if l:
            up = jnp.asarray((m < l) / np.maximum(l - m, 1), u.dtype)
            shape = (1,) * (u.ndim - 1) + (-1,)
            step = (2 * l - 1) * z * rows[-1] - jnp.asarray(l + m - 1.0, u.dtype).reshape(shape) * before
            row, before = row + up.reshape(shape) * step, rows[-1]
        rows.append(row)
    cosine, sine = [jnp.ones_like(x)], [jnp.zeros_like(x)]
    for _ in range(degree):
        cosine, sine = [*cosine, x * cosine[-1] - y * sine[-1]], [*sine, x * sine[-1] + y * cosine[-1]]
    angle = jnp.concatenate([*sine[:0:-1], *cosine], axis=-1)  # m = -degree ... degree
    pairs = [(l, k) for l in range(degree + 1) for k in range(-l, l + 1)]
    scale = [_normalization(l, abs(k)) for l, k in pairs]
    l, signed = np.array(pairs).T
    legendre = jnp.stack(rows, axis=-2)[..., l, np.abs(signed)]
    return jnp.asarray(scale, u.dtype).reshape((1,) * (u.ndim - 1) + (-1,)) * legendre * angle[..., signed + degree]


def _normalization(l: int, m: int) -> float:
    ratio = math.factorial(l - m) / math.factorial(l + m)
    return math.sqrt((2 * l + 1) / (4 * math.pi) * ratio * (2 if m else 1))


def safe_norm(x: Float[Array, "*batch 3"]) -> Float[Array, "*batch"]:
    """The Euclidean norm with derivative zero, not nan, at the origin."""
    square = jnp.sum(x * x, axis=-1)
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
