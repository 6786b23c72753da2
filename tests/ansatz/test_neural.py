"""Neural orbitals without Gaussians start at the space of the guess, and see no Gaussian afterwards."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.testing import toys


@pytest.mark.parametrize("molecule", [toys.RESTRICTED, toys.UNRESTRICTED])
def test_start_is_fitted_to_the_guess(molecule):
    from nnks.ansatz import Neural, make_ansatz
    from nnks.orbitals import raw_orbitals

    start, grid = toys.start(molecule), toys.system(molecule).grid
    ansatz = make_ansatz(Neural(), start)
    params = ansatz.init_params(jax.random.key(0))

    @jax.jit
    def values(ansatz, params, points):
        return raw_orbitals(ansatz, params, points, 0)[0], jnp.moveaxis(jax.vmap(ansatz.start.orbitals)(points), 0, -1)

    fitted, guess = values(ansatz, params, grid.points)
    # what is left of each orbital beside its fit: 0.0004 for cores, 0.0014 for the bond, 0.015 for the 2s of Li
    # (measured)
    left = jnp.einsum("sip,p->si", (fitted - guess) ** 2, grid.weights)
    norm = jnp.einsum("sip,p->si", guess**2, grid.weights)
    assert np.all(np.asarray(left) < 0.03 * np.maximum(norm, 1e-12))


def test_no_gaussian_is_evaluated_after_the_start():
    from nnks.ansatz import Neural, make_ansatz

    start = toys.start(toys.RESTRICTED)
    ansatz = make_ansatz(Neural(width=4), start)
    params = ansatz.init_params(jax.random.key(0))
    other = dataclasses.replace(ansatz, start=dataclasses.replace(start, coordinates=0 * start.coordinates))
    evaluate = jax.jit(lambda a, p, r: a.evaluate(p, r))
    r = jnp.array([0.3, 0.1, -0.7])
    np.testing.assert_array_equal(evaluate(ansatz, params, r), evaluate(other, params, r))
