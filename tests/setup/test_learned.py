"""Orbitals in a learned basis, as it is and trained on: the energy is PySCF's in the same functions."""

import json
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.basis.files import write_set
from nnks.basis.learned import Layout, fresh_set
from nnks.interop.free_atoms import free_atom
from nnks.registry import InputError
from nnks.setup.learned import learned_set

SETTINGS = {
    "system.molecule": "HF",
    "system.basis": "sto-3g",
    "quadrature.level": 2,
    "ansatz.name": "learned_basis",
    "reference.pyscf": False,
    "reference.large_basis": "",
    "tracking.wandb": "disabled",
    "tracking.console": False,
}


def config(**changes):
    from nnks.config import default_config, override

    return override(default_config(), SETTINGS | {key.replace("__", "."): value for key, value in changes.items()})


def layouts(own):
    return Layout("H", 1, (1,), own[:2]), Layout("F", 9, (2, 1), own, 1 if own else 0)


def written(folder, own=(), deformed=1.0, molecules=()):
    """A set of free atoms' functions, deformed or not, in a file that says what it was trained on."""
    each = layouts(own)
    atoms = {layout.symbol: free_atom(layout.symbol, "lda,vwn", layout.atomic) for layout in each}
    learned = fresh_set(each, atoms, width=4, terms=2, seed=0)
    for params in learned.params.values():
        params["kernel_2"] = deformed * params["kernel_2"]
    path = folder / "mine.npz"
    with path.open("wb") as file:
        write_set(file, learned, {"functional": "lda,vwn", "molecules": list(molecules)})
    return str(path)


def same_functions(mol_of, symbol, atomic):
    """PySCF's description of contracted functions of a free atom."""
    atom = free_atom(symbol, "lda,vwn", atomic)
    shells = []
    for l, count in enumerate(atomic):
        for k in range(count):
            rows = zip(atom["exponents"][l], atom["coefficients"][l][k] / mol_of(l, atom["exponents"][l]), strict=True)
            shells.append([l, *([float(x), float(c)] for x, c in rows)])
    return shells


def test_undeformed_it_gives_pyscfs_energy_in_the_same_functions(tmp_path):
    """Free atoms' functions are contracted Gaussians, which PySCF knows, too; what differs is the quadrature."""
    from pyscf import dft, gto

    import nnks

    found = nnks.run(config(ansatz__basis=written(tmp_path, deformed=0.0)), tmp_path / "results")
    basis = {s: same_functions(gto.mole.gto_norm, s, atomic) for s, atomic in (("H", (1,)), ("F", (2, 1)))}
    from nnks.molecule import Molecule

    molecule = Molecule.from_spec("HF")
    positions = list(zip(molecule.symbols, np.asarray(molecule.positions).tolist(), strict=True))
    mf = dft.RKS(gto.M(atom=positions, unit="B", basis=basis, verbose=0), xc="lda,vwn")
    mf.grids.level = 5
    # what is left is the grid's, of level 2 here and of level 5 there; the run says how much that may be
    assert found.energies["total"] == pytest.approx(mf.kernel(), abs=2e-5)
    assert found.values["quadrature_error"] < 2e-5
    assert not found.values["violations"]


def test_deformed_functions_of_more_freedom_lie_lower_and_training_goes_on_from_there(tmp_path):
    import nnks

    small = {"quadrature__level": 0, "evaluation__level": 3}
    path = written(tmp_path, own=(0, 1))
    frozen = nnks.run(config(ansatz__basis=path, **small), tmp_path / "results")
    trained = {"ansatz__train": True, "training__steps": 4, "training__held_out_steps": 0}
    tuned = nnks.run(config(ansatz__basis=path, **small, **trained), tmp_path / "results")
    assert tuned.energies["total"] < frozen.energies["total"]
    file = tuned.path / "basis.npz"
    again = nnks.run(config(ansatz__basis=str(file), **small), tmp_path / "results")
    # the same functions, solved for with another fitting set on a coarse grid: far less apart than what training gained
    gained = frozen.energies["total"] - tuned.energies["total"]
    assert again.energies["total"] == pytest.approx(tuned.energies["total"], abs=0.1 * gained)
    assert not (frozen.path / "basis.npz").exists()


def test_a_new_set_is_trained_on_several_molecules_and_left_as_a_file(tmp_path, monkeypatch):
    """An interrupted training leaves it, too, as far as it has come."""
    import nnks
    from nnks import interruption
    from nnks.basis.files import load_set
    from nnks.runs import experiment

    settings = config(
        system__molecules="H2 | HF",
        system__molecule="water",
        quadrature__level=0,
        evaluation__level=0,
        ansatz__basis="new",
        ansatz__elements="H,F",
        ansatz__width=3,
        ansatz__terms=2,
        optimizer__name="adam",
        training__steps=2,
        training__molecules=1,
        training__held_out_steps=0,
    )
    real = experiment.iterate

    def interrupted(*args, **kwargs):
        for progress in real(*args, **kwargs):
            signal.raise_signal(signal.SIGINT)
            yield progress

    monkeypatch.setattr(experiment, "iterate", interrupted)
    with interruption.handled(at_once=False), pytest.raises(interruption.Interrupted):
        nnks.run(settings, tmp_path)
    monkeypatch.undo()
    (unfinished,) = tmp_path.rglob("basis.npz")
    assert load_set(str(unfinished))[1]["steps"] == 1
    run = nnks.run(settings, tmp_path)
    assert run.path / "basis.npz" == unfinished
    learned, about = load_set(str(run.path / "basis.npz"))
    assert about["steps"] == 2
    assert [layout.symbol for layout in learned.layouts] == ["H", "F"]
    assert [each["name"] for each in about["molecules"]] == ["H2", "HF"]
    assert all(np.isfinite(each["energy"]) for each in about["molecules"])
    assert json.loads((run.path / "summary.json").read_text())["molecules"].keys() == {"H2", "HF"}


def test_elements_are_added_to_a_set_whose_others_stay_as_they_are(tmp_path):
    """Water's energy is the same afterwards; lithium has been trained on, and a set without it refuses LiH."""
    import nnks
    from nnks.basis.files import load_set

    trained_on = [{"name": "HF", "symbols": ["H", "F"], "positions": [[0, 0, 0], [0, 0, 1.7]], "charge": 0, "spin": 0}]
    path = written(tmp_path, own=(0, 1), molecules=trained_on)
    settings = config(
        system__molecule="LiH",
        ansatz__basis=path,
        ansatz__train=True,
        ansatz__elements="Li",
        ansatz__size="minimal",
        quadrature__level=0,
        evaluation__level=0,
        training__steps=2,
        training__held_out_steps=0,
    )
    run = nnks.run(settings, tmp_path / "results")
    before = load_set(path)[0]
    after, about = load_set(str(run.path / "basis.npz"))
    assert [layout.symbol for layout in after.layouts] == ["H", "F", "Li"]
    jax.tree.map(np.testing.assert_array_equal, before.params, {s: after.params[s] for s in ("H", "F")})
    untrained = learned_set(settings)
    assert not np.array_equal(after.params["Li"]["kernel_2"], untrained.params["Li"]["kernel_2"])
    assert [each["name"] for each in about["molecules"]] == ["HF", "LiH"]
    assert about["from"].startswith("mine.npz#")
    points = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))
    centers = jnp.asarray([[0.0, 0.0, 0.0], [0.0, 0.0, 1.7]])
    old, new = (one.of(("H", "F"), centers).at(points, 0)[0] for one in (before, after))
    np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system__molecule": "water"}, "no functions for O"),
        ({"ansatz__width": 8}, "ansatz.width is 8, which nothing would read"),
        ({"ansatz__size": "minimal"}, "ansatz.size is 'minimal', which nothing would read"),
        (
            {"ansatz__size": "minimal", "ansatz__train": True, "ansatz__elements": "H"},
            "and the set has H; name another",
        ),
        ({"ansatz__elements": "H"}, "it names those that are trained; set ansatz.train to true"),
        ({"ansatz__linear": "trained"}, "ansatz.linear is 'trained', which nothing would read"),
        ({"reference__scf": True}, "reference.scf is True, which nothing would read"),
        ({"ansatz__guess": "core"}, "starts from its free atoms"),
        ({"ansatz__basis": "new", "ansatz__elements": "H,Xx"}, "ansatz.elements names 'Xx'"),
        ({"ansatz__basis": "new", "ansatz__size": "huge"}, "ansatz.size is 'huge'"),
    ],
)
def test_what_a_set_cannot_do_is_refused(changes, said, tmp_path):
    from nnks.runs.experiment import outline_of

    with pytest.raises(InputError, match=said) as refusal:
        outline_of(config(**({"ansatz__basis": written(tmp_path)} | changes)))
    assert "\n" not in str(refusal.value)


def test_electrons_of_free_atoms_fill_their_shells():
    from nnks.setup.learned import layout_of
    from nnks.setup.start import free_electrons

    each = tuple(layout_of(symbol, "double") for symbol in ("H", "C", "S"))
    atoms = {layout.symbol: free_atom(layout.symbol, "lda,vwn", layout.atomic) for layout in each[:1]}
    atoms |= {layout.symbol: {"exponents": [np.ones(1)] * 2, "coefficients": [np.ones((3, 1))] * 2} for layout in each}
    basis = fresh_set(each, atoms, width=2, terms=2, seed=0).of(("S", "H", "C"), jnp.zeros((3, 3)))
    electrons = free_electrons(basis)
    assert electrons.sum() == pytest.approx(16 + 1 + 6)
    carbon = electrons[5:19]
    np.testing.assert_allclose(carbon[:5], [2, 2, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(carbon[5:], 0)
    sulfur = electrons[19:]
    np.testing.assert_allclose(sulfur[:9], [2, 2, 2, 2, 2, 2, 4 / 3, 4 / 3, 4 / 3])
    assert jax.tree.leaves(basis)


def test_the_self_consistent_field_and_guesses_are_in_the_same_functions(tmp_path):
    """Solver and minimizer find one energy; the guess's density has the electrons that it is made of."""
    import nnks
    from nnks import blocks, setup

    settings = config(ansatz__basis=written(tmp_path), system__molecule="H2", quadrature__level=1, evaluation__level=1)
    system = setup.make_system(settings)
    scf = setup.scf_baseline(system)
    assert scf.converged
    run = nnks.run(settings, tmp_path / "results")
    # the solver's Coulomb energy is fitted, the run's final one Poisson's, on a coarse grid
    assert scf.energies["total"] == pytest.approx(run.energies["total"], abs=1e-4)
    density = blocks.density(system.blocks(system.grid, 0), *setup.guess_orbitals(system, "minao"))
    # of two atoms, whose functions overlap; each is normalized on the grid
    assert float(system.grid.weights @ density.total) == pytest.approx(2.0, abs=1e-6)


def trained_on(text, charge=0):
    from nnks.molecule import Molecule

    molecule = Molecule.from_spec(text)
    positions = np.asarray(molecule.positions).tolist()
    return {"name": text, "symbols": list(molecule.symbols), "positions": positions, "charge": charge}


def test_surroundings_that_no_molecule_of_the_training_had_are_said():
    from nnks import setup
    from nnks.molecule import Molecule

    def said(molecule, known, charge=0):
        return setup.beyond_training(Molecule.from_spec(molecule, charge=charge), known)

    hf, f2, h2 = trained_on("HF"), trained_on("F 0 0 0; F 0 0 1.41"), trained_on("H 0 0 0; H 0 0 0.74")
    assert said("HF", [hf]) == []
    assert said("H 0 0 0; F 0 0 1.0", [hf]) == []  # the same bond, a little longer
    (remark,) = said("F 0 0 0; F 0 0 0.95; F 0 0.95 0", [hf, h2])
    assert "no surroundings like those of F1, F2, F3" in remark
    (remark,) = said("HF", [f2])
    assert "H1" in remark
    (remark,) = said(
        "H 0 0 0; F 0 0 0.92; F 0 0 3.1", [hf, f2, trained_on("H 0 0 0; F 0 0 0.92; F 0 0 3.1")], charge=-1
    )
    assert "no anion" in remark


def test_a_file_that_does_not_say_what_it_was_trained_on_is_refused(tmp_path):
    from nnks.basis.files import load_set

    path = written(tmp_path, molecules=[{"symbols": ["H"], "positions": [[0, 0]], "charge": 0}])
    with pytest.raises(InputError, match="nothing sound of the molecules"):
        load_set(path)


def test_runs_that_are_trained_together_leave_a_basis_each(tmp_path):
    from nnks.basis.files import load_set
    from nnks.runs.ensemble import run_together
    from nnks.runs.members import batches

    shared = {"quadrature__level": 0, "evaluation__level": 0, "optimizer__name": "adam", "training__steps": 1}
    shared |= {"ansatz__basis": written(tmp_path), "ansatz__train": True, "ansatz__linear": "trained"}
    shared["training__held_out_steps"] = 0
    configs = [config(**shared, system__molecule="H2", optimizer__learning_rate=rate) for rate in (0.01, 0.02)]
    assert batches(configs) == [[0, 1]]
    sets = [load_set(str(run.path / "basis.npz"))[0] for run in run_together(configs, tmp_path / "runs", quiet=True)]
    one, other = (each.params["H"]["log_zeta"] for each in sets)
    assert np.abs(one - other).max() > 1e-3


def test_levels_of_the_final_energy_are_those_of_its_derivative(tmp_path):
    """Poisson's equation is solved once for value and derivative; on a grid its form is symmetric to 1e-4 Ha."""
    import dataclasses

    from nnks import setup
    from nnks.runs.evaluation import final_orbitals
    from nnks.runs.plan import plan

    ready = plan(config(ansatz__basis=written(tmp_path), optimizer__name="direct"))
    params = ready.problem.init_params(setup.run_key(ready.config))
    final = final_orbitals(ready.system, ready.problem, params)
    identity = jnp.eye(5)[None]

    def total(mix):
        mixed = dataclasses.replace(final.orbitals.mixed(mix), norms=jnp.sum(mix * mix, axis=1))
        return final.functional.energies(mixed)["total"]

    slope = jax.grad(total)(identity)[0] / 4  # two electrons an orbital, and twice the operator
    levels = jnp.linalg.eigvalsh(0.5 * (slope + slope.T))
    np.testing.assert_allclose(final.mo_energy[0], levels, atol=1e-4)
