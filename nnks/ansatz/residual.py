"""Gaussian orbitals plus a neural residual under exponential envelopes."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.ansatz.features import ACTIVATIONS, check_network, initial_log_zeta, nuclear_features
from nnks.types import Array, Float


@ANSATZE.register("residual")
class Residual(nn.Module):
    r"""Gaussian orbitals plus exponential envelopes times an MLP of nuclear distances and directions.

    $$\phi_i(r) = \sum_\mu \chi_\mu(r) C_{\mu i}
       + \sum_a \sum_e e^{-\zeta_{ae} |r-R_a|}\, f_{aei}\bigl(\{|r-R_b|, \hat r_b, e^{-Z_b|r-R_b|}\}_b\bigr)$$

    $f$ sees all atoms of the molecule, and has outputs for each envelope on each atom, each spin channel and orbital.

    The last layer of $f$ starts at zero, so training starts exactly at the Gaussian orbitals. The distances
    give the orbitals a cusp at every nucleus; directions are smooth, $(r-R_b)/\sqrt{1+|r-R_b|^2}$. Envelope
    exponents $\zeta$ start between the valence decay 1 and the nuclear charge $Z_a$, and are trained as
    $\log\zeta$.

    Attributes:
        guess: where the Gaussian orbitals come from: `scf` (converged), `minao`, or `core`.
        width: hidden units of each layer.
        depth: number of hidden layers.
        activation: `tanh`, `silu`, `gelu`, `softplus` or `sin`.
        envelopes: exponential envelopes on each atom.
        cusps: whether the network is told $e^{-Z_a|r-R_a|}$, too (neon ends 5 mHa higher after 30 steps with it: off).
        train_gaussian: whether the coefficients of the Gaussian part are trained, too.
    """

    guess: str = "scf"
    width: int = 20
    depth: int = 2
    activation: str = "tanh"
    envelopes: int = 2
    cusps: bool = False
    train_gaussian: bool = True

    local: ClassVar[tuple[str, ...]] = ("rotation", "log_zeta")
    """Parameters that belong to one molecule: of its orbitals, and of its atoms."""

    shapes_by_orbitals: ClassVar[bool] = True
    """Whether a shared array has an axis of orbitals, of which molecules that share it must have equally many."""

    def __post_init__(self) -> None:
        """Refuses settings that no network can have, before anything is compiled."""
        check_network(self.activation, width=self.width, depth=self.depth, envelopes=self.envelopes)
        super().__post_init__()

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        spin, _, orbitals = start.coordinates.shape
        dtype = start.frame.dtype
        h, distance = nuclear_features(r, start.basis.centers, start.charges if self.cusps else None)
        for _ in range(self.depth):
            h = ACTIVATIONS[self.activation](nn.Dense(self.width, param_dtype=dtype, dtype=dtype)(h))
        shape = (len(distance), self.envelopes, spin, orbitals)
        f = nn.Dense(
            shape[0] * shape[1] * spin * orbitals,
            param_dtype=dtype,
            dtype=dtype,
            kernel_init=nn.initializers.zeros,
        )(h).reshape(shape)
        log_zeta = self.param("log_zeta", lambda _: initial_log_zeta(start.charges, self.envelopes))
        envelope = jnp.exp(-jnp.exp(log_zeta) * distance[:, None])
        return self._gaussian(r, start) + jnp.einsum("ae,aesi->si", envelope, f)

    def _gaussian(self, r: Array, start: Start) -> Array:
        if not self.train_gaussian:
            return start.orbitals(r)
        shape, dtype = start.coordinates.shape, start.frame.dtype
        rotation = self.param("rotation", nn.initializers.zeros, shape, dtype)
        return jnp.einsum("b,sbn,sni->si", start.basis(r), start.frame, start.coordinates + start.scale * rotation)
