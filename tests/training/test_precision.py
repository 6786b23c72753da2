"""What runs in float32, and how much of the energy that costs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

KEPT = 1e-5
"""Hartree: a tenth of what a training may lose to single precision (0.1 mHa); 1e-6 was measured for these."""

CASES = {
    "residual": {"ansatz.name": "residual", "ansatz.width": 6, "ansatz.envelopes": 1},
    "neural_basis": {"ansatz.name": "neural_basis", "ansatz.width": 6, "ansatz.envelopes": 2},
    "lcgto": {"ansatz.guess": "core"},
}


@functools.cache
def problem(case):
    from nnks import setup
    from nnks.config import override
    from nnks.testing import toys

    return setup.make_problem(setup.make_system(override(toys.config("He"), CASES[case])))


@functools.cache
def evaluated(case, precision):
    """Energy, gradient and their precision at the same perturbed parameters."""
    from nnks import setup
    from nnks.testing.toys import noisy
    from nnks.types import cast

    exact = problem(case)
    params = noisy(exact.model.ansatz.init_params(jax.random.key(0)), 1, 0.05)
    some = setup.in_precision(exact, precision)
    params = cast(params, jnp.float32) if precision == "float32" else params
    loss = jax.jit(jax.value_and_grad(lambda x, p: x.loss(p, jax.random.key(0), jnp.int32(0))[0], argnums=1))
    total, gradient = loss(some, params)
    return total, ravel_pytree(gradient)[0]


@pytest.mark.parametrize(
    ("case", "precision"),
    [
        ("residual", "mixed"),
        ("neural_basis", "mixed"),
        ("lcgto", "mixed"),
        ("lcgto", "float32"),
    ],
)
def test_little_is_lost(case, precision):
    exact, slope = evaluated(case, "float64")
    total, gradient = evaluated(case, precision)
    dtype = jnp.float64 if precision == "mixed" else jnp.float32
    assert total.dtype == gradient.dtype == dtype
    assert 0 < abs(float(total) - float(exact)) < KEPT  # not zero: it is another precision
    np.testing.assert_allclose(gradient, slope, atol=1e-4 * float(jnp.linalg.norm(slope)))


def test_norms_of_single_precision_orbitals_are_summed_in_double(key):
    """A million equal points: their sum in float32 would be wrong in the fourth digit, one after the other."""
    from nnks.orthogonalize import ORTHOGONALIZERS, orthonormalize

    values = 1 + 0.1 * jax.random.normal(key, (1, 2, 100_000), jnp.float32)
    weights = jnp.full(100_000, 0.1, jnp.float32)
    mix = orthonormalize(ORTHOGONALIZERS["cholesky"].make(), values, weights, (2,))
    psi = np.einsum("sjp,sji->sip", np.asarray(values, float), np.asarray(mix, float))
    overlap = np.einsum("sip,sjp,p->sij", psi, psi, np.asarray(weights, float))
    assert mix.dtype == jnp.float32
    np.testing.assert_allclose(overlap[0], np.eye(2), atol=3e-6)


@pytest.mark.parametrize("precision", ["mixed", "float32"])
def test_a_run_ends_where_float64_does(precision, quick, tmp_path):
    import nnks

    runs = [
        nnks.run(quick(training__precision=p, training__steps=20, ansatz__guess="core"), results=tmp_path)
        for p in ("float64", precision)
    ]
    energies = [summary.energies["total"] for summary in runs]
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)  # second order in an error of 1e-4
    assert runs[0].values["precision_error"] is None
    assert 0 < runs[1].values["precision_error"] < KEPT  # it is looked at, and another precision


def test_a_run_says_so_where_its_precision_costs_more_than_a_microhartree_an_atom(quick, tmp_path, capsys, monkeypatch):
    import nnks
    from nnks.runs import experiment

    monkeypatch.setattr(experiment, "SINGLE", 1e-12)  # which helium exceeds after three steps
    nnks.run(quick(training__precision="float32", training__steps=3), results=tmp_path)
    assert "training.precision='float32' changes the energy by" in capsys.readouterr().err
