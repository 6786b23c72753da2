"""What is said of an energy that is lower than it can be."""

import dataclasses

import numpy as np
import pytest


@pytest.fixture
def outcome():
    from nnks.runs.evaluation import Evaluation
    from nnks.tracking.slices import Slice

    flat = np.zeros((2, 2))
    picture = Slice(np.zeros(2), np.zeros(2), flat, flat, 0.0, np.zeros((1, 3)), np.ones(1))
    return Evaluation({"total": -2.9}, 2.0, 0.0, 0, "exact", 2.0, [[-0.5]], None, picture)


def with_energy(outcome, total, error=None):
    return dataclasses.replace(outcome, energies={"total": total}, quadrature_error=error)


def references(role, energy, **details):
    return {
        "reference": {"pyscf/x": energy},
        "reference_terms": {},
        "reference_details": {"pyscf/x": {"converged": True, **details}},
        f"reference_{role}": "pyscf/x",
    }


@pytest.mark.parametrize(
    ("details", "violations", "doubts"),
    [
        ({"stable": True}, ["stable PySCF minimum"], []),
        ({"stable": None}, [], ["whose stability was not tested"]),
        ({"stable": False}, [], []),
        ({"stable": True, "converged": False}, [], []),
    ],
)
def test_only_a_stable_minimum_can_be_violated(details, violations, doubts, outcome, quick):
    from nnks.runs.plan import plan
    from nnks.runs.summary import compared

    comparison = compared(plan(quick()), with_energy(outcome, -2.900002), references("same", -2.9, **details))
    for key, expected in (("violations", violations), ("doubts", doubts)):
        assert len(comparison[key]) == len(expected)
        assert all(text in sentence for text, sentence in zip(expected, comparison[key], strict=True))


@pytest.mark.parametrize(
    ("total", "own", "error", "doubted"),
    [
        (-2.9128, 1e-4, 2e-4, True),  # 2.8 mHa below, 0.3 explained
        (-2.9128, 2.7e-3, 2e-4, False),
        (-2.91005, 1e-5, 2e-4, False),
        (-2.9128, 1e-4, None, False),  # nothing is known of the basis
        (-2.9128, None, 2e-4, False),  # Gaussian orbitals
        (-2.8, 1e-5, 2e-4, False),
    ],
)
def test_an_energy_below_the_best_reference_is_doubted(total, own, error, doubted, outcome, quick):
    from nnks.runs.plan import plan
    from nnks.runs.summary import compared
    from nnks.tracking import verdict

    comparison = compared(plan(quick()), with_energy(outcome, total, own), references("large", -2.91, error=error))
    assert bool(comparison["doubts"]) == doubted
    assert comparison["violations"] == []
    text = verdict({"energies": {"total": total}, **comparison})
    assert ("WARNING: the energy is 2.800 mHa below pyscf/x" in text) == doubted


def test_an_energy_below_an_unstable_solution_is_not_doubted(outcome, quick):
    from nnks.runs.plan import plan
    from nnks.runs.summary import compared

    known = references("large", -2.91, error=2e-4, stable=False)
    assert compared(plan(quick()), with_energy(outcome, -2.9128, 1e-4), known)["doubts"] == []


def test_the_exact_energy_is_judged_before_a_large_basis(outcome, quick):
    from nnks.runs.plan import plan
    from nnks.runs.summary import compared

    known = references("large", -2.91, error=2e-4)
    known["reference"]["exact"], known["reference_details"]["exact"] = -2.915, {"error": 1e-6}
    assert compared(plan(quick()), with_energy(outcome, -2.9128, 1e-5), known)["doubts"] == []
    (sentence,) = compared(plan(quick()), with_energy(outcome, -2.9151, 1e-5), known)["doubts"]
    assert "0.100 mHa below exact" in sentence


def test_orbitals_whose_grids_disagree_have_not_converged(outcome):
    assert outcome.resolves(1)
    assert with_energy(outcome, -2.9, 4e-4).resolves(1)
    assert not with_energy(outcome, -2.9, 1.1e-3).resolves(2)
