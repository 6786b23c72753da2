"""Every sampler: unbiased within four standard errors, reproducible, and clear about what it cannot do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.quadrature import SAMPLERS, Grid, make_sampler
from nnks.registry import InputError

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
    return jnp.exp(-1.5 * jnp.linalg.norm(grid.points, axis=1))


def make(case, grid, density, batch_size=48):
    name = case.split(",")[0]
    return make_sampler({"name": name, "batch_size": batch_size, **STOCHASTIC[case]}, grid, density)


def estimates(sampler, f, key):
    def one(step):
        x, y = sampler.draw(key, step)
        return jnp.array([x.weights @ f[x.index], y.weights @ f[y.index]])

    return np.asarray(jax.jit(jax.vmap(one))(jnp.arange(DRAWS)))


def test_every_member_is_tested():
    assert {case.split(",")[0] for case in STOCHASTIC} | {"full"} == set(SAMPLERS)


@pytest.mark.parametrize("case", STOCHASTIC)
def test_one_point_sums_are_unbiased_and_batches_independent(case, grid, density, key):
    f = density * (1 + grid.points[:, 2])
    sampled = estimates(make(case, grid, density), f, key)
    exact = float(grid.weights @ f)
    # batches of one epoch repel each other, which only narrows the mean: the bound is safe
    error = sampled.std(axis=0, ddof=1) / np.sqrt(DRAWS)
    assert (error > 0).all()
    assert (np.abs(sampled.mean(axis=0) - exact) < 4 * error + 1e-12).all()
    assert abs(np.corrcoef(sampled.T)[0, 1]) < 4 / np.sqrt(DRAWS)


@pytest.mark.parametrize("case", STOCHASTIC)
def test_pair_sums_are_unbiased(case, grid, density, key):
    separation = jnp.sum((grid.points[:, None, :] - grid.points[None, :, :]) ** 2, axis=-1)
    kernel = density[:, None] * density[None, :] / jnp.sqrt(1 + separation)
    sampler = make(case, grid, density)

    def one(step):
        x, y = sampler.draw(key, step)
        return x.weights @ kernel[x.index][:, y.index] @ y.weights

    sampled = np.asarray(jax.jit(jax.vmap(one))(jnp.arange(DRAWS)))
    exact = float(grid.weights @ kernel @ grid.weights)
    assert abs(sampled.mean() - exact) < 4 * sampled.std(ddof=1) / np.sqrt(DRAWS)


def test_an_epoch_uses_every_point_once(grid, density, key):
    sampler = make("uniform", grid, density, batch_size=48)
    epoch = jnp.arange(grid.size // 48)
    for which in (0, 1):
        index = np.concatenate([sampler.draw(key, step)[which].index for step in epoch])
        np.testing.assert_array_equal(np.sort(index), np.arange(grid.size))


def test_importance_and_strata_lower_the_variance(grid, density, key):
    variance = {case: estimates(make(case, grid, density), density, key).var() for case in STOCHASTIC}
    assert variance["importance"] < 0.5 * variance["uniform, replaced"]
    assert variance["stratified"] < 0.5 * variance["uniform, replaced"]


@pytest.mark.parametrize("case", STOCHASTIC)
def test_same_key_same_batch_and_one_program(case, grid, density, key):
    sampler = make(case, grid, density)
    draw = jax.jit(lambda s, k, step: s.draw(k, step))
    first, again, other = (draw(sampler, key, jnp.int32(n)) for n in (3, 3, 4))
    np.testing.assert_array_equal(first[0].index, again[0].index)
    assert not np.array_equal(first[0].index, other[0].index)
    assert draw._cache_size() == 1


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
        ({"name": "full", "batch_size": 10}, "batch_size"),
    ],
)
def test_bad_sections(section, words, grid):
    with pytest.raises(InputError, match=words):
        make_sampler(section, grid)
