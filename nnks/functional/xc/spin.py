"""What the functionals share: totals, polarization, spin scaling of exchange, interpolation between spins."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from nnks.types import Array, Float

__all__ = ["Fractions", "spin_fractions", "spin_interpolation", "spin_scaled", "total", "wigner_seitz"]

Fractions = tuple[Array, Array] | None
"""Twice the share of up and down in the density, 1 + zeta and 1 - zeta; None where both are 1."""


def total(x: Float[Array, "channels points"]) -> Float[Array, " points"]:
    """The total density from its channels, or the squared gradient of the total from its pairs."""
    return x[0] if len(x) == 1 else x[0] + x[1] if len(x) == 2 else x[0] + 2 * x[1] + x[2]


def wigner_seitz(density: Float[Array, " points"]) -> Float[Array, " points"]:
    r"""Radius [Bohr] of the sphere that holds one electron, $r_s = (3 / 4\pi\rho)^{1/3}$."""
    return jnp.cbrt(3 / (4 * jnp.pi) / density)


def spin_fractions(rho: Float[Array, "spin points"]) -> Fractions:
    r"""$1 \pm \zeta = 2\rho_s / \rho$, kept above rounding.

    Powers such as $(1 - \zeta)^{2/3}$ have no derivative at full polarization; below the machine epsilon the
    fraction is a constant, whose derivative is zero (libxc has the same threshold). It comes from the
    channel itself, not from $1 - \zeta$, which would lose its digits.
    """
    if len(rho) == 1:
        return None
    share = jnp.maximum(2 * rho / total(rho)[None], jnp.finfo(rho.dtype).eps)
    return share[0], share[1]


def spin_interpolation(share: tuple[Array, Array]) -> tuple[Array, Array]:
    r"""Polarization and the weight of the ferromagnetic gas.

    $$\zeta = \frac{\rho_\uparrow - \rho_\downarrow}{\rho}, \qquad
      f(\zeta) = \frac{(1 + \zeta)^{4/3} + (1 - \zeta)^{4/3} - 2}{2^{4/3} - 2}$$
    """
    up, down = share
    weight = (up * jnp.cbrt(up) + down * jnp.cbrt(down) - 2) / (2 ** (4 / 3) - 2)
    return (up - down) / 2, weight


def spin_scaled(
    unpolarized: Callable[..., Array],
    rho: Float[Array, "spin points"],
    sigma: Float[Array, "pairs points"] | None = None,
) -> Float[Array, " points"]:
    r"""Exchange of any polarization from the formula without.

    $$E_x[\rho_\uparrow, \rho_\downarrow] = \tfrac12 E_x[2\rho_\uparrow] + \tfrac12 E_x[2\rho_\downarrow]$$

    An empty channel contributes nothing, and its derivatives are zero.

    References:
        Oliver, Perdew, Phys. Rev. A 20, 397 (1979).
    """
    n = len(rho)
    density = n * rho
    occupied = density > 0
    density = jnp.where(occupied, density, 1)
    gradient = () if sigma is None else (jnp.where(occupied, n * n * sigma[:: 2 if n == 2 else 1], 0),)
    return jnp.sum(jnp.where(occupied, unpolarized(density, *gradient), 0), axis=0) / n
