"""Correlation of Lee, Yang and Parr."""

from __future__ import annotations

import math

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.spin import total
from nnks.types import Array, Float

__all__ = ["gga_c_lyp"]

_A, _B, _C, _D = 0.04918, 0.132, 0.2533, 0.349
_THOMAS_FERMI = 3 / 10 * (3 * math.pi**2) ** (2 / 3)


@XC.register("gga_c_lyp")
def gga_c_lyp(
    rho: Float[Array, "spin points"], sigma: Float[Array, "pairs points"], tau: Array | None = None
) -> Float[Array, " points"]:
    r"""Lee-Yang-Parr correlation, in the form without second derivatives.

    With the shares $p_s = \rho_s / \rho$, $y_{st} = \sigma_{st} / \rho^{8/3}$, $y = \sum_{st} y_{st}$,
    $u = \rho^{-1/3}$, $w = e^{-cu} / (1 + du)$ and $\delta = cu + du / (1 + du)$,

    $$e_c = -a \rho \left\{ \frac{4 p_\uparrow p_\downarrow}{1 + du} + b w \left[
        p_\uparrow p_\downarrow K - \tfrac23 y
        + (\tfrac23 - p_\uparrow^2)\, y_{\downarrow\downarrow}
        + (\tfrac23 - p_\downarrow^2)\, y_{\uparrow\uparrow} \right] \right\}$$
    $$K = 2^{11/3} C_F \sum_s p_s^{8/3} + \frac{47 - 7\delta}{18}\, y
        - \left( \frac52 - \frac{\delta}{18} \right) \sum_s y_{ss}
        - \frac{\delta - 11}{9} \sum_s p_s y_{ss} .$$

    References:
        Lee, Yang, Parr, Phys. Rev. B 37, 785 (1988);
        Miehlich, Savin, Stoll, Preuss, Chem. Phys. Lett. 157, 200 (1989).
    """
    density = total(rho)
    root = jnp.cbrt(density)
    y = sigma / (density * root)[None] ** 2
    if len(rho) == 1:
        up = down = 0.5
        powers = 2 * 0.5 ** (8 / 3)
        y_up = y_down = y[0] / 4
    else:
        up, down = rho / density[None]
        powers = up ** (8 / 3) + down ** (8 / 3)
        y_up, y_down = y[0], y[2]
    damping = _D / (root + _D)  # d u / (1 + d u)
    delta = _C / root + damping
    w = jnp.exp(-_C / root) * (1 - damping)
    k = 2 ** (11 / 3) * _THOMAS_FERMI * powers + (47 - 7 * delta) / 18 * total(y)
    k -= (5 / 2 - delta / 18) * (y_up + y_down) + (delta - 11) / 9 * (up * y_up + down * y_down)
    bracket = up * down * k - 2 / 3 * total(y) + (2 / 3 - up**2) * y_down + (2 / 3 - down**2) * y_up
    return -_A * density * (4 * up * down * (1 - damping) + _B * w * bracket)
