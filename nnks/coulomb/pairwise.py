"""The Coulomb operator as a sum over pairs of quadrature points, with the self-cell term that the sum lacks."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from nnks.coulomb.base import AtPoints, ChargeAtPoints
from nnks.types import Array, Float, Scalar, record, static

SELF_CELL = 1.2 * (4 * math.pi / 3) ** (1 / 3)
r"""Mean of $1/|r-r'|$ over a ball of volume V, times $V^{1/3}$: $\frac{6}{5R}$ with $V = \frac43\pi R^3$."""


@record
class PairwiseCoulomb(AtPoints):
    r"""$\frac12\sum_{kl} w_k w_l\,x_k y_l\,g_{kl}$, $g_{kl} = 1/|r_k-r_l|$.

    A point that occurs on both sides counts its own cell: $g_{kk}$ is the mean of $1/|r-r'|$ over a ball of the
    cell's volume. Without it the Hartree energy is tens of mHa too low (28 mHa for helium), and the optimizer exploits
    that. Cost grows as the product of the two numbers of points; `block` rows are held at a time.
    """

    block: int = static(default=256)

    def energy(self, x: ChargeAtPoints, y: ChargeAtPoints) -> Scalar:
        """Half of the interaction [Ha], linear in the weights of each argument."""
        return 0.5 * jnp.dot(x.amounts, self.potential(y, x.quadrature.points))

    def potential(self, charge: ChargeAtPoints, at: Float[Array, "places 3"] | None = None) -> Float[Array, " places"]:
        """The sum over the charge's points [Ha] at places, or at these points themselves."""
        points, amounts = charge.quadrature.points, charge.amounts
        cells = SELF_CELL / jnp.cbrt(jnp.maximum(jnp.abs(charge.quadrature.volumes), 1e-30))
        places = points if at is None else at

        @jax.checkpoint
        def potential(r: Array) -> Array:
            return jnp.dot(_kernel(r, points, cells), amounts)

        return jax.lax.map(potential, places, batch_size=min(self.block, len(places)))


def _kernel(r: Float[Array, 3], points: Float[Array, "points 3"], cells: Float[Array, " points"]) -> Array:
    square = jnp.sum((points - r[None, :]) ** 2, axis=-1)
    same = square == 0
    return jnp.where(same, cells, 1 / jnp.sqrt(jnp.where(same, 1.0, square)))
