"""A hand-over ends where the second method alone ends, whatever the first one's batches.

A range test finds a rate that works.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.testing import toys

RANDOM = {"ansatz.guess": "random"}
BATCHES = {"sampler.name": "uniform", "sampler.batch_size": 400}


@functools.cache
def trained(name, steps, batches=False, **fields):
    """LiH from random orbitals: states and metrics of every step."""
    from nnks import setup
    from nnks.config import override
    from nnks.training import begin

    changes = {"optimizer.name": name, **{f"optimizer.{key}": value for key, value in fields.items()}}
    config = override(toys.config(), RANDOM | changes | (BATCHES if batches else {}))
    problem = setup.make_problem(setup.make_system(config))
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    step, states, metrics = optimizer.make_step(problem), [], []
    states.append(begin(optimizer, problem, problem.init_params(key), key))
    for _ in range(steps):
        state, numbers = step(states[-1])
        states.append(state)
        metrics.append({k: float(v) for k, v in numbers.items()})
    return problem, step, states, metrics


@pytest.mark.parametrize("batches", [False, True])
def test_it_ends_at_the_minimum(batches):
    """Within 1e-8 Ha of L-BFGS, whose gradient is below 1e-5 and error therefore below 1e-9.

    One change of phase, then on the full grid.
    """
    minimum = trained("lbfgs", 80)[3][-1]
    assert minimum["grad/norm"] < 1e-5
    _, _, _, metrics = trained("handover", 160, batches, patience=8)
    phases = [m["handover/phase"] for m in metrics]
    assert phases == sorted(phases)
    assert set(phases) == {1, 2}
    assert metrics[-1]["energy/total"] == pytest.approx(minimum["energy/total"], abs=1e-8)
    second = [m["energy/total"] for m in metrics if m["handover/phase"] == 2]
    assert np.all(np.diff(second) < 1e-9)


def test_the_second_phase_begins_where_the_first_no_longer_pays():
    _, _, _, metrics = trained("handover", 160, patience=8)
    energies = [m["energy/total"] for m in metrics if m["handover/phase"] == 1]
    gains = []
    for n in range(16, len(energies) + 1):
        before, after = np.mean(energies[n - 16 : n - 8]), np.mean(energies[n - 8 : n])
        gains.append((before - after) / (energies[0] - after))
    assert gains[-1] < 0.05
    assert all(gain >= 0.05 for gain in gains[:-1])


def test_numbers_of_a_step_are_those_of_the_state_before_in_both_phases():
    problem, _, states, metrics = trained("handover", 160, patience=8)
    switch = [m["handover/phase"] for m in metrics].index(2)
    loss = jax.jit(lambda problem, params: problem.loss(params, jax.random.key(0), jnp.int32(0))[0])
    for n in (0, switch - 1, switch, switch + 1, switch + 5):
        assert metrics[n]["energy/total"] == pytest.approx(float(loss(problem, states[n].params)), abs=1e-10)


def test_a_stored_state_goes_on_in_the_second_phase():
    _, step, states, metrics = trained("handover", 160, patience=8)
    n = [m["handover/phase"] for m in metrics].index(2) + 3
    leaves, tree = jax.tree.flatten(dataclasses.replace(states[n], key=jax.random.key_data(states[n].key)))
    stored = jax.tree.unflatten(tree, [jnp.asarray(np.array(x)) for x in leaves])
    again, _ = step(dataclasses.replace(stored, key=states[n].key))
    jax.tree.map(np.testing.assert_array_equal, again.params, states[n + 1].params)


@functools.cache
def ranged(name):
    from nnks import setup
    from nnks.config import override
    from nnks.training.range_test import Descent, range_test

    config = override(toys.config(), RANDOM | {"optimizer.name": name})
    problem = setup.make_problem(setup.make_system(config))
    descent = Descent(setup.make_optimizer(config, problem).recipe)
    params = problem.init_params(jax.random.key(0))
    return problem, descent, params, range_test(descent, problem, params, jax.random.key(0))


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_the_suggested_rate_beats_rates_far_from_it(name):
    """Thirty steps at a tenth, at it, and at thirty times it."""
    from nnks.training.state import initial_state

    problem, descent, params, suggested = ranged(name)
    ends = []
    for rate in (suggested.suggestion / 10, suggested.suggestion, 30 * suggested.suggestion):
        state = initial_state(params, descent.init(params), jax.random.key(0))
        for _ in range(31):
            state, metrics = descent.step(problem, state, jnp.float64(rate))
        ends.append(float(metrics["energy/total"]))
    assert ends[1] < min(ends[0], np.nan_to_num(ends[2], nan=np.inf)) - 1e-3


def test_the_suggestion_is_a_third_of_the_rate_at_which_the_energy_levels_out():
    """Of energies whose mean over five neighbors falls by up to 2.4 and then stays.

    Noise before and lower energies beyond count for nothing.
    """
    from nnks.training.range_test import RangeTest

    rates = np.geomspace(1e-4, 1, 18)
    energies = np.array([0, 0.01, 0, 0, 0.01, -3, -6, -9, -12, -12, -12, -12, -12, -12, -80, -90, np.nan, np.inf])
    assert RangeTest(rates, energies).suggestion == pytest.approx(
        rates[10] / 3
    )  # the first whose neighbors are all at -12
    assert RangeTest(rates[:1], energies[:1]).suggestion == pytest.approx(rates[0] / 3)
    assert RangeTest(rates[:1], energies[-1:]).suggestion == rates[0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first": "lbfgs"}, "optimizer.first is 'lbfgs'"),
        ({"second": "direct"}, "optimizer.second is 'direct'"),
        ({"learning_rate": -1.0}, "or 0 for a range test"),
        ({"second": "natural_gradient", "curvature": 0.03}, "only optimizer.second='lbfgs' uses"),
        ({"patience": 0}, "at least 1"),
        ({"gain": 1.0}, "between 0 and 1"),
    ],
)
def test_bad_settings_get_a_sentence(fields, words):
    from nnks.registry import InputError
    from nnks.training import OPTIMIZERS

    with pytest.raises(InputError, match=words):
        OPTIMIZERS.build({"name": "handover", **fields}, steps=10)


def test_a_minibatch_run_converges_in_its_second_phase(quick, tmp_path):
    import nnks

    changes = {"sampler__name": "uniform", "sampler__batch_size": 300, "optimizer__name": "handover"}
    summary = nnks.run(quick(**changes, training__steps=150), results=tmp_path)
    assert summary.converged
    assert summary.values["stopped"] == "converged"
    assert summary.steps < 150
    alone = nnks.run(quick(training__steps=60), results=tmp_path)
    assert summary.energies["total"] == pytest.approx(alone.energies["total"], abs=1e-8)


def test_rates_on_the_command_line(capsys, tmp_path):
    from nnks.cli import main

    base = ["rates", "--config=gaussian", "--config.system.molecule=He", "--config.system.basis=6-31g"]
    base += ["--config.quadrature.level=0", "--config.ansatz.guess=random"]
    picture = tmp_path / "rates.png"
    assert main([*base, "--config.optimizer.name=adam", f"--png={picture}"]) == 0
    assert "suggested: --config.optimizer.learning_rate=" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*base, "--config.optimizer.name=lbfgs"]) == 2
    assert "no learning rate to test" in capsys.readouterr().err
