"""The records: what an integral is, and what a batch takes from a grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.quadrature import Batch, Quadrature
from nnks.testing import toys


@pytest.fixture(scope="module")
def grid():
    return toys.atom_grid(20)


def test_full_quadrature_integrates_a_density(grid):
    quadrature = grid.quadrature()
    square = jnp.sum(grid.points**2, axis=-1)
    density = jnp.exp(-2 * jnp.sqrt(square)) / jnp.pi  # hydrogen: 1 electron, <r^2> = 3
    moments = quadrature.integrate(jnp.stack([density, square * density]))
    # the cusp and the mapped tail leave 1e-6 and 5e-6 with 20 radii; the angular part is exact
    np.testing.assert_allclose(moments, [1.0, 3.0], rtol=2e-5)
    np.testing.assert_array_equal(quadrature.weights, quadrature.volumes)
    assert quadrature.index is None


def test_integrate_keeps_leading_axes_and_dtype():
    weights = jnp.asarray([0.5, 2.0, -1.0], jnp.float32)
    quadrature = Quadrature(jnp.zeros((3, 3), jnp.float32), weights, weights)
    values = jnp.arange(12, dtype=jnp.float32).reshape(2, 2, 3)
    result = quadrature.integrate(values)
    assert result.dtype == jnp.float32
    # small integers and halves: every sum is exact in float32
    np.testing.assert_array_equal(result, [[0.0, 4.5], [9.0, 13.5]])


def test_take_carries_index_weights_and_volumes(grid):
    index = jnp.asarray([5, 5, 17])
    weights = jnp.asarray([1.0, 2.0, 3.0])
    taken = grid.take(Batch(index=index, weights=weights))
    np.testing.assert_array_equal(taken.points, grid.points[index])
    np.testing.assert_array_equal(taken.weights, weights)
    np.testing.assert_array_equal(taken.volumes, grid.weights[index])
    np.testing.assert_array_equal(taken.index, index)


def test_the_arrays_of_a_grid_are_leaves(grid):
    """Hence arguments of a jitted function, not constants folded into it."""
    text = str(jax.make_jaxpr(lambda g: g.quadrature().integrate(g.weights))(grid))
    assert "f64[640,3]" in text.split("lambda")[1].split(".")[0]
    assert len(jax.tree.leaves(grid)) == 4
