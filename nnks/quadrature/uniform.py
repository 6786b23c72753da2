"""Uniform minibatches: independent draws, or epochs in which every point occurs exactly once.

An epoch is a random permutation of the grid. It is a keyed Feistel network whose round functions are short
random tables, so a step evaluates it at its own positions only: the cost follows the batch and the square
root of the grid, not the grid.
"""

from __future__ import annotations

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from nnks.quadrature.base import Batch, Grid
from nnks.quadrature.sampler import SAMPLERS, check_batch_size
from nnks.types import Array, Float, Int, PRNGKey, field, record, static

# From 4 rounds on, pairs of elements are uniform to 1 % on grids of 30 points; 8 do it for 5 points.
_ROUNDS = 8


@record
class Uniform:
    r"""Every point equally likely, weight $w_k N / b$.

    With replacement the `batch` points of a step are independent. Without, step `t` takes the elements
    `t b ... (t + 1) b - 1` of an endless stream of permutations, one an epoch: each element is uniform over
    the grid, so each step is unbiased over the keys, and an epoch sums to the full grid. Within one run the
    steps of an epoch then depend on each other, which is what makes their errors cancel. A batch that
    straddles two epochs may repeat a point. The second batch of a step has a stream of its own.
    """

    weights: Float[Array, " points"] = field()
    size: int = static()
    replacement: bool = static()
    exact: ClassVar[bool] = False

    def draw(self, key: PRNGKey, step: Int[Array, ""] | int) -> tuple[Batch, Batch]:
        """Two independent batches of `size` points."""
        x, y = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
        return self._batch(x, step), self._batch(y, step)

    def _batch(self, key: PRNGKey, step: Int[Array, ""] | int) -> Batch:
        points = self.weights.shape[0]
        if self.replacement:
            index = jax.random.randint(jax.random.fold_in(key, step), (self.size,), 0, points)
        else:
            position = jnp.asarray(step, jnp.int64) * self.size + jnp.arange(self.size)  # past 2^31 in long runs
            index = shuffled(key, position, points)
        return Batch(index=index, weights=self.weights[index] * (points / self.size))


@SAMPLERS.register("uniform")
def make_uniform(batch_size: int = 1000, replacement: bool = False, *, grid: Grid) -> Uniform:
    """Points drawn with equal probability; without replacement every epoch uses each point once.

    Args:
        batch_size: points in a batch.
        replacement: whether draws are independent; otherwise an epoch uses each point once.
        grid: the full grid.
    """
    check_batch_size(batch_size, grid, repeats=replacement)
    return Uniform(weights=grid.weights, size=int(batch_size), replacement=bool(replacement))


def shuffled(key: PRNGKey, position: Int[Array, " batch"], size: int) -> Int[Array, " batch"]:
    r"""Elements of an endless stream of random permutations of `0 ... size - 1`, at consecutive positions.

    A number is written as $x = l + m h$ with $l < m = \lceil\sqrt{n}\rceil$ and $h < \lceil n/m \rceil$;
    half a round adds a random function of one digit to the other, modulo its base, which can be undone
    whatever the function is. Numbers of the rectangle that are not below `n` walk on along their cycle until
    they are (less than one in $\sqrt{n}$), which leaves a permutation of `0 ... n - 1`. A random shift
    modulo `n` at the end makes each element exactly uniform.

    Args:
        key: the stream; epoch `e` uses `fold_in(key, e)`.
        position: places in the stream, ascending by one, at most `size` of them.
        size: length `n` of a permutation.

    Returns:
        The stream's elements at `position`.

    References:
        Black and Rogaway, CT-RSA 2002, for permutations of any size from Feistel networks with cycle walking.
    """
    bases = (m := math.isqrt(size - 1) + 1, -(-size // m))
    first = position[0] // size
    which = position // size - first  # 0, or 1 behind the end of the first epoch
    epochs = jax.vmap(jax.random.fold_in, (None, 0))(key, first + jnp.arange(2))
    adds, shift = jax.vmap(lambda epoch: _tables(epoch, bases, size))(epochs)

    def walk(state: tuple[Array, Array]) -> tuple[Array, Array]:
        x, outside = state
        low, high = x % bases[0], x // bases[0]
        for turn in range(_ROUNDS):
            low = (low + adds[0][which, turn, high]) % bases[0]
            high = (high + adds[1][which, turn, low]) % bases[1]
        x = jnp.where(outside, low + bases[0] * high, x)
        return x, x >= size

    start = (position % size, jnp.ones(position.shape, bool))
    x, _ = jax.lax.while_loop(lambda state: jnp.any(state[1]), walk, start)
    return (x + shift[which]) % size


def _tables(
    key: PRNGKey, bases: tuple[int, int], size: int
) -> tuple[tuple[Int[Array, "rounds high"], Int[Array, "rounds low"]], Int[Array, ""]]:
    """What each round adds to one digit for each value of the other, and the final shift."""
    keys = jax.random.split(key, 3)
    low = jax.random.randint(keys[0], (_ROUNDS, bases[1]), 0, bases[0])
    high = jax.random.randint(keys[1], (_ROUNDS, bases[0]), 0, bases[1])
    return (low, high), jax.random.randint(keys[2], (), 0, size)
