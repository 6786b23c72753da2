"""Every orthogonalizer: orthonormality, invariance of the energy, derivatives at repeated eigenvalues."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.orthogonalize import ORTHOGONALIZERS, check_weights, frame, gram, orthonormalize
from nnks.registry import InputError

EPS = np.finfo(np.float64).eps
MEMBERS = sorted(ORTHOGONALIZERS)


def make(name):
    return ORTHOGONALIZERS[name].make()


@pytest.fixture
def values(key):
    return jax.random.normal(key, (5, 40))


@pytest.fixture
def weights(key):
    return jax.random.uniform(key, (40,), minval=0.1)


def energy(values, weights, member):
    """A quartic function of the orbitals' span alone."""
    matrix = jax.random.normal(jax.random.key(7), (40, 40))
    psi = make(member)(values, weights).T @ values
    density = jnp.sum(psi**2, axis=0)
    return jnp.sum((psi * weights[None, :]) @ (matrix + matrix.T) * psi) + jnp.sum(weights * density**2)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("stretch", [1.0, 1e3])
def test_orthonormal(member, stretch, values, weights):
    values = values.at[0].multiply(stretch)
    g = gram(values, weights)
    mix = make(member)(values, weights)
    tolerance = 50 * EPS * np.linalg.cond(g)  # backward error of a factorization of G
    np.testing.assert_allclose(mix.T @ g @ mix, np.eye(5), atol=tolerance)


@pytest.mark.parametrize("member", MEMBERS)
def test_energy_and_gradient_do_not_depend_on_the_member(member, values, weights):
    tolerance = 1e3 * EPS * float(np.linalg.cond(gram(values, weights)))
    e, g = jax.value_and_grad(energy)(values, weights, member)
    e0, g0 = jax.value_and_grad(energy)(values, weights, "qr")
    assert float(jnp.linalg.norm(g0)) > 0.1
    assert float(e) == pytest.approx(float(e0), rel=tolerance)
    np.testing.assert_allclose(g, g0, atol=tolerance * float(jnp.abs(g0).max()))


@pytest.mark.parametrize("member", MEMBERS)
def test_first_and_second_derivatives_at_repeated_eigenvalues(member, values):
    ones = jnp.ones(40)
    orthonormal = jnp.linalg.qr(values.T)[0].T  # every eigenvalue of G is one
    direction = jax.random.normal(jax.random.key(3), values.shape)
    gradient = jax.grad(energy)
    slope = jnp.vdot(gradient(orthonormal, ones, member), direction)
    curve = jax.jvp(lambda v: gradient(v, ones, member), (orthonormal,), (direction,))[1]
    h = 1e-5
    up, down = (energy(orthonormal + s * h * direction, ones, member) for s in (1, -1))
    assert float(slope) == pytest.approx(float((up - down) / (2 * h)), rel=1e-6)  # h^2 error of the difference
    up, down = (gradient(orthonormal + s * h * direction, ones, member) for s in (1, -1))
    np.testing.assert_allclose(curve, (up - down) / (2 * h), atol=1e-5 * float(jnp.abs(curve).max()))


def test_unoccupied_orbitals_take_no_part(values, weights):
    stacked = jnp.stack([values, values[::-1]])
    mix = orthonormalize(make("lowdin"), stacked, weights, (3, 0))
    np.testing.assert_allclose(mix[0, :3, :3], make("lowdin")(values[:3], weights))
    assert not mix[0, 3:].any()
    assert not mix[1].any()


def test_negative_weights_are_refused_by_qr(weights):
    with pytest.raises(InputError, match="1 of the 40 points have a negative one"):
        check_weights(make("qr"), weights.at[3].set(-0.1))
    check_weights(make("cholesky"), weights.at[3].set(-0.1))


def test_canonical_drops_dependent_directions(values, weights):
    doubled = jnp.concatenate([values, values[:1]])
    mix = make("canonical")(doubled, weights)
    orthonormal = mix.T @ gram(doubled, weights) @ mix
    assert np.isfinite(mix).all()
    np.testing.assert_allclose(np.sort(np.diagonal(orthonormal)), [0, 1, 1, 1, 1, 1], atol=1e-10)


@pytest.mark.parametrize("member", MEMBERS)
def test_frame_of_a_basis(member, values, weights):
    overlap = gram(values, weights)
    x = frame(overlap, member)
    np.testing.assert_allclose(x.T @ overlap @ x, np.eye(5), atol=1e-12)


def test_frame_says_what_it_drops(values, weights):
    overlap = gram(jnp.concatenate([values, values[:1]]), weights)
    with pytest.warns(UserWarning, match="dropped 1 of 6 near-dependent"):
        assert frame(overlap).shape == (6, 5)
