"""A Gaussian basis augmented by basis functions of a neural network, and orbitals as their combinations."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.ansatz.features import ACTIVATIONS, check_network, initial_log_zeta, nuclear_features
from nnks.registry import InputError, suggest
from nnks.types import Array, Float

LINEAR = ("auto", "solved", "trained")


class LearnedFunctions(nn.Module):
    r"""$e^{-\zeta_{ae}|r-R_a|}\,(1, h_1, \dots, h_w)$ with $h$ the last hidden layer of an MLP of nuclear features.

    Biases start normally distributed: activations with different thresholds make the functions independent from
    the first step, trained or not.
    """

    width: int
    depth: int
    activation: str
    envelopes: int

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, " functions"]:
        """All functions at one point."""
        dtype = start.frame.dtype
        h, distance = nuclear_features(r, start.basis.centers)
        for _ in range(self.depth):
            layer = nn.Dense(self.width, param_dtype=dtype, dtype=dtype, bias_init=nn.initializers.normal(0.5))
            h = ACTIVATIONS[self.activation](layer(h))
        log_zeta = self.param("log_zeta", lambda _: initial_log_zeta(start.charges, self.envelopes))
        envelope = jnp.exp(-jnp.exp(log_zeta) * distance[:, None])
        return (envelope[:, :, None] * jnp.concatenate([jnp.ones(1, h.dtype), h])[None, None, :]).reshape(-1)


@ANSATZE.register("neural_basis")
class NeuralBasis(nn.Module):
    r"""A Gaussian basis augmented by learned functions, with linear coefficients solved for or trained.

    $$\phi_i(r) = \sum_\mu \chi_\mu(r) C_{\mu i} + \sum_{aem} e^{-\zeta_{ae}|r-R_a|}\,h_m(r)\,C_{aem,i}$$

    with $h_0=1$ and $h_m$ the hidden units of an MLP of nuclear distances and directions. With
    `linear="solved"` every evaluation of the energy first solves the Kohn-Sham equations in the current basis, so
    that only the network is left to be optimized (variable projection: Golub, Pereyra, SIAM J. Numer.
    Anal. 10, 413 (1973)). A basis of random functions then already comes within 0.2 mHa of the basis limit
    for light atoms and their small molecules, and a few steps go on from there.

    Attributes:
        guess: where the Gaussian orbitals come from: `scf` (converged), `minao`, or `core`.
        width: hidden units of each layer; the basis grows by atoms x envelopes x (width + 1) functions.
        depth: number of hidden layers.
        activation: `tanh`, `silu`, `gelu`, `softplus` or `sin`.
        envelopes: exponential envelopes on each atom.
        linear: `solved` (eliminated exactly; full grid only), `trained` (jointly with the network), or `auto`:
            solved on the full grid, trained on minibatches.
    """

    guess: str = "scf"
    width: int = 40
    depth: int = 1
    activation: str = "tanh"
    envelopes: int = 3
    linear: str = "auto"

    def __post_init__(self) -> None:
        """Refuses settings that no network can have, before anything is compiled."""
        check_network(self.activation, width=self.width, depth=self.depth, envelopes=self.envelopes)
        if self.linear not in LINEAR:
            raise InputError(f"ansatz.linear is '{self.linear}'; {suggest(self.linear, LINEAR)}.")
        super().__post_init__()

    def setup(self) -> None:
        """The network; the coefficients are declared where they are used."""
        self.learned = LearnedFunctions(self.width, self.depth, self.activation, self.envelopes)

    def functions(self, r: Float[Array, 3], start: Start) -> Float[Array, " functions"]:
        """Gaussians, then learned functions, at one point."""
        return jnp.concatenate([start.basis(r), self.learned(r, start)])

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point; they start at the Gaussian ones."""
        functions = self.functions(r, start)
        gaussian = start.coefficients
        rest = len(functions) - gaussian.shape[1]

        def initial(_: Array) -> Array:
            return jnp.pad(gaussian, ((0, 0), (0, rest), (0, 0)))

        return jnp.einsum("b,sbi->si", functions, self.param("coefficients", initial))
