"""Systems of like sizes share a program: padded arrays change no energy, no gradient and no solution."""

import jax
import numpy as np
import pytest

from nnks import setup
from nnks.config import default_config, override
from nnks.objective import padded
from nnks.training.passes import gradient

MOLECULES = (
    "C 0 0 0; H 0 1.08 0; H 0.94 -0.54 0; H -0.94 -0.54 0",
    "N 0 0 0; H 0.6 0.6 0.6; H 0.6 -0.6 -0.6; H -0.6 0.6 -0.6; H -0.6 -0.6 0.6",
    "N 0 0 0; N 0 0 1.1",
)
"""The first two are of one class, with an atom and an orbital filled up, and on grids of different sizes."""


@pytest.fixture(autouse=True)
def _ladder(monkeypatch):
    """Three hydrogen atoms are filled up to four."""
    from nnks.objective import padding

    monkeypatch.setattr(padding, "LADDER", (0, 1, 2, 4))


KEY = jax.random.key(0)

SETTINGS = {
    "system.basis": "sto-3g",
    "quadrature.level": 0,
    "functional.hartree": "density_fitting",
    "ansatz": {"name": "learned_basis", "basis": "new", "size": "minimal", "elements": "H,C,N,O,F", "width": 3},
    "optimizer.name": "adam",
    "training.molecules": 1,
    "training.held_out_steps": 0,
    "reference.pyscf": False,
    "reference.large_basis": "",
}


@pytest.fixture(scope="module")
def objective():
    texts = [
        "\n".join([str(len(rows := [row.strip() for row in atoms.split(";")])), f"spin={spin}", *rows])
        for atoms, spin in zip(MOLECULES, (1, 1, 0), strict=True)
    ]
    config = override(default_config(), SETTINGS | {"system.molecules": " | ".join(texts)})
    configs = setup.singles(config)
    problems = [setup.make_problem(setup.make_system(single)) for single in configs]
    return setup.make_objective(config, problems, setup.labels_of(configs), [1.0] * len(configs))


def test_a_padded_system_has_the_energy_and_the_gradient_of_its_own(objective):
    system, alone, own = padded(objective.problems)[0], objective.problems[0], objective.init_params(KEY).of(0)
    assert system.problem.grid.size > alone.grid.size
    assert system.shape[2] > own["coefficients"].shape[2]
    assert len(system.problem.model.ansatz.start.basis.centers) > len(alone.model.ansatz.start.basis.centers)
    (energy, evaluated), slope = gradient(system.problem, system.pad(own), KEY, np.int32(0))
    (expected, found), alike = gradient(alone, own, KEY, np.int32(0))
    assert float(energy) == pytest.approx(float(expected), abs=1e-10)  # sums in another order
    for name, value in found.energies.items():  # the solver stops at a gradient of 1e-4 Ha, terms are of first order
        assert float(evaluated.energies[name]) == pytest.approx(float(value), abs=1e-6), name
    solved = system.cut(evaluated.remember(system.pad(own)))["coefficients"]
    np.testing.assert_allclose(projector(solved), projector(found.remember(own)["coefficients"]), atol=1e-5)
    pairs = zip(jax.tree.leaves(system.cut(slope)["trained"]), jax.tree.leaves(alike["trained"]), strict=True)
    for leaf, other in pairs:
        np.testing.assert_allclose(leaf, other, atol=1e-5)


def projector(coefficients):
    return np.einsum("sbi,sci->sbc", coefficients, coefficients)


def test_systems_of_a_class_share_a_program(objective):
    systems = padded(objective.problems)
    shapes = [(jax.tree.structure(s.problem), [x.shape for x in jax.tree.leaves(s.problem)]) for s in systems]
    assert shapes[0] == shapes[1]
    assert shapes[0] != shapes[2]
    assert len({problem.grid.size for problem in objective.problems}) == 3
    assert systems[2].problem.grid.size == objective.problems[2].grid.size


def test_what_cannot_be_padded_is_left_as_it_is():
    """Gaussians in an ansatz are part of its program."""
    settings = SETTINGS | {"ansatz": {"name": "residual", "width": 3}, "system.molecules": "H2 | H 0 0 0; H 0 0 1"}
    config = override(default_config(), settings)
    problems = [setup.make_problem(setup.make_system(single)) for single in setup.singles(config)]
    for problem, system in zip(problems, padded(problems), strict=True):
        assert system.problem is problem
        params = problem.init_params(KEY)
        assert system.pad(params) is params
        assert system.cut(params) is params
