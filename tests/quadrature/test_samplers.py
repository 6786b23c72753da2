"""Every sampler: unbiased within four standard errors, reproducible, and clear about what it cannot do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.quadrature import SAMPLERS, Grid, make_sampler
from nnks.registry import InputError
from nnks.types import cast

DRAWS = 2000
STOCHASTIC = {
    "uniform": {"replacement": False},
    "uniform, replaced": {"replacement": True},
    "stratified": {},
    "importance": {},
}


@pytest.fixture(scope="module")
def grid():
    """Two atoms of 12 shells with 20 points each; some weights are negative."""
    rng = np.random.default_rng(0)
    x, w = np.polynomial.legendre.leggauss(12)
    radius, volume = 2.5 * (1 + x), 2.5 * w * (2.5 * (1 + x)) ** 2
    direction = rng.normal(size=(2, 12, 20, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    points = radius[None, :, None, None] * direction + np.array([0.0, 1.4])[:, None, None, None]
    weights = np.broadcast_to(volume[None, :, None] * 4 * np.pi / 20, (2, 12, 20)).copy()
    weights[:, :, 0] *= -0.3
    atom, shell = np.broadcast_arrays(np.arange(2)[:, None, None], np.arange(12)[None, :, None])
    full = np.broadcast_to
    return Grid(
        points=jnp.array(points.reshape(-1, 3)),
        weights=jnp.array(weights.reshape(-1)),
        atom=jnp.array(full(atom, (2, 12, 20)).reshape(-1)),
        shell=jnp.array(full(shell, (2, 12, 20)).reshape(-1)),
    )


@pytest.fixture(scope="module")
def density(grid):
    """A Gaussian at the first atom."""
    return jnp.exp(-jnp.sum(grid.points**2, axis=1))


def make(case, grid, density, batch_size=48):
    name = case.split(",")[0]
    return make_sampler({"name": name, "batch_size": batch_size, **STOCHASTIC[case]}, grid, density)


def over_keys(sampler, estimate, key, step=7):
    """Estimates of one step under many keys: they are independent, where the steps of an epoch are not.

    An average over steps would be exact for whole epochs, and so could not show a biased step.
    """

    def one(k):
        return estimate(*sampler.draw(k, step))

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(key, DRAWS)))


def both_sums(f):
    """The estimates of the sums over the grid of all rows of f, from either batch."""
    return lambda x, y: jnp.stack([f[:, x.index] @ x.weights, f[:, y.index] @ y.weights])


def assert_mean(sampled, exact):
    """The mean over the first axis, within four standard errors (6e-5 of all keys would exceed them)."""
    error = sampled.std(axis=0, ddof=1) / np.sqrt(DRAWS)
    assert (error > 0).all()
    assert (np.abs(sampled.mean(axis=0) - exact) < 4 * error).all()


def test_every_member_is_tested():
    assert {case.split(",")[0] for case in STOCHASTIC} | {"full"} == set(SAMPLERS)


@pytest.mark.parametrize("case", STOCHASTIC)
def test_one_point_sums_are_unbiased_and_batches_independent(case, grid, density, key):
    negative = (grid.weights < 0).astype(float)  # the sum over the points of negative weight alone
    f = jnp.stack([density, density * (1 + grid.points[:, 2]), negative * density])
    sampled = over_keys(make(case, grid, density), both_sums(f), key)
    assert_mean(sampled, np.asarray(f @ grid.weights))
    for x, y in zip(sampled[:, 0].T, sampled[:, 1].T, strict=True):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4 / np.sqrt(DRAWS)  # 1/sqrt(n): standard error where they are 0


@pytest.mark.parametrize("case", STOCHASTIC)
def test_pair_sums_are_unbiased(case, grid, density, key):
    separation = jnp.sum((grid.points[:, None, :] - grid.points[None, :, :]) ** 2, axis=-1)
    kernel = density[:, None] * density[None, :] / jnp.sqrt(1 + separation)
    pair = over_keys(
        make(case, grid, density), lambda x, y: x.weights @ kernel[x.index[:, None], y.index] @ y.weights, key
    )
    assert_mean(pair, float(grid.weights @ kernel @ grid.weights))


def test_an_epoch_uses_every_point_once(grid, density, key):
    sampler = make("uniform", grid, density, batch_size=48)
    steps = grid.size // sampler.size
    draws = jax.jit(jax.vmap(lambda step: sampler.draw(key, step)))(jnp.arange(2 * steps))
    for batch in draws:
        epochs = np.asarray(batch.index).reshape(2, grid.size)
        for epoch in epochs:
            np.testing.assert_array_equal(np.sort(epoch), np.arange(grid.size))
        assert not np.array_equal(*epochs)
    assert not np.array_equal(draws[0].index, draws[1].index)


def test_importance_and_strata_lower_the_variance(grid, density, key):
    f = jnp.stack([density])
    variance = {case: over_keys(make(case, grid, density), both_sums(f), key).var() for case in STOCHASTIC}
    print(variance)
    # the ratio of two sampled variances of 4000 estimates is known to about sqrt(4/4000) = 3 %
    assert variance["importance"] < 0.5 * variance["uniform"]
    assert variance["stratified"] < 0.5 * variance["uniform"]


@pytest.mark.parametrize("case", STOCHASTIC)
def test_same_key_same_batch_and_one_program(case, grid, density, key):
    sampler = make(case, grid, density)
    draw = jax.jit(lambda s, k, step: s.draw(k, step))
    first, again, later = (draw(sampler, key, jnp.int32(n)) for n in (3, 3, 4))
    other = draw(sampler, jax.random.key(1), jnp.int32(3))
    for a, b, c, d in zip(first, again, later, other, strict=True):
        np.testing.assert_array_equal(a.index, b.index)
        np.testing.assert_array_equal(a.weights, b.weights)
        assert not np.array_equal(a.index, c.index)
        assert not np.array_equal(a.index, d.index)
    assert draw._cache_size() == 1


@pytest.mark.parametrize("case", STOCHASTIC)
def test_weights_keep_their_sign_and_precision(case, grid, density, key):
    draw = jax.jit(lambda s: s.draw(key, 0))
    wide = draw(make(case, grid, density))
    of_narrow = draw(make(case, cast(grid, jnp.float32), density.astype(jnp.float32)))
    narrowed = draw(cast(make(case, grid, density), jnp.float32))
    for x, made, turned in zip(wide, of_narrow, narrowed, strict=True):
        assert x.weights.dtype == jnp.float64
        assert made.weights.dtype == turned.weights.dtype == jnp.float32
        np.testing.assert_array_equal(np.sign(x.weights), np.sign(grid.weights[x.index]))
        assert (np.asarray(x.weights) < 0).any()
        # a cast changes no draw, and rounds each weight and the product with its scale: 2 roundings
        np.testing.assert_array_equal(x.index, turned.index)
        np.testing.assert_allclose(turned.weights, x.weights, rtol=2 * np.finfo(np.float32).eps)


def test_full_is_exact(grid):
    sampler = make_sampler({"name": "full"}, grid)
    x, y = sampler.draw(jax.random.key(0), jnp.int32(0))
    assert sampler.exact
    assert x is y
    np.testing.assert_array_equal(x.weights, grid.weights)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"name": "uniform", "batch_size": 481, "replacement": False}, "481"),
        ({"name": "uniform", "batch_size": 0, "replacement": False}, "batch_size"),
        ({"name": "unifrom", "batch_size": 10}, "did you mean 'uniform'"),
        ({"name": "uniform", "batch_size": 2.5, "replacement": False}, "whole number"),
        ({"name": "stratified", "batch_size": 481}, "choose at most 480"),
        ({"name": "importance", "batch_size": -1}, "at least 1 point"),
        ({"name": "importance", "batch_size": 10, "mixture": 0.0}, "mixture"),
        ({"name": "importance", "batch_size": 10, "replacement": True}, "no such choice"),
        ({"name": "full", "batch_size": 10}, "batch_size is 10"),
    ],
)
def test_bad_sections(section, words, grid):
    with pytest.raises(InputError, match=words):
        make_sampler(section, grid)


def test_bad_references(grid, density):
    section = {"name": "importance", "batch_size": 10}
    with pytest.raises(InputError, match="has shape"):
        make_sampler(section, grid, density[1:])
    with pytest.raises(InputError, match="nowhere positive"):
        make_sampler(section, grid, 0 * density)
