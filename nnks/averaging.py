r"""The Gram matrix of raw orbitals as a moving average over the minibatches of earlier steps.

A batch's own Gram matrix $G_b$ normalizes that batch's orbitals: energy and matrix are correlated, and the energy of
$M(G_b)$ is biased by $O(1/b)$. The average

$$\bar G_t = \frac{\sum_{k<t} d^{\,t-1-k}\,\tfrac12(G_{x_k}+G_{y_k})}{\sum_{k<t} d^{\,t-1-k}}$$

holds earlier batches only, so that it does not depend on the step's own ones, and its variance is smaller by
$(1-d)/2(1+d)$. The divisor corrects the first steps; before any, the batch's own matrix counts. Its value is used, and
the derivative is that of the step's two batches together: $G = \bar G + G_b - \mathrm{const}(G_b)$,
$G_b = \frac12(G_x+G_y)$. A derivative scaled by $1-d$ would leave a force along the orbitals' norms, which the energy
does not depend on. The energy's gradient keeps a bias from the correlation of $\partial E/\partial G$ with
$\mathrm dG_b$; with the batch's own matrix it is three times larger, and hardly smaller than without an average
(measured: docs/theory.md, section 3).

The average is kept in the parameters, as solved coefficients are: steps stay pure, checkpoints hold it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.orthogonalize import gram
from nnks.types import Array, Float, Params

AVERAGE = "gram_average"
"""The name in the parameters under which the average is kept: `sum`, and `weight`, the sum of its weights."""


def with_average(params: Params, occupations: Float[Array, "spin orbitals"]) -> Params:
    """Parameters with an empty average for so many orbitals, in the same precision.

    Raises:
        ValueError: for an ansatz whose parameters are no dictionary, or use the name.
    """
    if not isinstance(params, dict) or AVERAGE in params:
        raise ValueError(f"orthogonalizer.gram='ema' needs parameters that are a dictionary without '{AVERAGE}'.")
    (spin, n), dtype = occupations.shape, occupations.dtype
    return {**params, AVERAGE: {"sum": jnp.zeros((spin, n, n), dtype), "weight": jnp.zeros((), dtype)}}


def grams(
    values: Float[Array, "spin orbitals points"], weights: Float[Array, " points"]
) -> Float[Array, "spin orbitals orbitals"]:
    """The Gram matrix of every spin channel."""
    return jax.vmap(gram, (0, None))(values, weights)


def averaged(params: Params, batch: Float[Array, "spin n n"]) -> Float[Array, "spin n n"]:
    """The average's value with the batch's derivative; the batch's own matrix if there is no average yet."""
    kept = jax.lax.stop_gradient(params[AVERAGE])
    there = kept["weight"] > 0
    mean = jnp.where(there, kept["sum"] / jnp.where(there, kept["weight"], 1), jax.lax.stop_gradient(batch))
    return mean + (batch - jax.lax.stop_gradient(batch))


def updated(params: Params, x: Float[Array, "spin n n"], y: Float[Array, "spin n n"], decay: float) -> Params:
    """The average after a step with two batches."""
    kept = params[AVERAGE]
    new = {"sum": decay * kept["sum"] + 0.5 * (x + y), "weight": decay * kept["weight"] + 1}
    return jax.lax.stop_gradient(new)
