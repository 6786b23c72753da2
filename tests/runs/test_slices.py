"""Slices: orbitals at other points than the quadrature's, and what is stored of them."""

import numpy as np
import pytest

from nnks import setup
from nnks.config import default_config, override
from nnks.runs.evaluation import evaluate
from nnks.runs.slices import _at_points, plane
from nnks.tracking.record import SLICE, RunRecord
from nnks.tracking.slices import read_slice


def solved(**changes):
    system = setup.make_system(override(default_config(), {"quadrature.level": 0, **changes}))
    problem = setup.make_problem(system)
    return system, evaluate(system, problem, problem.init_params(setup.run_key(system.config)))


@pytest.mark.slow
def test_neural_orbitals_elsewhere_are_those_of_the_quadrature():
    """At the quadrature's own points the orbitals come out that are orthonormal on it, to rounding."""
    config = override(default_config(), {"system.molecule": "LiH", "system.basis": "sto-3g", "ansatz.name": "residual"})
    config = override(config, {"quadrature.level": 0, "functional.hartree": "density_fitting"})
    system = setup.make_system(config)
    problem = setup.make_problem(system)
    params, quadrature = problem.init_params(setup.run_key(config)), system.grid.quadrature()
    inside = problem.model(params, quadrature).values[..., :200]
    elsewhere = _at_points(problem.model, params, quadrature, quadrature.points[:200])
    np.testing.assert_allclose(elsewhere, inside, atol=1e-10)


def test_plane_holds_the_nuclei_and_the_file_comes_back(tmp_path):
    system, outcome = solved(**{"system.molecule": "H2O", "system.basis": "sto-3g"})
    center, axes = plane(system.molecule)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    drawn = outcome.slice
    np.testing.assert_allclose(drawn.nuclei[:, 2], 0, atol=1e-12)  # water is flat
    rebuilt = center + drawn.nuclei @ axes
    np.testing.assert_allclose(rebuilt, system.molecule.positions, atol=1e-12)
    assert read_slice(RunRecord(tmp_path)) is None
    # water's highest orbital is oxygen's p, with a node in the plane of the nuclei
    assert drawn.height > 0
    assert drawn.orbital.max() > 0.1
    drawn.save(tmp_path)
    stored = read_slice(RunRecord(tmp_path))
    np.testing.assert_allclose(stored.density, drawn.density, rtol=1e-6)
    whole = (tmp_path / SLICE).read_bytes()
    for broken in (b"no archive", whole[: len(whole) // 2]):
        (tmp_path / SLICE).write_bytes(broken)
        assert read_slice(RunRecord(tmp_path)) is None
