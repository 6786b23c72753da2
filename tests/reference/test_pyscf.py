"""Energies against PySCF: same basis, same functional, same grid; every term."""

import jax.numpy as jnp
import numpy as np
import pytest

pytestmark = pytest.mark.reference

TOTAL = 1e-6  # Ha; asked of every molecule (measured: below 2e-9)
TERM = 1e-5  # Ha; terms are linear in the orbitals' error, the total is quadratic


def solve(molecule, xc="lda,vwn", hartree="exact", level=3, **changes):
    """Trains as `nnks run` does, without a store, and returns everything to compare."""
    from nnks import setup
    from nnks.config import default_config, override
    from nnks.runs.evaluation import evaluate
    from nnks.training import Convergence, begin, iterate

    config = override(
        default_config(),
        {
            "system.molecule": molecule,
            "functional.xc": xc,
            "functional.hartree": hartree,
            "quadrature.level": level,
        }
        | changes,
    )
    system = setup.make_system(config)
    problem = setup.make_problem(system)
    optimizer = setup.make_optimizer(config, problem)
    key = setup.run_key(config)
    params = problem.model.ansatz.init_params(key)
    state = begin(optimizer, problem, params, key)
    convergence = Convergence(config.training.energy_tolerance, config.training.gradient_tolerance)
    totals, converged = [], False
    for progress in iterate(optimizer.make_step(problem), state, until=config.training.steps):
        state = progress.state
        totals.append((int(state.evaluations), progress.metrics["energy/total"]))
        converged = convergence.reached(progress.metrics)
        if converged:
            break
    return system, evaluate(system, problem, state.params), totals, converged


def pyscf(system, auxiliary=None):
    from nnks.interop.reference import ReferenceSpec, reference

    c = system.config
    spec = ReferenceSpec(c.system.basis, c.functional.xc, system.restricted, c.quadrature.level, auxiliary=auxiliary)
    computed = reference(system.molecule, spec)
    assert computed["converged"]
    assert computed["stable"]
    return computed["energies"]


def check(outcome, expected):
    for name, value in expected.items():
        tolerance = TOTAL if name == "total" else TERM
        assert outcome.energies[name] == pytest.approx(value, abs=tolerance), name


CLOSED = ["H2", "LiH", "water", "N2"]
OPEN = ["O2", "N", "Li", "H"]
LARGER = ["CH4", "C2H5OH", "C6H6"]


def also_slow(quick, cases):
    """Every case of a list; those that are not quick only with `-m slow`."""
    return [case if case in quick else slow(case) for case in cases]


def slow(case):
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)


CASES = [(molecule, xc) for molecule in CLOSED + OPEN + LARGER for xc in ("lda,vwn", "pbe,pbe")]
QUICK = [("water", "lda,vwn"), ("water", "pbe,pbe"), ("LiH", "lda,vwn"), ("O2", "pbe,pbe"), ("N", "lda,vwn")] + [
    ("H", xc) for xc in ("lda,vwn", "pbe,pbe")
]


@pytest.mark.parametrize(("molecule", "xc"), also_slow(QUICK, CASES))
def test_lcgto_equals_pyscf(molecule, xc):
    system, outcome, _, converged = solve(molecule, xc)
    assert converged
    check(outcome, pyscf(system))
    assert outcome.electrons == pytest.approx(sum(system.molecule.nelec), abs=1e-3)  # level-3 quadrature error


@pytest.mark.parametrize("xc", ["lda,", "lda,pw", "blyp", "r2scan"])
def test_other_functionals_on_water(xc):
    system, outcome, _, converged = solve("water", xc, level=1)
    assert converged
    check(outcome, pyscf(system))


@pytest.mark.parametrize("molecule", also_slow(["water", "Li"], CLOSED + OPEN + LARGER))
def test_density_fitting_equals_pyscf_density_fitting(molecule):
    system, outcome, _, converged = solve(molecule, hartree="density_fitting")
    assert converged
    check(outcome, pyscf(system, auxiliary="auto"))


@pytest.mark.parametrize("xc", ["lda,vwn", "pbe,pbe"])
@pytest.mark.parametrize("molecule", also_slow(["water", "O2"], CLOSED + OPEN + LARGER))
def test_scf_agrees(molecule, xc):
    from nnks import setup
    from nnks.config import default_config, override

    system = setup.make_system(override(default_config(), {"system.molecule": molecule, "functional.xc": xc}))
    result = setup.scf_baseline(system)
    assert result.converged
    for name, value in pyscf(system).items():
        assert result.energies[name] == pytest.approx(value, abs=TOTAL if name == "total" else TERM)


@pytest.mark.parametrize("molecule", ["water", pytest.param("C6H6", marks=pytest.mark.slow)])
def test_few_gradients_from_minao(molecule):
    _, outcome, totals, _ = solve(molecule, level=1)
    final = outcome.energies["total"]
    needed = next(count for count, total in totals if total - final < 1e-8)
    assert needed <= 12  # a prototype needed 8


@pytest.mark.slow
def test_quadrature_terms_approach_analytic_ones():
    """Kinetic, external and fitted Hartree energies by quadrature, of the same orbitals."""
    from nnks import setup
    from nnks.config import default_config, override

    changes = {"system.molecule": "LiH", "quadrature.level": 4}
    by_quadrature = {
        "functional.one_electron": "quadrature",
        "functional.hartree": "density_fitting",
        "functional.fitting": "quadrature",
        "functional.auxiliary": "even_tempered",
    }
    energies = []
    for extra in ({}, by_quadrature):
        system = setup.make_system(override(default_config(), changes | extra))
        problem = setup.make_problem(system)
        params = problem.model.ansatz.init_params(setup.run_key(system.config))
        energies.append(problem.energies(params, setup.run_key(system.config), jnp.int32(0)))
    for name in ("kinetic", "external", "hartree"):
        # error of a level-4 grid and of the fit (measured 1e-6 to 1e-5)
        np.testing.assert_allclose(energies[1][name], energies[0][name], atol=1e-4)
        assert energies[1][name] != energies[0][name]


def test_pairwise_with_self_cell_beats_without():
    """Helium: the bare pair sum is 28 mHa low; the self-cell term takes most of it away."""
    from nnks import setup
    from nnks.config import default_config, override

    energies = {}
    for method in ("exact", "pairwise"):
        config = override(
            default_config(),
            {"system.molecule": "He", "quadrature.level": 1, "functional.hartree": method},
        )
        problem = setup.make_problem(setup.make_system(config))
        params = problem.model.ansatz.init_params(setup.run_key(config))
        energies[method] = float(problem.energies(params, setup.run_key(config), jnp.int32(0))["hartree"])
    assert abs(energies["pairwise"] - energies["exact"]) < 0.01


def test_the_grid_is_pyscf_s():
    """Point by point, partition and all; PySCF sorts its points unless told not to."""
    from pyscf.dft import gen_grid

    from nnks import setup
    from nnks.config import default_config, override

    system = setup.make_system(override(default_config(), {"system.molecule": "HF", "quadrature.level": 1}))
    grids = gen_grid.Grids(system.mole)
    grids.level = 1
    grids.build(sort_grids=False)
    np.testing.assert_allclose(
        system.grid.points, grids.coords[: system.grid.size], atol=1e-14
    )  # it fills up to eights
    np.testing.assert_allclose(system.grid.weights, grids.weights[: system.grid.size], rtol=1e-12)


@pytest.mark.parametrize(("molecule", "xc"), [("HF", "pbe,pbe"), ("Li", "lda,vwn")])
def test_orbital_energies(molecule, xc):
    """Eigenvalues in the occupied space are PySCF's orbital energies; an error of the orbitals enters squared."""
    from pyscf import dft

    system, outcome, _, converged = solve(molecule, xc, level=0)
    assert converged
    mf = (dft.RKS if system.restricted else dft.UKS)(system.mole, xc=xc)
    mf.grids.coords, mf.grids.weights = np.asarray(system.grid.points), np.asarray(system.grid.weights)
    mf.conv_tol, mf.verbose, mf.small_rho_cutoff, mf.chkfile = 1e-12, 0, 0, None
    mf.kernel()
    for ours, theirs, n in zip(outcome.orbital_energies, np.atleast_2d(mf.mo_energy), system.nocc, strict=True):
        np.testing.assert_allclose(ours, theirs[:n], atol=1e-6)
    # the slice is PySCF's density and highest orbital at the same points, to the orbitals' error and single precision
    from nnks.runs.slices import plane

    drawn, (center, axes) = outcome.slice, plane(system.molecule)
    points = (center + drawn.x[None, :, None] * axes[0] + drawn.y[:, None, None] * axes[1]).reshape(-1, 3)
    values = dft.numint.eval_ao(system.mole, points)
    matrix = np.asarray(mf.make_rdm1())
    total = matrix if matrix.ndim == 2 else matrix.sum(axis=0)
    density = np.einsum("pa,ab,pb->p", values, total, values)
    np.testing.assert_allclose(drawn.density.ravel(), density, atol=1e-5 * density.max())
    highest = values @ np.asarray(mf.mo_coeff).reshape(-1, *total.shape)[0, :, system.nocc[0] - 1]
    if molecule == "Li":  # HF's is one of two of equal energy
        assert drawn.height == 0
        np.testing.assert_allclose(np.abs(drawn.orbital.ravel()), np.abs(highest), atol=1e-4)


def test_several_large_bases():
    from nnks.interop.large_basis import large_bases, large_spec
    from nnks.molecule import Molecule

    water = Molecule.from_spec("water")
    assert large_bases(water, "sto-3g, 6-31g") == ("sto-3g", "6-31g")
    assert large_bases(water, "") == ()
    assert len(large_bases(water, "auto")) == 1
    assert large_spec(water, "pcseg-4", "lda,vwn", True).auxiliary == "even_tempered"
    assert large_spec(water, "6-31g", "lda,vwn", True).auxiliary is None
