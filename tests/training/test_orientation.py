"""Where an open-shell atom points: rotated shells, and runs that end in the best orientation.

Rotated shells are compared with PySCF's integrals of angular momentum.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from pyscf import gto
from scipy.spatial.transform import Rotation

from nnks.training import orientation, saddle
from nnks.training.frame import gaussian_energy, make_frame

ANGLES = np.array([0.3, -1.1, 0.7])


def atom(quick, **changes):
    from nnks.runs.plan import plan

    config = quick(
        **{"system__molecule": "Sc 0 0 0", "system__spin": 1, "system__basis": "sto-3g", "quadrature__level": 1}
        | {"functional__xc": "lda,vwn", "optimizer__name": "direct"}
        | changes
    )
    return plan(config)


def prepared(ready):
    from nnks.setup import run_key
    from nnks.training import begin

    key = run_key(ready.config)
    return begin(ready.optimizer, ready.problem, ready.problem.init_params(key), key)


def minimized(ready):
    from nnks.training import Convergence

    state = prepared(ready)
    step, converged = ready.optimizer.make_step(ready.problem), Convergence(1e-8, 1e-5)
    for _ in range(150):
        state, metrics = step(state)
        if converged.reached({name: float(value) for name, value in metrics.items()}):
            return make_frame(ready.problem, state.params)
    return pytest.fail("not converged")


def test_shells_turn_as_angular_momentum_says():
    """$D(R) = \\exp(-S^{-1}\\langle r\\times\\nabla\\rangle\\cdot\\theta)$ in shells up to f.

    A rotation mixes these among themselves alone.
    """
    from nnks.interop.pyscf import gaussian_basis

    mol = gto.M(atom="Sc 0 0 0", basis="def2-tzvp", spin=1)
    generators = np.linalg.solve(mol.intor("int1e_ovlp"), mol.intor("int1e_cg_irxp"))
    expected = scipy.linalg.expm(-np.tensordot(ANGLES, generators, axes=1))
    turned = np.asarray(orientation.rotate_functions(gaussian_basis(mol), jnp.asarray(ANGLES)))
    assert np.abs(turned - expected).max() < 1e-12 * np.linalg.cond(mol.intor("int1e_ovlp"))


def test_the_slope_of_a_turn_is_that_of_its_energy(quick):
    """Central differences of 1e-3 rad.

    Rounding of energies of 750 Ha leaves 1e-10 Ha in them, and the step 1e-6 of the slopes.
    """
    ready = atom(quick)
    framed = make_frame(ready.problem, prepared(ready).params)
    _, slope = orientation._energy(ready.problem, framed, jnp.asarray(ANGLES))

    def energy(angles):
        return float(orientation._energy(ready.problem, framed, jnp.asarray(angles))[0])

    differences = [(energy(ANGLES + h) - energy(ANGLES - h)) / 2e-3 for h in 1e-3 * np.eye(3)]
    assert np.abs(slope).max() > 1e-6
    assert np.asarray(slope) == pytest.approx(differences, abs=1e-3 * np.abs(slope).max())


@pytest.mark.parametrize("flat", [orientation.FLAT, -1.0], ids=["oriented", "left as it is"])
def test_an_atom_ends_in_its_best_orientation(flat, quick, monkeypatch):
    """No turn of the converged orbitals is lower by more than runs are compared with; without the search, some are."""

    monkeypatch.setattr(saddle, "FLAT", flat)
    ready = atom(quick)
    framed = minimized(ready)
    turns = [jnp.asarray(Rotation.random(rng=100 + n).as_rotvec()) for n in range(40)]
    lowest = min(float(orientation._energy(ready.problem, framed, turn)[0]) for turn in turns)
    below = float(framed.energies["total"]) - lowest
    assert below < 1e-7 if flat > 0 else below > 3e-7


def test_turned_orbitals_are_orthonormal_and_have_the_energy_that_was_found(quick):
    ready = atom(quick)
    framed = make_frame(ready.problem, prepared(ready).params)
    lowest, turned, evaluations = orientation.best_orientation(ready.problem, framed)
    occupations = ready.problem.model.occupations
    coefficients = ready.problem.model.ansatz.start.frame @ turned.orbitals
    total = gaussian_energy(ready.problem)(coefficients[:, :, : occupations.shape[1]], occupations)[0]["total"]
    overlap = ready.system.mole.intor("int1e_ovlp")
    for spin in np.asarray(coefficients):
        assert spin.T @ overlap @ spin == pytest.approx(np.eye(spin.shape[1]), abs=1e-11)
    assert float(total) == pytest.approx(lowest, abs=1e-10)
    assert lowest < float(framed.energies["total"])
    assert orientation.STARTS < evaluations < 60
