"""Every energy term from minibatches: without bias for fixed orbitals, under every sampler."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

DRAWS, BATCH = 1000, 300
SAMPLERS = {
    "uniform": {"sampler.name": "uniform"},
    "uniform, replaced": {"sampler.name": "uniform", "sampler.replacement": True},
    "stratified": {"sampler.name": "stratified"},
    "importance": {"sampler.name": "importance"},
}
CASES = [(sampler, hartree) for hartree in ("density_fitting", "pairwise") for sampler in SAMPLERS]
CASES += [("stratified", "poisson")]  # noisy where few of a shell's points are drawn


@functools.cache
def problem(sampler, hartree):
    """LiH: every term by quadrature, orbitals orthonormal in the basis, so that they are the same in every batch."""
    from nnks import setup
    from nnks.config import default_config, override

    changes = {
        "system.molecule": "LiH",
        "system.basis": "sto-3g",
        "quadrature.level": 0,
        "functional.one_electron": "quadrature",
        "functional.hartree": hartree,
        "functional.fitting": "quadrature",
    }
    if sampler:
        changes |= SAMPLERS[sampler] | {"sampler.batch_size": BATCH}
    return setup.make_problem(setup.make_system(override(default_config(), changes)))


@jax.jit
def estimates(problem, params, key):
    return jax.lax.map(lambda step: problem.energies(params, key, step), jnp.arange(DRAWS))


@pytest.mark.parametrize(("sampler", "hartree"), CASES)
def test_every_term_is_unbiased(sampler, hartree, key):
    """The mean of 1000 steps is the sum over the grid within 4 standard errors, and one error is below 3 %."""
    some = problem(sampler, hartree)
    params = some.model.ansatz.init_params(key)
    full = jax.jit(lambda p, x: p.energies(x, jax.random.key(0), jnp.int32(0)))(problem("", hartree), params)
    drawn = estimates(some, params, key)
    for name in ("kinetic", "external", "xc", "hartree", "total"):
        # steps of one epoch repel each other, which only narrows the mean: the bound is safe
        values, exact = np.asarray(drawn[name]), float(full[name])
        error = values.std(ddof=1) / np.sqrt(DRAWS)
        assert abs(values.mean() - exact) < 4 * error, name
        assert 0 < error < 0.03 * abs(exact), name
