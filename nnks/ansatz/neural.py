"""Neural orbitals with no Gaussian in them: exponential envelopes times the outputs of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.ansatz.features import check_network
from nnks.ansatz.neural_basis import LearnedFunctions
from nnks.types import Array, Float, PRNGKey

FITTED_POINTS, RIDGE = 400, 1e-6
"""Points an atom at which the start is fitted, and the share of the mean squared function that regularizes it."""


@ANSATZE.register("neural")
class Neural(nn.Module):
    r"""Exponential envelopes times an MLP of nuclear distances and directions, and nothing else.

    $$\phi_i(r) = \sum_{ae} e^{-\zeta_{ae}|r-R_a|}\,\Bigl(c_{ae,i} +
      \sum_m h_m\bigl(\{|r-R_b|, \hat r_b\}_b\bigr)\,C_{aem,i}\Bigr)$$

    $h$ is the last hidden layer. Envelopes give cusps and decay: their exponents start between the valence decay 1 and
    the nuclear charge, whose envelope has the exact cusp of a 1s orbital. The last layer starts as the least-squares
    fit of the guess's orbitals on random points around the nuclei, so that training starts at a sensible occupied
    space; no Gaussian is evaluated after that. Everything is trained together: give it a second-order optimizer.

    Attributes:
        guess: the Gaussian orbitals that the start is fitted to: `scf` (converged), `minao`, or `core`.
        width: hidden units of each layer.
        depth: number of hidden layers.
        activation: `tanh`, `silu`, `gelu`, `softplus` or `sin`.
        envelopes: exponential envelopes on each atom.
    """

    guess: str = "scf"
    width: int = 20
    depth: int = 2
    activation: str = "tanh"
    envelopes: int = 3

    local: ClassVar[tuple[str, ...]] = ("coefficients",)
    """A parameter that belongs to one molecule: of its orbitals."""

    def __post_init__(self) -> None:
        """Refuses settings that no network can have, before anything is compiled."""
        check_network(self.activation, width=self.width, depth=self.depth, envelopes=self.envelopes)
        super().__post_init__()

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        network = LearnedFunctions(self.width, self.depth, self.activation, self.envelopes)
        functions = network(r, start)

        def initial(key: PRNGKey) -> Array:
            # a copy outside this module, which may be mapped over points
            values, free = network.variables["params"], network.clone(parent=None, name=None)
            return fit_start(lambda at: free.apply({"params": values}, at, start), start, key)

        return jnp.einsum("b,sbi->si", functions, self.param("coefficients", initial))


def fit_start(functions: Callable[[Array], Any], start: Start, key: PRNGKey) -> Float[Array, "spin functions orbitals"]:
    r"""Least-squares coefficients of the guess's orbitals in functions of one point.

    Points lie around every nucleus with radial density $\propto e^{-d}$, each counted once for the volume
    $\propto d^2e^{d}$ that it stands for, so that neither the core nor the tail is left out.
    """
    centers, dtype = start.basis.centers, start.frame.dtype
    ray, length = jax.random.split(key)
    direction = jax.random.normal(ray, (len(centers), FITTED_POINTS, 3), dtype)
    distance = jax.random.exponential(length, (len(centers), FITTED_POINTS), dtype)
    unit = direction / jnp.linalg.norm(direction, axis=-1, keepdims=True)
    points = (centers[:, None, :] + distance[..., None] * unit).reshape(-1, 3)
    weight = (distance * jnp.exp(0.5 * distance)).reshape(-1)
    rows = weight[:, None] * jax.vmap(functions)(points)
    target = weight[:, None, None] * jax.vmap(start.orbitals)(points)
    gram = rows.T @ rows
    ridge = RIDGE * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=dtype)
    return jnp.einsum("bc,pc,psi->sbi", jnp.linalg.inv(gram + ridge), rows, target)
