"""Linear coefficients solved for: the Kohn-Sham equations hold, and the gradient is that of the minimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

KEY, STEP = 0, 0


@pytest.fixture(scope="module", params=["He", "Li", "H"])
def problem(request):
    from nnks import setup
    from nnks.config import default_config, override

    config = override(
        default_config(),
        {
            "system.molecule": request.param,
            "system.basis": "sto-3g",
            "quadrature.level": 1,
            "ansatz.name": "neural_basis",
            "ansatz.width": 6,
            "ansatz.depth": 1,
            "ansatz.envelopes": 2,
            "functional.auxiliary": "even_tempered",
        },
    )
    return setup.make_problem(setup.make_system(config))


@pytest.fixture(scope="module")
def params(problem):
    return problem.model.ansatz.init_params(jax.random.key(KEY))


@pytest.fixture(scope="module")
def loss(problem):
    compiled = jax.jit(lambda problem, p: problem.loss(p, jax.random.key(KEY), jnp.int32(STEP))[0])
    return lambda p: compiled(problem, p)


@pytest.fixture(scope="module")
def slope(problem, params):
    return jax.jit(jax.grad(lambda p, problem: problem.loss(p, jax.random.key(KEY), jnp.int32(STEP))[0]))(
        params, problem
    )


def test_it_lies_below_the_gaussian_start(problem, params, loss):
    fixed = jax.jit(lambda problem, p: problem.energies(p, jax.random.key(KEY), jnp.int32(STEP))["total"])
    assert float(loss(params)) < float(fixed(problem, params)) - 1e-3


def test_no_combination_of_the_functions_is_lower(problem, params, loss):
    """A minimum: small changes of the solved coefficients, of either sign, raise the energy."""
    from nnks.objective import settled

    best = settled(problem, params)
    energy = jax.jit(lambda problem, p: problem.energies(p, jax.random.key(KEY), jnp.int32(STEP))["total"])
    lowest = float(energy(problem, best))
    assert lowest == pytest.approx(float(loss(params)), abs=1e-9)
    noise = jax.random.normal(jax.random.key(3), best["coefficients"].shape)
    size = 1e-3 / float(jnp.linalg.norm(noise))
    for sign in (1, -1):
        moved = best | {"coefficients": best["coefficients"] + sign * size * noise}
        assert float(energy(problem, moved)) > lowest


def test_the_gradient_is_that_of_the_minimum(params, loss, slope):
    """The solution's own change with the network drops out: a central difference that solves anew agrees."""
    network = {k: v for k, v in params.items() if k != "coefficients"}
    leaves, tree = jax.tree.flatten(network)
    keys = jax.random.split(jax.random.key(7), len(leaves))
    direction = tree.unflatten([jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)])
    h = 1e-4

    def at(t):
        return float(loss(params | jax.tree.map(lambda x, d: x + t * d, network, direction)))

    products = jax.tree.map(jnp.vdot, {k: slope[k] for k in network}, direction)
    analytic = float(sum(jax.tree.leaves(products)))
    # h^2 of the third derivative, and 1e-8 / h from the solver's own tolerance
    assert analytic == pytest.approx((at(h) - at(-h)) / (2 * h), abs=2e-5, rel=2e-3)


def test_coefficients_are_not_trained(slope):
    np.testing.assert_array_equal(slope["coefficients"], 0.0)


def test_dependent_functions_are_dropped():
    from nnks.objective.variable_projection import stable_frame

    vectors = jax.random.normal(jax.random.key(0), (5, 40))
    vectors = jnp.concatenate([vectors, vectors[:1] + vectors[1:2], 1e3 * vectors[2:3]])  # two that are not new
    overlap = vectors @ vectors.T
    frame = stable_frame(overlap, 1e-10)
    kept = np.flatnonzero(jnp.sum(frame**2, axis=0))
    assert len(kept) == 5
    np.testing.assert_allclose((frame.T @ overlap @ frame)[np.ix_(kept, kept)], np.eye(5), atol=1e-9)


def test_minibatches_are_refused(quick):
    from nnks import setup
    from nnks.registry import InputError

    config = quick(
        ansatz__name="neural_basis", sampler__name="uniform", sampler__batch_size=100, optimizer__name="adam"
    )
    assert setup.make_problem(setup.make_system(config)).projection is None  # auto: trained
    config = quick(
        ansatz__name="neural_basis",
        ansatz__linear="solved",
        sampler__name="uniform",
        sampler__batch_size=100,
        optimizer__name="adam",
    )
    with pytest.raises(InputError, match="full grid"):
        setup.make_problem(setup.make_system(config))
