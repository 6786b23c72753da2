"""Correlation of the uniform gas after Perdew and Wang."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from nnks.functional.xc.base import XC
from nnks.functional.xc.spin import Fractions, spin_fractions, spin_interpolation, total, wigner_seitz
from nnks.types import Array, Float

__all__ = ["PW92", "PW92_MODIFIED", "lda_c_pw", "lda_c_pw_mod", "pw92_energy"]


class _Fit(NamedTuple):
    """Parameters of one G of Table I: amplitude [Ha], alpha_1 and the four betas."""

    a: float
    alpha: float
    beta: tuple[float, float, float, float]


class _Parameters(NamedTuple):
    """Three fits (paramagnetic, ferromagnetic, minus the spin stiffness) and f''(0)."""

    paramagnetic: _Fit
    ferromagnetic: _Fit
    stiffness: _Fit
    curvature: float


def _parameters(a: tuple[float, float, float], curvature: float) -> _Parameters:
    return _Parameters(
        _Fit(a[0], 0.21370, (7.5957, 3.5876, 1.6382, 0.49294)),
        _Fit(a[1], 0.20548, (14.1189, 6.1977, 3.3662, 0.62517)),
        _Fit(a[2], 0.11125, (10.357, 3.6231, 0.88026, 0.49671)),
        curvature,
    )


PW92 = _parameters((0.031091, 0.015545, 0.016887), 1.709921)
"""As printed in the paper."""
PW92_MODIFIED = _parameters((0.0310907, 0.01554535, 0.0168869), 4 / (9 * (2 ** (1 / 3) - 1)))
"""With more digits of the exact constants, as in the authors' PBE program."""


def _g(fit: _Fit, rs: Array, root: Array) -> Array:
    r"""$G = -2a(1 + \alpha r_s) \ln\bigl(1 + 1 / [2a\,(\beta_1 r_s^{1/2} + \dots + \beta_4 r_s^2)]\bigr)$."""
    b1, b2, b3, b4 = fit.beta
    series = root * (b1 + root * (b2 + root * (b3 + root * b4)))
    return -2 * fit.a * (1 + fit.alpha * rs) * jnp.log1p(1 / (2 * fit.a * series))


def pw92_energy(rs: Array, share: Fractions, p: _Parameters) -> Array:
    r"""Correlation energy per electron [Ha].

    $$\varepsilon_c = \varepsilon_P + \frac{\alpha_c}{f''(0)} f(\zeta)(1 - \zeta^4)
        + (\varepsilon_F - \varepsilon_P) f(\zeta)\,\zeta^4, \qquad \alpha_c = -G_\text{stiffness}$$
    """
    root = jnp.sqrt(rs)
    paramagnetic = _g(p.paramagnetic, rs, root)
    if share is None:
        return paramagnetic
    zeta, weight = spin_interpolation(share)
    stiffness = -_g(p.stiffness, rs, root) / p.curvature
    rise = _g(p.ferromagnetic, rs, root) - paramagnetic
    return paramagnetic + weight * (stiffness + zeta**4 * (rise - stiffness))


@XC.register("lda_c_pw")
def lda_c_pw(
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
    tau: Array | None = None,
) -> Float[Array, " points"]:
    r"""Perdew-Wang correlation with the printed parameters; what 'lda,pw' means.

    $$e_c = \rho\,\varepsilon_c(r_s, \zeta)$$

    References:
        Perdew, Wang, Phys. Rev. B 45, 13244 (1992).
    """
    density = total(rho)
    return density * pw92_energy(wigner_seitz(density), spin_fractions(rho), PW92)


@XC.register("lda_c_pw_mod")
def lda_c_pw_mod(
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
    tau: Array | None = None,
) -> Float[Array, " points"]:
    r"""Perdew-Wang correlation with more digits, the one inside PBE.

    $$e_c = \rho\,\varepsilon_c(r_s, \zeta)$$

    References:
        Perdew, Wang, Phys. Rev. B 45, 13244 (1992).
    """
    density = total(rho)
    return density * pw92_energy(wigner_seitz(density), spin_fractions(rho), PW92_MODIFIED)
