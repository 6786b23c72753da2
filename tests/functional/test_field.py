"""A uniform electric field as a term that a config adds: its energy, its derivative, its reference."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nnks
from nnks.functional import Field
from nnks.functional.field import AnalyticField, QuadratureField
from nnks.testing import check_term, toys

STRENGTH = 1e-3
"""Of a field [Ha/(e Bohr)]: the energy's third derivative moves the dipole by 1e-5 e Bohr."""


def config(**changes):
    quiet = {"tracking.wandb": "disabled", "tracking.console": False, "reference.large_basis": ""}
    system = {"system.molecule": "HF", "system.basis": "6-31g", "functional.xc": "pbe,pbe", "quadrature.level": 2}
    return nnks.load_config(
        "gaussian", quiet | system | {key.replace("__", "."): value for key, value in changes.items()}
    )


def dipole_of_pyscf(basis, level=2):
    """PySCF's analytic dipole moment [e Bohr] of hydrogen fluoride."""
    from pyscf import dft, gto

    molecule = nnks.Molecule.from_spec("HF")
    atoms = [(symbol, tuple(map(float, x))) for symbol, x in zip(molecule.symbols, molecule.positions, strict=True)]
    mf = dft.RKS(gto.M(atom=atoms, unit="bohr", basis=basis, verbose=0), xc="pbe,pbe")
    mf.grids.level, mf.conv_tol = level, 1e-11
    mf.kernel()
    return mf.dip_moment(unit="AU", verbose=0)


def test_it_keeps_the_contract_of_a_term_and_is_linear_in_the_field():
    strength, nuclei = jnp.array([0.1, -0.2, 0.3]), jnp.asarray(0.4)
    check_term(QuadratureField(strength, jnp.zeros(())))
    x = toys.orbitals()
    slope = jax.grad(lambda f: QuadratureField(f, nuclei)(x, x))(strength)
    dipole = x.quadrature.integrate(x.density().total[None, :] * x.quadrature.points.T)
    np.testing.assert_allclose(slope, dipole, rtol=1e-12, atol=1e-14)


def test_integrals_and_quadrature_agree():
    """The quadrature of a level 3 grid holds a dipole moment to a few microhartree per unit of field."""
    from nnks import setup

    system = setup.make_system(config(quadrature__level=3))
    problem = setup.make_problem(system)
    x = problem.model(problem.init_params(jax.random.key(0)), system.grid.quadrature())
    spec = Field(0.0, 0.0, 0.5)
    term = spec.on(setup.functional.OnGrid(system, system.grid, "exact", "auto", True, "analytic"))
    other = spec.on(setup.functional.OnGrid(system, system.grid, "exact", "auto", True, "quadrature"))
    assert isinstance(term, AnalyticField)
    assert isinstance(other, QuadratureField)
    assert float(term(x, x)) == pytest.approx(float(other(x, x)), abs=1e-5)
    matrix = jnp.sum(x.density_matrix(), axis=0)
    assert float(term.of_matrix(matrix)) == pytest.approx(float(term(x, x)), abs=1e-12)


def test_energies_in_a_field_have_pyscfs_dipole_and_pyscfs_energy(tmp_path):
    summaries = [nnks.run(config(functional__terms={"field": {"z": z}}), tmp_path) for z in (STRENGTH, -STRENGTH)]
    low, high = (summary.energies["total"] for summary in summaries)
    assert (high - low) / (2 * STRENGTH) == pytest.approx(dipole_of_pyscf("6-31g")[2], abs=1e-4)
    for summary in summaries:
        assert not summary.values["violations"]
        same = summary.values["reference_terms"]["pyscf/6-31g"]
        assert summary.energies["total"] == pytest.approx(same["total"], abs=1e-8)
        assert summary.energies["field"] == pytest.approx(
            same["field"], abs=1e-6
        )  # of first order in the orbitals' error
        assert sum(same[name] for name in same if name != "total") == pytest.approx(same["total"], abs=1e-9)
        assert summary.values["virial"] is None


def test_the_self_consistent_field_feels_it(tmp_path):
    summary = nnks.run(config(functional__terms__field__z=0.01, reference__scf=True), tmp_path)
    assert summary.reference["scf"] == pytest.approx(summary.energies["total"], abs=1e-8)
    assert summary.reference["pyscf/6-31g"] == pytest.approx(summary.energies["total"], abs=1e-8)


def test_the_direct_minimizer_feels_it_and_tests_the_minimum(tmp_path):
    changes = {"functional.terms.field.z": 0.01, "optimizer.name": "direct"}
    summary = nnks.run(nnks.config.override(config(), changes), tmp_path)
    assert summary.reference["pyscf/6-31g"] == pytest.approx(summary.energies["total"], abs=1e-8)


@pytest.mark.parametrize("symbol", ["He", "Ne"])
def test_the_energy_of_an_atom_falls_with_the_square_of_the_field(symbol):
    """It is even in the field, and the second derivative is minus the polarizability."""
    from nnks import setup
    from nnks.setup import scf_baseline

    def energy(z):
        changes = {"system.molecule": symbol, "functional.xc": "lda,vwn", "functional.terms.field.z": z}
        return scf_baseline(setup.make_system(nnks.config.override(config(), changes))).energies["total"]

    zero, up, down = energy(0.0), energy(0.02), energy(-0.02)
    assert up == pytest.approx(down, abs=1e-9)
    if symbol == "Ne":  # the s functions of 6-31G alone do not polarize helium
        assert up < zero - 1e-6


def test_a_run_in_a_field_is_another_run_and_one_without_is_what_it_was():
    from nnks.config import to_dict
    from nnks.tracking import config_hash

    plain = to_dict(config())
    before = {**plain, "functional": {k: v for k, v in plain["functional"].items() if k != "terms"}}
    assert config_hash(plain) == config_hash(before)  # of a time when there were no such terms
    assert config_hash(to_dict(config(functional__terms__field__z=0.1))) != config_hash(plain)


def test_references_in_a_field_are_others():
    from nnks.interop.reference import ReferenceSpec, identity

    water = nnks.Molecule.from_spec("water")
    plain = ReferenceSpec("6-31g", "lda,vwn", True, 5)
    field = dataclasses.replace(plain, terms=(("field", (("x", 0.0), ("y", 0.0), ("z", 0.1))),))
    assert "terms" not in identity(water, plain)  # what is shipped and cached answers for it
    assert identity(water, field)["terms"] == [["field", {"x": 0.0, "y": 0.0, "z": 0.1}, ""]]


def test_the_slope_by_a_field_is_minus_the_dipole_of_the_stored_orbitals(tmp_path):
    """The envelope theorem: what the converged energy does is what the term does at fixed orbitals."""
    summary = nnks.run(config(functional__terms={"field": {"z": 0.0}}, reference__pyscf=False), tmp_path)
    field = nnks.load_orbitals(summary.path).energy_slope("field")
    # by the matrix F.r it is the density matrix, by the nuclei's energy it is one
    matrix = np.einsum("pq,pq", field.integrals, nnks_dipole(summary)[2])
    molecule = nnks.Molecule.from_spec("HF")
    nuclei = float(molecule.charges @ np.asarray(molecule.positions)[:, 2])
    assert float(field.nuclei) == 1.0
    assert nuclei - matrix == pytest.approx(dipole_of_pyscf("6-31g")[2], abs=1e-5)


def nnks_dipole(summary):
    """The position in the basis of a run [3 basis basis]."""
    return nnks.load_orbitals(summary.path).mole.intor_symmetric("int1e_r", comp=3)
