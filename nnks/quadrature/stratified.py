"""Stratified minibatches: every atom and every range of radii gets its share of each batch."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.quadrature.base import Batch, Grid
from nnks.quadrature.sampler import SAMPLERS, check_batch_size
from nnks.registry import InputError
from nnks.types import Array, Float, Int, PRNGKey, field, record

_MIN_DRAWS = 2  # average number of draws in a stratum, so that the allocation can follow the density


@record
class Stratified:
    r"""One draw from each cell of a partition of the sorted grid, weight $w_k N_h / b_h$.

    The points are sorted by atom and shell, and cut into strata of neighboring shells. The $b_h$ draws of a
    stratum of $N_h$ points are spread over it: draw $j$ takes point $\lfloor (j + u_j) N_h / b_h \rfloor$ of
    it with $u_j$ uniform, so that each point is expected $b_h / N_h$ times (exactly: it is done in integers).

    Attributes:
        weights: estimator weight $w_k N_h / b_h$ of each sorted point [Bohr³].
        order: the grid's index of each sorted point.
        start: first sorted point of the stratum of each draw.
        points: number of points $N_h$ of that stratum.
        draws: number of draws $b_h$ from that stratum.
        rank: $j$, the number of the draw in its stratum.
    """

    weights: Float[Array, " points"] = field()
    order: Int[Array, " points"] = field()
    start: Int[Array, " batch"] = field()
    points: Int[Array, " batch"] = field()
    draws: Int[Array, " batch"] = field()
    rank: Int[Array, " batch"] = field()
    exact: ClassVar[bool] = False

    @property
    def size(self) -> int:
        """Points in a batch."""
        return self.rank.shape[0]

    def draw(self, key: PRNGKey, step: Int[Array, ""] | int) -> tuple[Batch, Batch]:
        """Two independent batches of `size` points."""
        x, y = jax.random.split(jax.random.fold_in(key, step))
        return self._batch(x), self._batch(y)

    def _batch(self, key: PRNGKey) -> Batch:
        jitter = jax.random.randint(key, self.rank.shape, 0, self.points)
        position = self.start + (self.rank * self.points + jitter) // self.draws
        return Batch(index=self.order[position], weights=self.weights[position])


@SAMPLERS.register("stratified")
def make_stratified(
    batch_size: int = 1000,
    mixture: float = 0.2,
    *,
    grid: Grid,
    reference: Float[Array, " points"] | None,
) -> Stratified:
    r"""Points spread over atoms and radial shells, more of them where the reference density is.

    The share of a stratum is $(1 - \epsilon) N_h s_h / \sum N s + \epsilon N_h / N$, with the root mean
    square $s_h$ of $w \rho$ in it (Neyman's rule for integrands that look like the density); it gets at least
    one draw and at most $N_h$. Without a reference the share is $N_h / N$.

    Args:
        batch_size: points in a batch, at most those of the grid.
        mixture: $\epsilon$ in (0, 1], the part that ignores the reference; keeps weights bounded by
            about $w N / (\epsilon b)$ where the reference density is too small.
        grid: the full grid.
        reference: a density at the grid's points, or None.
    """
    check_batch_size(batch_size, grid, repeats=False)
    check_mixture(mixture)
    order, shell = sorted_points(grid)
    weights = np.asarray(grid.weights)[order]
    spread = np.ones(grid.size)
    if reference is not None:
        spread = np.square(np.abs(weights) * np.maximum(np.asarray(reference)[order], 0), dtype=np.float64)

    def shares(stratum: np.ndarray) -> np.ndarray:
        points = np.bincount(stratum)
        neyman = np.sqrt(points * np.bincount(stratum, spread))  # N_h s_h
        return (1 - mixture) * neyman / neyman.sum() + mixture * points / grid.size

    stratum = _merge(shell, np.asarray(grid.atom)[order], shares(shell), max(1, batch_size // _MIN_DRAWS))
    points = np.bincount(stratum)
    draws = _allocate(shares(stratum), points, batch_size)
    start = np.cumsum(points) - points
    of_draw = np.repeat(np.arange(len(points)), draws)
    scale = (points / draws)[stratum].astype(weights.dtype)
    return Stratified(
        weights=jnp.asarray(weights * scale),
        order=jnp.asarray(order),
        start=jnp.asarray(start[of_draw]),
        points=jnp.asarray(points[of_draw]),
        draws=jnp.asarray(draws[of_draw]),
        rank=jnp.arange(batch_size) - jnp.asarray((np.cumsum(draws) - draws)[of_draw]),
    )


def check_mixture(mixture: float) -> None:
    """Refuses a mixture that leaves points without a chance to be drawn.

    Raises:
        InputError: outside (0, 1].
    """
    if not 0 < mixture <= 1:
        raise InputError(
            f"sampler.mixture is {mixture} but a part in (0, 1] must ignore the reference density, "
            "or points where it vanishes are never drawn; try 0.2."
        )


def sorted_points(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The order by atom, then shell, and the number of each sorted point's shell, counted over all atoms."""
    atom, shell = np.asarray(grid.atom), np.asarray(grid.shell)
    order = np.lexsort((shell, atom))
    atom, shell = atom[order], shell[order]
    new = (np.diff(atom) != 0) | (np.diff(shell) != 0)
    return order, np.concatenate([[0], np.cumsum(new)])


def _merge(shell: np.ndarray, atom: np.ndarray, shares: np.ndarray, limit: int) -> np.ndarray:
    """The stratum of each sorted point: neighboring shells merged to equal shares, at most `limit` strata."""
    if len(shares) <= limit:
        return shell
    atoms = len(np.unique(atom))
    apart = atoms < limit  # else there are too few draws to keep the atoms apart
    bins = limit - atoms + 1 if apart else limit
    middle = (np.cumsum(shares) - shares / 2) / shares.sum()
    part = np.minimum((middle * bins).astype(int), bins - 1)[shell]
    new = (np.diff(part) != 0) | (apart & (np.diff(atom) != 0))
    return np.concatenate([[0], np.cumsum(new)])


def _allocate(shares: np.ndarray, points: np.ndarray, draws: int) -> np.ndarray:
    """Splits the draws by share, at least one and at most all points of each stratum (D'Hondt's rule)."""
    stratum = np.repeat(np.arange(len(points)), points)
    seat = np.arange(len(stratum)) - np.repeat(np.cumsum(points) - points, points)
    claim = np.where(seat == 0, np.inf, shares[stratum] / np.maximum(seat, 1))
    taken = np.argsort(-claim, kind="stable")[:draws]
    return np.bincount(stratum[taken], minlength=len(points))
