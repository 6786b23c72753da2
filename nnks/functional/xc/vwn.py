"""Correlation of the uniform gas after Vosko, Wilk and Nusair: to quantum Monte Carlo, and to the RPA."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.spin import spin_fractions, spin_interpolation, total, wigner_seitz
from nnks.types import Array, Float

__all__ = ["lda_c_vwn", "lda_c_vwn_rpa"]


class _Fit(NamedTuple):
    """Parameters of one fit: amplitude [Ha] and the three constants of the Pade approximant."""

    amplitude: float
    x0: float
    b: float
    c: float


_PARAMAGNETIC = _Fit(0.0310907, -0.10498, 3.72744, 12.9352)
_FERROMAGNETIC = _Fit(0.01554535, -0.32500, 7.06042, 18.0578)
_STIFFNESS = _Fit(-1 / (6 * math.pi**2), -0.0047584, 1.13107, 13.0045)
_RPA_PARAMAGNETIC = _Fit(0.0310907, -0.409286, 13.0720, 42.7198)
_RPA_FERROMAGNETIC = _Fit(0.01554535, -0.743294, 20.1231, 101.578)
_CURVATURE = 4 / (9 * (2 ** (1 / 3) - 1))  # f''(0) of the spin interpolation


def _pade(fit: _Fit, x: Array) -> Array:
    r"""Equation 4.4 of the paper, with $x = \sqrt{r_s}$, $X(x) = x^2 + bx + c$, $Q = \sqrt{4c - b^2}$."""
    a, x0, b, c = fit
    q = math.sqrt(4 * c - b * b)
    at_x, at_x0 = x * (x + b) + c, x0 * (x0 + b) + c
    angle = jnp.arctan(q / (2 * x + b))
    pole = jnp.log((x - x0) ** 2 / at_x) + 2 * (b + 2 * x0) / q * angle
    return a * (jnp.log(x * x / at_x) + 2 * b / q * angle - b * x0 / at_x0 * pole)


@XC.register("lda_c_vwn")
def lda_c_vwn(
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
    tau: Array | None = None,
) -> Float[Array, " points"]:
    r"""VWN correlation, form V (fitted to quantum Monte Carlo); what 'lda,vwn' means.

    $$e_c = \rho \left[ \varepsilon_P + \frac{\alpha_c}{f''(0)} f(\zeta) (1 - \zeta^4)
        + (\varepsilon_F - \varepsilon_P) f(\zeta)\, \zeta^4 \right]$$

    References:
        Vosko, Wilk, Nusair, Can. J. Phys. 58, 1200 (1980).
    """
    density, share = total(rho), spin_fractions(rho)
    x = jnp.sqrt(wigner_seitz(density))
    paramagnetic = _pade(_PARAMAGNETIC, x)
    if share is None:
        return density * paramagnetic
    zeta, weight = spin_interpolation(share)
    stiffness = _pade(_STIFFNESS, x) / _CURVATURE
    rise = _pade(_FERROMAGNETIC, x) - paramagnetic
    return density * (paramagnetic + weight * (stiffness + zeta**4 * (rise - stiffness)))


@XC.register("lda_c_vwn_rpa")
def lda_c_vwn_rpa(
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
    tau: Array | None = None,
) -> Float[Array, " points"]:
    r"""VWN correlation fitted to the random-phase approximation.

    $$e_c = \rho \left[ \varepsilon_P + (\varepsilon_F - \varepsilon_P) f(\zeta) \right]$$

    References:
        Vosko, Wilk, Nusair, Can. J. Phys. 58, 1200 (1980).
    """
    density, share = total(rho), spin_fractions(rho)
    x = jnp.sqrt(wigner_seitz(density))
    paramagnetic = _pade(_RPA_PARAMAGNETIC, x)
    if share is None:
        return density * paramagnetic
    _, weight = spin_interpolation(share)
    return density * (paramagnetic + weight * (_pade(_RPA_FERROMAGNETIC, x) - paramagnetic))
