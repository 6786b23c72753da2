"""What rounding leaves of components of a gradient that are zero."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.types import Array, Params

ROUNDING = 32
"""Units of the last digit of the energy's terms below which a component of the gradient counts as zero (measured on H2:
0.03)."""


def without_rounding(gradient: Params, energies: dict[str, Array]) -> Params:
    """A float64 gradient whose components below the rounding of the energy's terms are zero, as symmetry makes them.

    Optimizers that divide by a gradient's size enlarge what rounding leaves of a zero: Adam turned 1e-17 into steps of
    1e-3 within three steps, and energies of H2 differed by 1e-7 Ha between programs that sum in another order.
    """
    size = sum(jnp.abs(value) for name, value in energies.items() if name != "total")

    def component(g: Array) -> Array:
        if g.dtype != jnp.float64:
            return g
        return jnp.where(jnp.abs(g) < ROUNDING * jnp.finfo(g.dtype).eps * size, 0.0, g)

    return jax.tree.map(component, gradient)
