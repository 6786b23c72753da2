"""The members beside the contract (tests/contracts): epochs, variance, exactness, and sections that are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.quadrature import make_sampler
from nnks.registry import InputError
from nnks.testing import toys

DRAWS = 2000
STOCHASTIC = {
    "uniform": {"replacement": False},
    "uniform, replaced": {"replacement": True},
    "stratified": {},
    "importance": {},
}


@pytest.fixture(scope="module")
def grid():
    return toys.grid()


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


def test_an_epoch_uses_every_point_once(grid, density, key):
    sampler = make("uniform", grid, density, batch_size=48)
    epoch = jax.lax.map(lambda step: sampler.draw(key, step), jnp.arange(grid.size // 48))
    for batch in epoch:
        np.testing.assert_array_equal(np.sort(np.asarray(batch.index).ravel()), np.arange(grid.size))


def test_importance_and_strata_lower_the_variance(grid, density, key):
    replaced = estimates(make("uniform, replaced", grid, density), density, key).var()
    for case in ("importance", "stratified"):
        assert estimates(make(case, grid, density), density, key).var() < 0.5 * replaced


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
