"""A stored run's orbitals can be taken away: evaluated at points, and given back to PySCF."""

import shutil

import numpy as np
import pytest
from pyscf import dft

import nnks
from nnks.registry import InputError


def stored(quick, tmp_path, **changes):
    return nnks.run(quick(**changes), tmp_path)


def grid_of(orbitals, level=0):
    grids = dft.gen_grid.Grids(orbitals.mole)
    grids.level = level
    return grids.build()


@pytest.mark.parametrize("molecule", ["H2", "Li"])
def test_coefficients_of_gaussian_orbitals_give_pyscf_the_same_energy(molecule, quick, tmp_path):
    run = stored(quick, tmp_path, system__molecule=molecule, optimizer__name="direct")
    orbitals = nnks.load_orbitals(run.path)
    mf = (dft.RKS if orbitals.mole.spin == 0 else dft.UKS)(orbitals.mole, xc="lda,vwn")
    mf.grids.level = 0
    matrices = np.einsum("sbi,si,sci->sbc", orbitals.coefficients, orbitals.occupations, orbitals.coefficients)
    assert mf.energy_tot(matrices[0] if len(matrices) == 1 else matrices) == pytest.approx(
        run.energies["total"], abs=1e-9
    )


def test_values_at_points_are_those_of_the_basis_in_blocks_of_any_number(quick, tmp_path, monkeypatch):
    run = stored(quick, tmp_path, system__molecule="Li", optimizer__name="direct")
    orbitals = nnks.load_orbitals(run.path)
    points = np.random.default_rng(0).normal(size=(70, 3))
    expected = np.einsum("pb,sbi->sip", dft.numint.eval_ao(orbitals.mole, points), orbitals.coefficients)
    np.testing.assert_allclose(orbitals.values(points), expected, atol=1e-12)
    monkeypatch.setattr("nnks.runs.stored_orbitals.BLOCK", 32)
    np.testing.assert_allclose(orbitals.values(points), expected, atol=1e-12)


def test_the_density_of_neural_orbitals_holds_their_electrons_and_its_orbital_energies(quick, tmp_path):
    run = stored(
        quick, tmp_path, ansatz__name="residual", ansatz__width=4, training__steps=3, training__held_out_steps=1
    )
    orbitals = nnks.load_orbitals(run.path)
    grid = grid_of(orbitals, level=2)
    assert orbitals.coefficients is None
    assert orbitals.density(grid.coords).sum(axis=0) @ grid.weights == pytest.approx(2, abs=1e-4)
    np.testing.assert_allclose(orbitals.energies, run.values["orbital_energies"], atol=1e-9)


def test_a_run_that_went_back_to_an_earlier_state_gives_that_state(quick, tmp_path):
    changes = {"ansatz__name": "residual", "ansatz__width": 8, "training__steps": 30}
    run = stored(quick, tmp_path, **changes, optimizer__name="natural_gradient", training__held_out_steps=1)
    assert run.values["stopped"] == "grid"
    orbitals = nnks.load_orbitals(run.path)
    np.testing.assert_allclose(orbitals.energies, run.values["orbital_energies"], atol=1e-9)


def test_what_is_no_finished_run_is_refused(quick, tmp_path):
    with pytest.raises(InputError, match="no finished run"):
        nnks.load_orbitals(tmp_path / "nothing")
    run = stored(quick, tmp_path, training__steps=1)
    with pytest.raises(InputError, match=r"must be \[points, 3\]"):
        nnks.load_orbitals(run.path).values([0.0, 0.0, 0.0])
    for path in (run.path / "checkpoints").iterdir():
        shutil.rmtree(path)
    with pytest.raises(InputError, match="no checkpoint"):
        nnks.load_orbitals(run.path)
    (run.path / "checkpoints").rmdir()
    with pytest.raises(InputError, match="no checkpoints any more"):
        nnks.load_orbitals(run.path)
