"""Importance-sampled minibatches: points drawn in proportion to what they are expected to contribute."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.quadrature.base import Batch, Grid
from nnks.quadrature.sampler import SAMPLERS, check_batch_size
from nnks.quadrature.stratified import check_mixture, sorted_points
from nnks.types import Array, Float, Int, PRNGKey, field, record, static

_RESOLUTION = 2**50  # probabilities are integers of this sum: float64 accuracy, and far from overflow in int64


@record
class Importance:
    r"""Point $k$ drawn with probability $q_k$, weight $w_k / (b q_k)$; a point may occur more than once.

    The distribution function is kept in integers: a cast of the sampler to float32 then leaves the
    probabilities as they are, where a rounded distribution function would bias the far points by percents.

    Attributes:
        weights: estimator weight of each sorted point [Bohr³].
        order: the grid's index of each sorted point.
        cumulative: sum of the integer probabilities up to and including each sorted point.
        size: points in a batch.
        systematic: whether draw `j` comes from the `j`-th of `size` equally probable parts.
    """

    weights: Float[Array, " points"] = field()
    order: Int[Array, " points"] = field()
    cumulative: Int[Array, " points"] = field()
    size: int = static()
    systematic: bool = static()
    exact: ClassVar[bool] = False

    def draw(self, key: PRNGKey, step: Int[Array, ""] | int) -> tuple[Batch, Batch]:
        """Two independent batches of `size` points."""
        x, y = jax.random.split(jax.random.fold_in(key, step))
        return self._batch(x), self._batch(y)

    def _batch(self, key: PRNGKey) -> Batch:
        total = self.cumulative[-1]  # divisible by size
        if self.systematic:
            part = total // self.size
            u = part * jnp.arange(self.size) + jax.random.randint(key, (self.size,), 0, part, jnp.int64)
        else:
            u = jax.random.randint(key, (self.size,), 0, total, jnp.int64)
        indices = jnp.searchsorted(self.cumulative, u, side="right")
        return Batch(index=self.order[indices], weights=self.weights[indices])


@SAMPLERS.register("importance")
def make_importance(
    batch_size: int = 1000,
    mixture: float = 0.2,
    systematic: bool = True,
    *,
    grid: Grid,
    reference: Float[Array, " points"] | None,
) -> Importance:
    r"""Points drawn in proportion to weight times reference density, mixed with a part that ignores it.

    $$q_k = (1 - \epsilon) \frac{|w_k| \rho_k}{\sum |w| \rho}
          + \frac{\epsilon}{2} \frac{|w_k|}{\sum |w|} + \frac{\epsilon}{2 N}$$
    The last two parts are the defense against integrands that do not look like the reference: they bound
    the estimator weights by $2 N |w_k| / (\epsilon b)$ and $2 \sum |w| / (\epsilon b)$. Without a reference
    $\rho$ is constant.

    Args:
        batch_size: points in a batch.
        mixture: $\epsilon$ in (0, 1], the part that ignores the reference.
        systematic: draw from equally probable parts of the grid sorted by atom and shell. Sums over one batch
            and over pairs of points from the two batches stay unbiased and vary less; sums over pairs of
            points within one batch (a U-statistic) are unbiased only with independent draws.
        grid: the full grid.
        reference: a density at the grid's points, or None.
    """
    check_batch_size(batch_size, grid, repeats=True)
    check_mixture(mixture)
    order, _ = sorted_points(grid)
    weights = np.asarray(grid.weights)[order]
    cell = np.abs(weights).astype(np.float64)
    density = np.ones(grid.size) if reference is None else np.maximum(np.asarray(reference)[order], 0)
    expected = cell * density
    q = (1 - mixture) * expected / expected.sum() + mixture / 2 * (cell / cell.sum() + 1 / grid.size)

    counts = np.maximum(1, np.round(q * _RESOLUTION).astype(np.int64))
    counts[np.argmax(counts)] += -counts.sum() % batch_size  # less than batch_size of 2^50
    scale = counts.sum() / (batch_size * counts)
    return Importance(
        weights=jnp.asarray((weights * scale).astype(weights.dtype)),
        order=jnp.asarray(order),
        cumulative=jnp.asarray(np.cumsum(counts)),
        size=int(batch_size),
        systematic=bool(systematic),
    )
