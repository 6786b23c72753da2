"""Several molecules, one network: the objective is a sum of single ones; a run trains, resumes and reports."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.registry import InputError

SETTINGS = {
    "system.molecules": "H2 | HF",
    "system.basis": "sto-3g",
    "quadrature.level": 0,
    "quadrature.pruning": "sg1",
    "ansatz.name": "residual",
    "ansatz.width": 3,
    "ansatz.depth": 1,
    "optimizer.name": "adam",
    "training.steps": 4,
    "training.held_out_steps": 0,
    "evaluation.level": 0,
    "reference.pyscf": False,
    "reference.large_basis": "",
    "tracking.wandb": "disabled",
    "tracking.console": False,
}


def config(**changes):
    from nnks.config import default_config, override

    return override(default_config(), SETTINGS | {key.replace("__", "."): value for key, value in changes.items()})


@pytest.fixture(scope="module")
def objective():
    from nnks.runs.several import plan_of_several, sketch_of_several

    return plan_of_several(sketch_of_several(config())).problem


@pytest.fixture(scope="module")
def variables(objective):
    start = objective.init_params(jax.random.key(0))
    leaves, tree = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    noisy = [x + 0.05 * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    return tree.unflatten(noisy)


@pytest.fixture(scope="module")
def gradient():
    return jax.jit(lambda o, v: jax.value_and_grad(o.loss, has_aux=True)(v, jax.random.key(0), jnp.int32(0)))


def test_networks_are_shared_and_what_belongs_to_a_molecule_is_not(objective):
    variables = objective.init_params(jax.random.key(0))
    assert set(variables.shared) == {"Dense_0", "Dense_1"}
    assert [set(own) for own in variables.local] == [{"rotation", "log_zeta"}] * 2
    # the carbon-like spread of fluorine's exponents is not hydrogen's
    assert not np.allclose(variables.local[0]["log_zeta"], variables.local[1]["log_zeta"])


def test_the_sum_of_energies_and_its_gradient(objective, variables, gradient):
    weighted = dataclasses.replace(objective, weights=jnp.array([0.5, 2.0]))
    (total, evaluated), slope = gradient(weighted, variables)
    parts = [gradient(problem, variables.of(n)) for n, problem in enumerate(objective.problems)]
    energies = [float(value) for (value, _), _ in parts]
    # float64, summed in another order
    assert float(total) == pytest.approx(0.5 * energies[0] + 2.0 * energies[1], abs=1e-10)
    assert [float(evaluated.energies[label]) for label in ("H2", "HF")] == pytest.approx(energies, abs=1e-10)
    kernel = [g["Dense_0"]["kernel"] for _, g in parts]
    np.testing.assert_allclose(slope.shared["Dense_0"]["kernel"], 0.5 * kernel[0] + 2.0 * kernel[1], atol=1e-9)
    np.testing.assert_allclose(slope.local[1]["rotation"], 2.0 * parts[1][1]["rotation"], atol=1e-9)


def test_a_pass_with_one_update_is_a_step_of_the_sum(objective, variables, gradient):
    import optax

    from nnks.training.passes import make_pass
    from nnks.training.state import initial_state

    optimizer = optax.sgd(1e-2)
    state = initial_state(variables, optimizer.init(variables), jax.random.key(0))
    after, metrics = make_pass(optimizer, objective)(state)
    (total, _), slope = gradient(objective, variables)
    assert float(metrics["energy/total"]) == pytest.approx(float(total), abs=1e-10)
    expected = jax.tree.map(lambda x, g: x - 1e-2 * g, variables, slope)
    for here, there in zip(jax.tree.leaves(after.params), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(here, there, atol=1e-10)


def test_a_pass_visits_every_molecule_once_in_an_order_of_its_own(objective):
    from nnks.training.passes import updates_of, visits
    from nnks.training.state import initial_state

    one = dataclasses.replace(objective, problems=objective.problems * 3, together=2)
    assert updates_of(one) == 3
    orders = set()
    for step in range(4):
        state = dataclasses.replace(initial_state({}, None, jax.random.key(3)), step=jnp.int32(step))
        groups = visits(one, state)
        assert [len(group) for group in groups] == [2, 2, 2]
        assert sorted(index for group in groups for index in group) == list(range(6))
        orders.add(str(groups))
    assert len(orders) > 1


def test_a_run_reports_each_molecule_and_resumes_bit_by_bit(tmp_path, monkeypatch):
    """Interrupted after two passes with an update after each molecule, it ends where it would have ended."""
    import nnks
    from nnks.runs import experiment

    settings = config(training__molecules=1, training__checkpoint_steps=1)
    whole, real = nnks.run(settings, tmp_path / "whole"), experiment.iterate

    def interrupted(*args, **kwargs):
        for progress in real(*args, **kwargs):
            if progress.step == 3:
                raise KeyboardInterrupt
            yield progress

    monkeypatch.setattr(experiment, "iterate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nnks.run(settings, tmp_path / "parts")
    monkeypatch.undo()
    parts = nnks.run(settings, tmp_path / "parts")
    assert parts.energies == whole.energies
    stored = json.loads((whole.path / "summary.json").read_text())
    totals = [stored["molecules"][label]["energies"]["total"] for label in ("H2", "HF")]
    assert sum(totals) == pytest.approx(whole.energies["total"], abs=1e-10)
    # in the order of the labels: above the limits that come with nnks, after four steps on a coarse grid
    assert -1.1375 < totals[0] < -0.9
    assert -99.8516 < totals[1] < -90.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system__molecules": "H2 | water"}, "as many atoms"),
        ({"system__molecules": "H2 | | HF"}, "nothing between"),
        ({"system__charge": 1}, "names several"),
        ({"system__molecule": "CO"}, "give molecules once"),
        ({"optimizer__name": "natural_gradient"}, "orbitals of one molecule"),
        ({"optimizer__name": "lbfgs", "training__molecules": 1}, "the same energy"),
        ({"training__molecules": 3}, "choose 1 to 2"),
        ({"system__molecules": "", "training__molecules": 1}, "there is one molecule"),
    ],
)
def test_what_is_not_of_several_is_refused(changes, said):
    from nnks.runs.experiment import outline_of

    with pytest.raises(InputError, match=said) as refusal:
        outline_of(config(**changes))
    assert "\n" not in str(refusal.value)


def test_a_fixed_basis_has_nothing_to_share():
    """Two molecules of equal shapes would otherwise share rotations, which mean something else for each."""
    from nnks.config import default_config, override
    from nnks.runs.experiment import outline_of

    settings = {key: value for key, value in SETTINGS.items() if not key.startswith("ansatz.")}
    with pytest.raises(InputError, match="no parameters but coefficients"):
        outline_of(override(default_config(), settings | {"system.molecules": "H2 | H 0 0 0; H 0 0 1"}))


def test_molecules_that_no_update_sees_say_when_to_stop(tmp_path, monkeypatch):
    """The state is kept in which the sum of their energies is lowest; an energy is that of the networks as they are."""
    import nnks
    from nnks.training import unseen

    settings = config(training__validation="LiH", training__patience=2, training__steps=30)
    energies = iter([-2.8, -2.9, -2.7, -2.6, -3.0])
    real = unseen.UnseenMolecules.energies

    def rising(self, params):
        ((label, energy),) = real(self, params).items()
        (problem,) = self.objective.problems
        own = {**params.shared, **self.start.local[0]}
        assert energy == pytest.approx(float(problem.loss(own, jax.random.key(0), jnp.int32(0))[0]), abs=1e-9)
        return {label: next(energies)}

    monkeypatch.setattr(unseen.UnseenMolecules, "energies", rising)
    run = nnks.run(settings, tmp_path)
    assert run.values["stopped"] == "validation"
    assert run.values["steps"] == 2  # the fourth evaluation is the second without a new lowest sum
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["energy/validation"] for row in rows] == [-2.8, -2.9, -2.7, -2.6]
    assert rows[0]["validation/LiH"] == -2.8


HF_WRITTEN = "2\nname=other\nH 0 0 0\nF 0 0 0.9168"
"""The library's, under another name."""


def test_what_validation_cannot_be_is_refused():
    from nnks.runs.experiment import outline_of

    for changes, said in (
        ({"training__validation": "HF"}, "which system.molecules names, too"),
        ({"training__validation": HF_WRITTEN}, "which system.molecules names, too"),
        ({"training__validation": "LiH", "training__held_out_steps": 1}, "which compares grids"),
        ({"training__patience": 3}, "name some by training.validation"),
    ):
        with pytest.raises(InputError, match=said):
            outline_of(config(**changes))


def test_displaced_copies_are_the_same_for_a_seed_and_stand_after_their_molecule():
    """Atoms alone have none; coordinates move by as much as was asked, in either unit."""
    from nnks import setup
    from nnks.molecule import Molecule

    water = "3\nname=water weight=2.5\nO 0 0 0\nH 0 0.76 0.59\nH 0 -0.76 0.59"
    one = config(system__molecules=f"H | {water}", training__displaced=40, training__displacement=0.1)
    configs = setup.training_set(setup.self_contained(one))
    assert setup.labels_of(configs)[:3] == ("H", "water", "water-1")
    assert len(configs) == 42
    assert setup.weights_of(configs) == [1.0] + 41 * [2.5]
    again = setup.training_set(setup.self_contained(one))
    assert [each.system.molecule for each in again] == [each.system.molecule for each in configs]
    positions = np.array([Molecule.from_spec(each.system.molecule).positions for each in configs[1:]])
    spread = np.std((positions[1:] - positions[0]) * 0.529177)
    assert spread == pytest.approx(0.1, rel=4 / np.sqrt(2 * 360))  # four standard errors of 360 numbers
    bohr = config(
        system__molecules="O 0 0 0; H 0 1.4 1.1; H 0 -1.4 1.1 | H", system__unit="bohr", training__displaced=1
    )
    copied = setup.training_set(bohr)[1].system
    moved = Molecule.from_spec(copied.molecule, unit=copied.unit).positions
    assert 0.01 < np.abs(moved - np.array([[0, 0, 0], [0, 1.4, 1.1], [0, -1.4, 1.1]])).max() < 0.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training__displacement": 0.2}, "no copies are displaced"),
        ({"system__molecules": "H2 | 2\nname=x weight=-1\nH 0 0 0\nF 0 0 0.9"}, "expected a positive number"),
    ],
)
def test_what_a_training_set_cannot_be_is_refused(changes, said):
    from nnks import setup

    with pytest.raises(InputError, match=said):
        setup.weights_of(setup.training_set(config(**changes)))


def test_weights_count_in_energy_and_gradient(objective):
    """Twice the first molecule: its energy and its part of the gradient once more."""
    params = objective.init_params(jax.random.key(0))
    twice = dataclasses.replace(objective, weights=jnp.asarray([2.0, 1.0]))
    first = dataclasses.replace(objective, weights=jnp.asarray([1.0, 0.0]))
    slope = jax.grad(lambda p, each: each.loss(p, jax.random.key(0), jnp.int32(0))[0])
    once, more, own = (slope(params, each) for each in (objective, twice, first))
    jax.tree.map(lambda a, b, c: np.testing.assert_allclose(b, a + c, atol=1e-9), once, more, own)


def test_an_energy_of_unseen_molecules_that_is_not_finite_ends_the_run(tmp_path, monkeypatch):
    import nnks
    from nnks.training import TrainingDiverged, unseen

    monkeypatch.setattr(unseen.UnseenMolecules, "energies", lambda *_: {"LiH": float("nan")})
    with pytest.raises(TrainingDiverged, match="validation/LiH was not finite"):
        nnks.run(config(training__validation="LiH"), tmp_path)


def test_unseen_molecules_count_by_their_weights_and_need_no_second_grid():
    from nnks.runs.several import plan_of_several, sketch_of_several

    fluoride = "2\nname=LiF weight=3\nLi 0 0 0\nF 0 0 1.56"
    settings = config(training__validation=f"LiH | {fluoride}", training__held_out_steps=None)
    ready = plan_of_several(sketch_of_several(settings))
    assert ready.stopping.molecules == ("LiH", "LiF")
    assert ready.stopping.held_out.objective.weights.tolist() == [1.0, 3.0]
    assert all(member.stopping is None for member in ready.members)
