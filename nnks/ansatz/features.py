"""What networks are told of a point: distances and directions to the nuclei; envelopes that decay from them."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from nnks.basis.harmonics import safe_norm as safe_norm
from nnks.registry import InputError, suggest
from nnks.types import Array, Float

ACTIVATIONS = {"tanh": nn.tanh, "silu": nn.silu, "gelu": nn.gelu, "softplus": nn.softplus, "sin": jnp.sin}


def nuclear_features(
    r: Float[Array, 3], centers: Float[Array, "atoms 3"], charges: Float[Array, " atoms"] | None = None
) -> tuple[Float[Array, " features"], Float[Array, " atoms"]]:
    r"""Distances $|r-R_a|$ and smooth directions $(r-R_a)/\sqrt{1+|r-R_a|^2}$ as one vector, and the distances.

    The distances have a kink at their nucleus, from which orbitals get their cusps. With charges there are also the
    cusp features $e^{-Z_a|r-R_a|}$, which resolve the core: a distance alone hardly changes within it.
    """
    displacement = r[None, :] - centers
    distance = safe_norm(displacement)
    direction = displacement / jnp.sqrt(1 + distance[:, None] ** 2)
    cusps = [] if charges is None else [jnp.exp(-charges * distance)]
    return jnp.concatenate([distance, direction.reshape(-1), *cusps]), distance


def initial_log_zeta(charges: Float[Array, " atoms"], envelopes: int) -> Float[Array, "atoms envelopes"]:
    """Logarithms of envelope exponents, geometric from the valence decay 1 to the nuclear charge (at least 2)."""
    top = jnp.log(jnp.maximum(charges, 2.0))
    return top[:, None] * jnp.linspace(0.0, 1.0, envelopes, dtype=top.dtype)[None, :]


def check_network(activation: str, **sizes: int) -> None:
    """Refuses settings that no network can have, before anything is compiled.

    Raises:
        InputError: for an unknown activation, or a size below 1.
    """
    if activation not in ACTIVATIONS:
        raise InputError(f"ansatz.activation is '{activation}'; {suggest(activation, ACTIVATIONS)}.")
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"ansatz.{name} is {size}; it must be at least 1.")
