"""Every ansatz: shapes, derivatives, decay, dtype, seeds, no recompilation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.ansatz import ANSATZE, GaussianAnsatz, make_ansatz

MEMBERS = sorted(ANSATZE)


@pytest.fixture(scope="module")
def starts():
    from nnks import build
    from nnks.config import default_config, override

    def make(molecule):
        config = override(default_config(), {"system.molecule": molecule, "quadrature.level": 0})
        return build.make_start(build.make_system(config), "minao")

    return {"restricted": make("LiH"), "unrestricted": make("Li")}


@pytest.fixture(params=["restricted", "unrestricted"])
def start(request, starts):
    return starts[request.param]


@pytest.mark.parametrize("name", MEMBERS)
class TestAnsatz:
    def make(self, name, start, key):
        ansatz = make_ansatz(ANSATZE[name].make(), start)
        params = ansatz.init_params(key)
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(jax.random.key(5), len(leaves))
        noise = [0.1 * jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=True)]
        return ansatz, params, jax.tree.unflatten(tree, [x + d for x, d in zip(leaves, noise, strict=True)])

    def test_one_point_in_all_orbitals_out(self, name, start, key):
        ansatz, _, params = self.make(name, start, key)
        value = ansatz.evaluate(params, jnp.array([0.3, -0.2, 0.5]))
        assert value.shape == (start.coordinates.shape[0], start.coordinates.shape[2])
        assert value.dtype == jnp.float64

    def test_starts_at_the_guess(self, name, start, key):
        ansatz, params, moved = self.make(name, start, key)
        r = jnp.array([0.3, -0.2, 0.5])
        np.testing.assert_allclose(ansatz.evaluate(params, r), start.orbitals(r), atol=1e-14)
        assert not np.allclose(ansatz.evaluate(moved, r), start.orbitals(r))

    def test_finite_gradients_everywhere(self, name, start, key):
        ansatz, _, params = self.make(name, start, key)
        points = jnp.concatenate([start.basis.centers, jnp.array([[0.3, 0.1, -0.7], [30.0, 0.0, 0.0]])])
        values = jax.vmap(lambda r: ansatz.evaluate(params, r))(points)
        gradients = jax.vmap(jax.jacfwd(lambda r: ansatz.evaluate(params, r)))(points)
        slopes = jax.grad(lambda p: jnp.sum(jax.vmap(lambda r: ansatz.evaluate(p, r))(points) ** 2))(params)
        for leaf in [values, gradients, *jax.tree.leaves(slopes)]:
            assert np.isfinite(leaf).all()
        assert np.abs(values[-1]).max() < 1e-6  # decays: 30 Bohr away

    def test_gradient_is_the_finite_difference(self, name, start, key):
        ansatz, _, params = self.make(name, start, key)
        r, d, h = jnp.array([0.3, -0.2, 0.5]), jnp.array([0.5, 0.3, -0.8]), 1e-5
        slope = jax.jvp(lambda x: ansatz.evaluate(params, x), (r,), (d,))[1]
        difference = (ansatz.evaluate(params, r + h * d) - ansatz.evaluate(params, r - h * d)) / (2 * h)
        assert np.abs(slope).max() > 1e-3
        np.testing.assert_allclose(slope, difference, atol=1e-8)  # h^2 of the third derivative, about 1e-9

    def test_compiles_once(self, name, start, key):
        ansatz, params, moved = self.make(name, start, key)
        evaluate = jax.jit(lambda a, p, r: a.evaluate(p, r))
        for p in (params, moved):
            evaluate(ansatz, p, jnp.zeros(3) + 0.1)
        assert evaluate._cache_size() == 1

    def test_seeds_differ_where_there_is_randomness(self, name, start, key):
        ansatz, params, _ = self.make(name, start, key)
        other = ansatz.init_params(jax.random.key(1))
        same = all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(other), strict=True))
        assert same == isinstance(ansatz, GaussianAnsatz)
