"""References that are none, and energies that are not to be believed."""

import pytest

LOST = {"reference_details": {"pyscf/6-31g": {"converged": False, "stable": True}, "exact": {"error": 1e-6}}}


def test_a_calculation_that_did_not_converge_is_no_reference(summary):
    """Summaries that still hold its energy are read alike."""
    from nnks.tracking.trust import known_references, lost_references

    assert list(known_references(summary)) == ["pyscf/6-31g", "pyscf/pcseg-3", "exact"]
    assert lost_references(summary) == []
    assert list(known_references(summary | LOST)) == ["pyscf/pcseg-3", "exact"]
    assert lost_references(summary | LOST) == ["PySCF in 6-31g did not converge; it is no reference."]
    own = {"reference_details": {"scf": {"converged": False}}}
    assert lost_references(own) == ["The self-consistent field of nnks did not converge; it is no reference."]


@pytest.mark.parametrize("details", [None, {}, {"pyscf/6-31g": None}, {"pyscf/6-31g": {"converged": True}}])
def test_what_is_not_known_to_have_failed_counts(details, summary):
    from nnks.tracking.trust import known_references

    assert known_references(summary | {"reference_details": details})["pyscf/6-31g"] == -75.8179063


def test_nothing_is_computed_from_a_lost_reference(summary):
    from nnks.tracking.console import energy_table, ordered_references, verdict

    assert list(ordered_references(summary | LOST)) == ["pyscf/pcseg-3", "exact"]
    assert len(energy_table(summary | LOST).columns) == 2 + 2 * 2
    text = verdict(summary | LOST)
    assert "PySCF in 6-31g did not converge; it is no reference." in text
    assert "95.194 mHa" not in text
    assert "ERROR" not in text


def test_rows_have_no_error_from_a_lost_reference(tmp_path, config, summary):
    import math

    from nnks.analysis.table import run_rows
    from nnks.tracking.store import RunFolder
    from nnks.tracking.writers import JsonlWriter

    folder = RunFolder.create(tmp_path, "experiment", config, 0)
    JsonlWriter(folder, {}).finish(summary | LOST)
    (row,) = run_rows([folder.record])
    assert row["reference_same"] is None
    assert math.isnan(row["error_same_mHa"])
    assert "error_mHa:pyscf/6-31g" not in row
    assert row["reference_best"] == "exact"
