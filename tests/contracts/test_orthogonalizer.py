"""Every orthogonalizer keeps the contract, a broken one is refused; and what is particular to some of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.orthogonalize import ORTHOGONALIZERS, Rotation, check_weights, frame, gram, orthonormalize
from nnks.registry import InputError
from nnks.testing import ORTHOGONALIZER_CHECKS, OrthogonalizerCase
from nnks.testing import orthogonalizer as battery
from nnks.testing.tolerances import EPS
from nnks.types import record, static

MEMBERS = sorted(name for name in ORTHOGONALIZERS if not isinstance(ORTHOGONALIZERS[name].make(), Rotation))


def make(name):
    return ORTHOGONALIZERS[name].make()


@functools.cache
def case(name):
    return OrthogonalizerCase(make(name))


@pytest.mark.parametrize("check", ORTHOGONALIZER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("member", MEMBERS)
def test_orthogonalizer(member, check):
    check(case(member))


@record
class Broken:
    """Löwdin's mix with one thing wrong."""

    fault: str = static(default="")
    positive: bool = static(default=False)

    def __call__(self, values, weights):
        if self.fault == "weights":
            weights = jnp.abs(weights)
        eigenvalues, vectors = jnp.linalg.eigh(gram(values, weights))
        mix = (vectors / jnp.sqrt(eigenvalues)[None, :]) @ vectors.T
        if self.fault == "scale":
            return mix * (1 + 1e-9)
        if self.fault == "gradient":
            return jax.lax.stop_gradient(mix)
        if self.fault == "precision":
            return mix.astype(jnp.float32).astype(values.dtype)
        return mix.astype(jnp.float64) if self.fault == "dtype" else mix


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("dtype", battery.is_a_member, "the mix of float32 values is in float64"),
        ("scale", battery.orthonormal, "the overlap M\\^T G M at index"),
        ("precision", battery.orthonormal_when_badly_scaled, "the overlap M\\^T G M at index"),
        ("weights", battery.orthonormal_with_negative_weights, "the overlap M\\^T G M at index"),
        ("precision", battery.energy_does_not_depend_on_the_member, "the energy is"),
        ("gradient", battery.gradient_does_not_depend_on_the_member, "the gradient at index"),
        ("gradient", battery.first_derivative_at_repeated_eigenvalues, "the slope of the energy"),
        ("", battery.second_derivative_at_repeated_eigenvalues, "a curvature"),  # eigh divides by differences
    ],
)
def test_a_broken_orthogonalizer_is_refused(fault, check, words):
    with pytest.raises(AssertionError, match=words):
        check(OrthogonalizerCase(Broken(fault)))


def test_a_plain_function_is_refused():
    with pytest.raises(AssertionError, match="has no `positive`"):
        battery.is_a_member(OrthogonalizerCase(lambda values, weights: jnp.eye(len(values))))


@pytest.fixture
def values(key):
    return jax.random.normal(key, (5, 40))


@pytest.fixture
def weights(key):
    return jax.random.uniform(key, (40,), minval=0.1)


def test_unoccupied_orbitals_take_no_part(values, weights):
    stacked = jnp.stack([values, values[::-1]])
    lowdin = make("lowdin")
    mix = jax.jit(lambda v, w: orthonormalize(lowdin, v, w, (3, 0)))(stacked, weights)
    alone = jax.jit(lowdin)(values[:3], weights)
    # two compiled programs round differently, in proportion to the condition of the Gram matrix
    tolerance = 50 * EPS * float(np.linalg.cond(gram(values[:3], weights)) * np.abs(alone).max())
    np.testing.assert_allclose(mix[0, :3, :3], alone, atol=tolerance)
    assert not mix[0, 3:].any()
    assert not mix[1].any()


def test_negative_weights_are_refused_by_qr(weights):
    with pytest.raises(InputError, match="1 of the 40 points have a negative one"):
        check_weights(make("qr"), weights.at[3].set(-0.1))
    check_weights(make("cholesky"), weights.at[3].set(-0.1))


def test_canonical_drops_dependent_directions(values, weights):
    doubled = jnp.concatenate([values, values[:1]])
    mix = jax.jit(make("canonical"))(doubled, weights)
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


@pytest.mark.parametrize("condition", [1.0, 1e4, 1e8])
def test_polar_is_lowdin(condition):
    rng = np.random.default_rng(0)
    vectors = np.linalg.qr(rng.normal(size=(6, 6)))[0] * np.geomspace(1, condition**-0.5, 6)
    values, ones = jnp.asarray(vectors), jnp.ones(6)
    expected = make("lowdin")(values, ones)
    scale = float(jnp.abs(expected).max())
    np.testing.assert_allclose(make("polar")(values, ones), expected, atol=50 * EPS * condition * scale)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, -0.2)], ids=["singular", "indefinite"])
def test_polar_is_nan_without_a_positive_definite_matrix(weights):
    second = [1.0, 0.0] if weights == (1.0, 1.0) else [0.5, 1.0]
    assert np.isnan(make("polar")(jnp.asarray([[1.0, 0.0], second]), jnp.asarray(weights))).all()
