"""What is particular to one sampler: straddled epochs, the cuts of the strata, bounded importance weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.quadrature import Grid, make_sampler

ATOMS, SHELLS, ANGLES = 2, 12, 10


@pytest.fixture(scope="module")
def grid():
    """240 points in a shuffled order, some of negative weight: a sampler may rely on neither order nor sign."""
    rng = np.random.default_rng(7)
    atom, shell, _ = (i.ravel() for i in np.indices((ATOMS, SHELLS, ANGLES)))
    direction = rng.normal(size=(atom.size, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    points = (0.2 + 0.4 * shell)[:, None] * direction + 1.4 * atom[:, None] * np.array([0.0, 0.0, 1.0])
    weights = (0.2 + 0.4 * shell) ** 2 * np.where(rng.random(atom.size) < 0.06, -0.3, 1.0)
    order = rng.permutation(atom.size)
    return Grid(*(jnp.asarray(column[order]) for column in (points, weights, atom, shell)))


@pytest.fixture(scope="module")
def density(grid):
    return jnp.exp(-jnp.sum(grid.points**2, axis=1))


def test_uniform_epochs_are_complete_where_batches_straddle_them(grid, key):
    sampler = make_sampler({"name": "uniform", "batch_size": 70}, grid)
    draws = jax.lax.map(lambda step: sampler.draw(key, step), jnp.arange(7))  # 490 positions: two epochs and 10
    for batch in draws:
        stream = np.asarray(batch.index).ravel()
        for epoch in (0, 1):
            part = stream[epoch * grid.size : (epoch + 1) * grid.size]
            np.testing.assert_array_equal(np.sort(part), np.arange(grid.size))


def test_uniform_epochs_go_on_past_two_billion_points(grid, key):
    sampler = make_sampler({"name": "uniform", "batch_size": 60}, grid)
    first = 4 * (2**31 // grid.size + 1)  # an epoch begins at this step, at a position that int32 cannot hold
    steps = jnp.arange(first, first + 4, dtype=jnp.int32)
    x, _ = jax.lax.map(lambda step: sampler.draw(key, step), steps)
    np.testing.assert_array_equal(np.sort(np.asarray(x.index).ravel()), np.arange(grid.size))


def draw(sampler, key, step=0):
    return jax.jit(lambda s, k, t: s.draw(k, t))(sampler, key, jnp.int32(step))


def test_uniform_with_replacement_takes_batches_larger_than_the_grid(grid, key):
    sampler = make_sampler({"name": "uniform", "batch_size": 300, "replacement": True}, grid)
    x, _ = draw(sampler, key)
    assert x.index.shape == (300,)
    np.testing.assert_array_equal(x.weights, grid.weights[x.index] * (240 / 300))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 20, 100, 240])
def test_strata_are_a_partition_by_atom_and_shell(grid, density, batch_size):
    sampler = make_sampler({"name": "stratified", "batch_size": batch_size}, grid, density)
    start, points, draws = (np.asarray(a) for a in (sampler.start, sampler.points, sampler.draws))
    begins, first, counts = np.unique(start, return_index=True, return_counts=True)
    assert len(begins) <= max(1, batch_size // 2)
    # each begins where the one before it ends, and together they cover the grid
    np.testing.assert_array_equal(np.cumsum(points[first]), [*begins[1:], grid.size])
    assert (begins % ANGLES == 0).all()  # whole shells
    if batch_size >= 6:  # three strata or more: enough to keep the two atoms apart
        assert grid.size // 2 in begins
    if batch_size >= 2 * ATOMS * SHELLS:
        assert len(begins) == ATOMS * SHELLS
    np.testing.assert_array_equal(counts, draws[first])
    assert (draws <= points).all()
    sort_key = np.asarray(grid.atom * SHELLS + grid.shell)[np.asarray(sampler.order)]
    assert (np.diff(sort_key) >= 0).all()


def test_every_draw_of_a_stratum_lands_in_its_part(grid, density, key):
    sampler = make_sampler({"name": "stratified", "batch_size": 100}, grid, density)
    position = np.empty(grid.size, int)
    position[np.asarray(sampler.order)] = np.arange(grid.size)
    start, points, draws, rank = (np.asarray(a) for a in (sampler.start, sampler.points, sampler.draws, sampler.rank))
    for batch in draw(sampler, key):
        within = position[np.asarray(batch.index)] - start
        assert (within >= rank * points // draws).all()
        assert (within <= ((rank + 1) * points - 1) // draws).all()


def test_a_stratified_batch_as_large_as_the_grid_is_the_grid(grid, density, key):
    x, _ = draw(make_sampler({"name": "stratified", "batch_size": grid.size}, grid, density), key)
    np.testing.assert_array_equal(np.sort(x.index), np.arange(grid.size))
    np.testing.assert_array_equal(x.weights, grid.weights[x.index])


@pytest.mark.parametrize("systematic", [True, False])
def test_importance_weights_are_bounded_where_the_reference_vanishes(grid, density, systematic):
    """No point is out of reach and no weight explodes, though half of the points have no reference density."""
    rho = jnp.where(grid.points[:, 0] > 0, 0.0, density)
    section = {"name": "importance", "batch_size": 30, "mixture": 0.1, "systematic": systematic}
    sampler = make_sampler(section, grid, rho)
    cell = jnp.abs(grid.weights)[sampler.order]
    for bound in (2 * jnp.sum(cell) / (0.1 * 30), 2 * grid.size * cell / (0.1 * 30)):
        assert (jnp.abs(sampler.weights) <= bound * (1 + 1e-10)).all()  # chances are rounded to 2^-50
    # the chances follow from the integers that are drawn from, the weights from the chances: both must agree
    chance = jnp.diff(sampler.cumulative, prepend=0) / sampler.cumulative[-1]
    np.testing.assert_allclose(sampler.weights * 30 * chance, grid.weights[sampler.order], rtol=1e-13)
    assert (chance > 0).all()


def test_systematic_importance_varies_less_than_independent_draws(grid, density):
    def deviation(systematic):
        section = {"name": "importance", "batch_size": 48, "systematic": systematic}
        sampler = make_sampler(section, grid, density)

        def estimate(key):
            x, _ = sampler.draw(key, 0)
            return x.weights @ density[x.index]

        return np.std(jax.jit(jax.vmap(estimate))(jax.random.split(jax.random.key(3), 1000)))

    # a standard deviation from 1000 values is known to 2 %; measured ratio 0.4
    assert deviation(True) < 0.7 * deviation(False)


@pytest.mark.parametrize("name", ["stratified", "importance"])
def test_without_a_reference_the_weights_guide(grid, density, name):
    sampler = make_sampler({"name": name, "batch_size": 48}, grid)

    def estimate(key):
        x, _ = sampler.draw(key, 0)
        return x.weights @ density[x.index]

    sampled = np.asarray(jax.jit(jax.vmap(estimate))(jax.random.split(jax.random.key(3), 1000)))
    exact = float(grid.weights @ density)
    assert abs(sampled.mean() - exact) < 4 * sampled.std(ddof=1) / np.sqrt(1000)  # 4 standard errors
