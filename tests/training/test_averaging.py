"""The moving average of Gram matrices is unbiased and kept in the state.

Its derivative is the batch's, and it is refused where it has no sense.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

STEPS, WARM, BLOCK = 6208, 64, 64
SAMPLING = {"sampler.name": "uniform", "sampler.batch_size": 100, "optimizer.name": "adam"}


@pytest.fixture(scope="module")
def make():
    """LiH by quadrature on batches of 100 of 1694 points, from orbitals that are not orthonormal."""
    from nnks import setup
    from nnks.config import override
    from nnks.testing import toys

    def problem(**changes):
        base = SAMPLING | {
            "functional.one_electron": "quadrature",
            "functional.hartree": "density_fitting",
            "functional.fitting": "quadrature",
        }
        config = override(toys.config(), base | {k.replace("__", "."): v for k, v in changes.items()})
        return setup.make_problem(setup.make_system(config))

    return problem


@pytest.fixture(scope="module")
def steps():
    """The gradients along the rotation of many steps at fixed orbitals, and what was remembered at the end."""

    @jax.jit
    def run(problem, params, key):
        def one(kept, step):
            (_, evaluated), gradient = jax.value_and_grad(problem.loss, has_aux=True)(kept, key, step)
            return evaluated.remember(kept), gradient["rotation"].ravel()

        return jax.lax.scan(one, params, jnp.arange(STEPS))

    return run


@pytest.fixture(scope="module")
def measured(make, steps):
    """Of each choice: means of the gradient over blocks of steps, and the average at the end."""
    from nnks.testing.toys import noisy

    errors = {}
    for choice in ("batch", "ema"):
        problem = make(orthogonalizer__gram=choice)
        start = problem.init_params(jax.random.key(0))
        params = start | noisy(problem.model.ansatz.init_params(jax.random.key(0)), 5, 0.3)
        kept, gradients = steps(problem, params, jax.random.key(7))
        means = np.asarray(gradients)[WARM:].reshape(-1, BLOCK, gradients.shape[-1]).mean(axis=1)
        errors[choice] = means, problem, kept
    return errors


def full_gradient(problem, params):
    import dataclasses

    from nnks.quadrature import make_full

    full = dataclasses.replace(problem, sampler=make_full(grid=problem.grid))
    slope = jax.jit(jax.grad(lambda p, x: x.loss(p, jax.random.key(0), jnp.int32(0))[0]))(params, full)
    return np.asarray(slope["rotation"]).ravel()


@pytest.mark.slow
def test_it_takes_most_of_the_bias_off_the_gradient(measured):
    """In the direction that half of the blocks show, the others do, too: by 4 standard errors (of 48 blocks).

    On the same points the
    average has less of it by 4 standard errors of the difference."""
    means, problem, params = measured["batch"]
    exact = full_gradient(problem, params)
    along = (means - exact)[::2].mean(axis=0)
    along /= np.linalg.norm(along)
    bias = {choice: (means - exact)[1::2] @ along for choice, (means, *_) in measured.items()}

    def error(values):
        return values.std(ddof=1) / np.sqrt(len(values))

    assert bias["batch"].mean() > 4 * error(bias["batch"])
    less = bias["batch"] - bias["ema"]
    assert less.mean() > 4 * error(less)
    assert abs(bias["ema"].mean()) < bias["batch"].mean() - 2 * error(less)


def test_the_average_is_that_of_the_grid_with_little_noise(measured):
    """One average is within 5 of its own standard deviations, which is below half of a batch's."""
    from nnks.averaging import AVERAGE, grams

    _, problem, params = measured["ema"]
    average = params[AVERAGE]["sum"] / params[AVERAGE]["weight"]
    table, c = problem.model.table.values, problem.model.ansatz.coefficients(params)
    values = jnp.einsum("pb,sbi->sip", table, c)
    exact = grams(values, problem.grid.weights)
    batches = [problem.grid.take(problem.sampler.draw(jax.random.key(2), n)[0]) for n in range(20)]
    spread = np.std([grams(values[:, :, q.index], q.weights) for q in batches], axis=0)
    shrunk = spread * np.sqrt(0.1 / (2 * 1.9))
    assert np.all(np.abs(average - exact) < 5 * shrunk)


def test_its_derivative_is_the_batches(key):
    from nnks.averaging import AVERAGE, averaged, updated, with_average

    params = with_average({"x": jnp.ones(2)}, jnp.ones((1, 2)))
    first, second = (jnp.eye(2)[None] * scale for scale in (2.0, 4.0))
    np.testing.assert_array_equal(averaged(params, first), first)  # nothing yet: the batch's own
    for matrix in (first, second):
        params = params | {AVERAGE: updated(params, matrix, matrix, 0.5)}
    mean = (0.5 * first + second) / 1.5
    value, push = jax.jvp(lambda g: averaged(params, g), (3 * second,), (second,))
    np.testing.assert_allclose(value, mean, rtol=1e-15)
    np.testing.assert_array_equal(push, second)


@pytest.mark.parametrize("name", ["qr", "cholesky", "lowdin", "canonical"])
def test_every_member_orthonormalizes_a_matrix(name, key):
    from nnks.orthogonalize import ORTHOGONALIZERS, orthonormalize_gram

    values = jax.random.normal(key, (2, 3, 9))
    matrix = values @ jnp.swapaxes(values, 1, 2)
    mix = orthonormalize_gram(ORTHOGONALIZERS[name].make(), matrix, (3, 2))
    unit = jnp.swapaxes(mix, 1, 2) @ matrix @ mix
    np.testing.assert_allclose(unit, np.stack([np.eye(3), np.diag([1, 1, 0])]), atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sampler.name": "full"}, "averages over minibatches"),
        ({"orthogonalizer.decay": 1.0}, "below 1"),
    ],
)
def test_what_cannot_be_averaged_is_refused(changes, words):
    from nnks import setup
    from nnks.config import override
    from nnks.registry import InputError
    from nnks.testing import toys

    def make():
        setup.make_problem(setup.make_system(override(toys.config(), {"orthogonalizer.gram": "ema"} | changes)))

    with pytest.raises(InputError, match=words):
        make()


def test_the_average_is_not_a_parameter(make):
    from nnks.training.state import count_parameters

    problem = make(orthogonalizer__gram="ema")
    params = problem.init_params(jax.random.key(0))
    assert count_parameters(params) == count_parameters(problem.model.ansatz.init_params(jax.random.key(0)))
