"""Exchange and correlation of Perdew, Burke and Ernzerhof."""

from __future__ import annotations

import math

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.pw92 import PW92_MODIFIED, pw92_energy
from nnks.functional.xc.slater import uniform_exchange
from nnks.functional.xc.spin import spin_fractions, spin_scaled, total, wigner_seitz
from nnks.types import Array, Float

__all__ = ["gga_c_pbe", "gga_x_pbe"]

_KAPPA = 0.8040
_BETA = 0.06672455060314922
_MU = _BETA * math.pi**2 / 3
_GAMMA = (1 - math.log(2)) / math.pi**2


def _exchange(density: Array, sigma: Array) -> Array:
    """PBE exchange [Ha/Bohr^3] of an unpolarized density."""
    root = jnp.cbrt(density)
    s2 = sigma / (4 * (3 * math.pi**2) ** (2 / 3) * (density * root) ** 2)
    enhancement = 1 + _KAPPA * (_MU * s2 / (_KAPPA + _MU * s2))
    return uniform_exchange(density) * enhancement


@XC.register("gga_x_pbe")
def gga_x_pbe(
    rho: Float[Array, "spin points"], sigma: Float[Array, "pairs points"], tau: Array | None = None
) -> Float[Array, " points"]:
    r"""PBE exchange.

    $$e_x = e_x^\text{uniform}(\rho) \left( 1 + \kappa - \frac{\kappa}{1 + \mu s^2 / \kappa} \right), \qquad
      s = \frac{|\nabla\rho|}{2 (3\pi^2)^{1/3} \rho^{4/3}}$$

    References:
        Perdew, Burke, Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996).
    """
    return spin_scaled(_exchange, rho, sigma)


@XC.register("gga_c_pbe")
def gga_c_pbe(
    rho: Float[Array, "spin points"], sigma: Float[Array, "pairs points"], tau: Array | None = None
) -> Float[Array, " points"]:
    r"""PBE correlation.

    $$e_c = \rho\,(\varepsilon_c + H), \qquad
      H = \gamma \phi^3 \ln\left[ 1 + \frac\beta\gamma\, t^2\, \frac{1 + A t^2}{1 + A t^2 + A^2 t^4} \right]$$
    $$A = \frac\beta\gamma \left[ e^{-\varepsilon_c / \gamma\phi^3} - 1 \right]^{-1}, \quad
      \phi = \tfrac12 [(1 + \zeta)^{2/3} + (1 - \zeta)^{2/3}], \quad
      t = \frac{|\nabla\rho|}{2 \phi k_s \rho}, \quad k_s = \sqrt{4 k_F / \pi}$$

    References:
        Perdew, Burke, Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996).
    """
    density, share = total(rho), spin_fractions(rho)
    rs = wigner_seitz(density)
    uniform = pw92_energy(rs, share, PW92_MODIFIED)
    phi2, phi3 = 1.0, 1.0
    if share is not None:
        phi = (jnp.cbrt(share[0]) ** 2 + jnp.cbrt(share[1]) ** 2) / 2
        phi2, phi3 = phi**2, phi**3
    # 4 k_s^2 rho^2 = (16 / pi) (9 pi / 4)^(1/3) rho^2 / r_s
    t2 = total(sigma) / density * (rs / density) / (16 / math.pi * (9 * math.pi / 4) ** (1 / 3) * phi2)
    at2 = _BETA / _GAMMA * t2 / jnp.expm1(-uniform / (_GAMMA * phi3))
    ratio = (1 + at2) / (1 + at2 * (1 + at2))
    return density * (uniform + _GAMMA * phi3 * jnp.log1p(_BETA / _GAMMA * t2 * ratio))
