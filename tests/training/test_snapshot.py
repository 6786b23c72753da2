"""A control variate leaves energies and gradients unbiased, cuts their variance, and ends nearer to the minimum."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.testing import toys

STOCHASTIC = {
    "ansatz.guess": "random",
    "functional.one_electron": "quadrature",
    "functional.hartree": "density_fitting",
    "functional.fitting": "quadrature",
    "optimizer.name": "adam",
}
BATCHES = {"sampler.name": "uniform", "sampler.batch_size": 300}


def prepared(*, batches=True, **changes):
    from nnks import setup
    from nnks.config import override
    from nnks.training import begin

    fixed = STOCHASTIC | (BATCHES if batches else {})
    config = override(toys.config(), fixed | {key.replace("__", "."): value for key, value in changes.items()})
    problem = setup.make_problem(setup.make_system(config))
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    return problem, optimizer, begin(optimizer, problem, problem.init_params(key), key)


def test_estimates_are_unbiased_and_vary_less():
    """Plain descent with rate 1 shows the gradient as a difference of parameters.

    300 batches, means within 4.5 standard errors.
    """
    from nnks.objective import whole

    settings = {"optimizer__name": "sgd", "optimizer__learning_rate": 1.0}
    problem, optimizer, state = prepared(training__control_steps=1000, **settings)
    _, plain, _ = prepared(**settings)
    anchored, _ = optimizer.make_step(problem)(state)
    moved = jax.tree.map(lambda x: x + 1e-3 * jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape), state.params)
    exact, gradient = jax.value_and_grad(whole(problem).loss, has_aux=True)(moved, state.key, jnp.int32(0))
    gradient = np.concatenate([np.ravel(x) for x in jax.tree.leaves(gradient)])

    def estimates(method, opt_state):
        step, totals, slopes = method.make_step(problem), [], []
        for n in range(1, 301):
            start = dataclasses.replace(state, params=moved, opt_state=opt_state, step=jnp.int32(n))
            end, metrics = step(start)
            totals.append(float(metrics["energy/total"]))
            change = jax.tree.map(jnp.subtract, moved, end.params)
            slopes.append(np.concatenate([np.ravel(x) for x in jax.tree.leaves(change)]))
        return np.array(totals), np.array(slopes)

    totals, slopes = estimates(optimizer, anchored.opt_state)
    rough, steep = estimates(plain, plain.init(problem, moved, state.key))
    error = totals.std(ddof=1) / 300**0.5
    assert abs(totals.mean() - float(exact[0])) < 4.5 * error
    errors = slopes.std(axis=0, ddof=1) / 300**0.5
    assert np.all(np.abs(slopes.mean(axis=0) - gradient) < 4.5 * errors + 1e-12)
    # so near to the anchor the variances fall by orders of magnitude; F-tests with 300 draws resolve a factor of 1.5
    assert totals.var() < 0.01 * rough.var()
    assert slopes.var(axis=0).sum() < 0.01 * steep.var(axis=0).sum()


def test_it_ends_nearer_to_the_minimum():
    """At equal steps and a constant learning rate, whose noise is what keeps minibatch training away.

    The error is of the whole grid.
    """
    from nnks.objective import whole

    def error(every):
        problem, optimizer, state = prepared(optimizer__learning_rate=1e-2, training__control_steps=every)
        step = optimizer.make_step(problem)
        for _ in range(400):
            state, _ = step(state)
        return float(whole(problem).loss(state.params, state.key, jnp.int32(0))[0])

    problem, optimizer, state = prepared(batches=False, optimizer__name="lbfgs")
    step = optimizer.make_step(problem)
    for _ in range(40):
        state, metrics = step(state)
    lowest = float(metrics["energy/total"])
    with_control, without = error(50) - lowest, error(0) - lowest
    assert 0 <= with_control < 0.2 * without


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batches": False}, "no variance to reduce"),
        ({"orthogonalizer__gram": "ema"}, "of the parameters and the batch alone"),
        ({"training__control_steps": -1}, "from 0 to"),
        ({"optimizer__name": "natural_gradient"}, "optimizer.name='adam'"),
    ],
)
def test_what_it_cannot_do_is_refused(changes, words):
    from nnks.registry import InputError

    with pytest.raises(InputError, match=words):
        prepared(**{"training__control_steps": 50, **changes})
