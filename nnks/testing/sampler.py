"""The contract of a sampler: two independent batches whose weighted sums estimate sums over the grid."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.quadrature import Batch, Grid, Sampler
from nnks.testing import toys
from nnks.testing.expect import expect, expect_arrays, expect_close, run_checks
from nnks.testing.tolerances import ROUNDING, STANDARD_ERRORS
from nnks.types import Array, Float, Int, PRNGKey

KEYS, STEPS = 40, 50
"""Draws that statistics are made of. The steps of one epoch repel each other, which only narrows their mean: the
bound of independent draws is safe."""


class SamplerCase:
    """A sampler, its grid, a function of a point and a kernel of two, and sums of 2000 draws.

    Args:
        sampler: made for the grid.
        grid: None for `toys.grid()`.
    """

    def __init__(self, sampler: Any, grid: Grid | None = None):
        self.sampler, self.grid = sampler, toys.grid() if grid is None else grid
        self.key = jax.random.key(0)
        self.draw = jax.jit(lambda sampler, key, step: sampler.draw(key, step))

    @functools.cached_property
    def sums(self) -> Float[np.ndarray, "draws 3"]:
        """Of each draw: the one-point sums of both batches, and the pair sum between them."""

        @jax.jit
        def estimate(sampler: Any, points: Array, key: PRNGKey) -> Array:
            def one(key: PRNGKey, step: Int[Array, ""]) -> Array:
                x, y = sampler.draw(key, step)
                a, b = points[x.index], points[y.index]
                sums = [x.weights @ one_point(a), y.weights @ one_point(b), x.weights @ pair(a, b) @ y.weights]
                return jnp.stack(sums)

            keys = jax.random.split(key, KEYS)
            return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(keys, jnp.arange(STEPS)).reshape(-1, 3)

        return np.asarray(estimate(self.sampler, self.grid.points, self.key))

    @functools.cached_property
    def exact(self) -> Float[np.ndarray, " 3"]:
        """What they estimate."""
        w, r = self.grid.weights, self.grid.points
        once = float(w @ one_point(r))
        return np.array([once, once, float(w @ pair(r, r) @ w)])

    def batches(self, step: int) -> tuple[Batch, Batch]:
        """The two batches of a step, compiled."""
        return self.draw(self.sampler, self.key, jnp.int32(step))


def one_point(r: Float[Array, "points 3"]) -> Float[Array, " points"]:
    """An integrand that looks like a density, and is not symmetric."""
    return jnp.exp(-1.5 * jnp.linalg.norm(r, axis=1)) * (1 + r[:, 2])


def pair(r: Float[Array, "a 3"], s: Float[Array, "b 3"]) -> Float[Array, "a b"]:
    """A kernel that looks like a Coulomb energy."""
    square = jnp.sum((r[:, None, :] - s[None, :, :]) ** 2, axis=-1)
    density = [jnp.exp(-1.5 * jnp.linalg.norm(x, axis=1)) for x in (r, s)]
    return density[0][:, None] * density[1][None, :] / jnp.sqrt(1 + square)


def is_a_sampler(case: SamplerCase) -> None:
    """`size`, `exact` and `draw`; a record of arrays; batches of `size` points of the grid."""
    sampler = case.sampler
    expect(isinstance(sampler, Sampler), f"{type(sampler).__name__} lacks one of `size`, `exact`, `draw`.")
    expect_arrays("the sampler", sampler)
    for batch in case.batches(0):
        shapes = batch.index.shape, batch.weights.shape
        expect(shapes == ((sampler.size,),) * 2, f"index and weights have shapes {shapes}; expected ({sampler.size},).")
        low, high = int(batch.index.min()), int(batch.index.max())
        expect(low >= 0 and high < case.grid.size, f"indices go from {low} to {high}; the grid has {case.grid.size}.")


def one_point_sums_are_unbiased(case: SamplerCase) -> None:
    """The mean of the sums of either batch is the sum over the grid."""
    for column, batch in ((0, "first"), (1, "second")):
        _expect_mean(f"the mean sum over the {batch} batch", case, column)


def pair_sums_are_unbiased(case: SamplerCase) -> None:
    """The mean of the sums between the batches is the double sum over the grid."""
    _expect_mean("the mean pair sum", case, 2)


def _expect_mean(what: str, case: SamplerCase, column: int) -> None:
    sums, exact = case.sums[:, column], case.exact[column]
    error = sums.std(ddof=1) / np.sqrt(len(sums))
    expect(case.sampler.exact or error > 0, "all draws gave one sum; expected them to differ unless `exact` is true.")
    expect_close(what, sums.mean(), exact, atol=STANDARD_ERRORS * error, rtol=ROUNDING)


def batches_are_independent(case: SamplerCase) -> None:
    """The sums of the two batches are not correlated (unless both are the whole grid)."""
    if not case.sampler.exact:
        correlation = np.corrcoef(case.sums[:, :2].T)[0, 1]
        bound = STANDARD_ERRORS / np.sqrt(len(case.sums))
        expect_close("the correlation of the two batches' sums", correlation, 0.0, atol=bound)


def exact_means_exact(case: SamplerCase) -> None:
    """With `exact` every draw is the whole grid: each point once, with its own weight."""
    if case.sampler.exact:
        for batch in case.batches(7):
            expect_close("the sorted index", np.sort(batch.index), np.arange(case.grid.size))
            expect_close("a weight", batch.weights, case.grid.weights[batch.index])


def same_key_and_step_same_batch(case: SamplerCase) -> None:
    """Randomness is the key and the step: both repeat a batch, another step or key brings another one."""
    first, again, later = (case.batches(step)[0] for step in (3, 3, 4))
    expect(_same(first, again), "one key and step gave two batches; expected a pure function of both.")
    other = case.draw(case.sampler, jax.random.key(1), jnp.int32(3))[0]
    for name, batch in (("step", later), ("key", other)):
        expect(
            _same(first, batch) == case.sampler.exact,
            f"another {name} gave {'the same' if _same(first, batch) else 'another'} batch; "
            f"exact={case.sampler.exact}.",
        )


def compiles_once(case: SamplerCase) -> None:
    """Steps run one program."""
    case.batches(3), case.batches(4)
    count = case.draw._cache_size()  # pyright: ignore[reportAttributeAccessIssue]
    expect(count == 1, f"two steps were compiled {count} times; expected 1: the step is to be an array, not a shape.")


def scans(case: SamplerCase) -> None:
    """Inside a scan over steps each draw is what it is alone."""
    steps = jnp.arange(2, dtype=jnp.int32)
    _, scanned = jax.lax.scan(lambda carry, step: (carry, case.sampler.draw(case.key, step)), None, steps)
    for step in range(2):
        single = case.batches(step)
        same = (_same(jax.tree.map(lambda x, step=step: x[step], scanned[n]), single[n]) for n in (0, 1))
        expect(all(same), f"step {step} of a scan drew another batch than the same step alone; expected the same.")


def _same(a: Batch, b: Batch) -> bool:
    return np.array_equal(a.index, b.index) and np.array_equal(a.weights, b.weights)


SAMPLER_CHECKS: tuple[Callable[[SamplerCase], None], ...] = (
    is_a_sampler,
    one_point_sums_are_unbiased,
    pair_sums_are_unbiased,
    batches_are_independent,
    exact_means_exact,
    same_key_and_step_same_batch,
    compiles_once,
    scans,
)
"""One property each, of a `SamplerCase`."""


def check_sampler(sampler: Sampler, grid: Grid | None = None) -> None:
    """Runs the whole battery on a sampler of a grid.

    Args:
        sampler: such as `make_sampler({"name": "uniform", "batch_size": 48}, toys.grid())`.
        grid: that it was made for; None for `toys.grid()`.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    run_checks(SAMPLER_CHECKS, SamplerCase(sampler, grid))
