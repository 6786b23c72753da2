"""Which calculations are references, and how far the basis limit may lie below them."""

import pytest


def test_a_calculation_that_did_not_converge_is_left_out(quick, tmp_path, monkeypatch):
    """Its details stay, with the energy where it ended; the run has neither a verdict nor a violation."""
    import nnks
    from nnks.runs import references

    real = references.reference

    def unfinished(*arguments):
        high = {"total": -1.0}
        return real(*arguments) | {"converged": False, "energies": high}

    monkeypatch.setattr(references, "reference", unfinished)
    values = nnks.run(quick(reference__pyscf=True), results=tmp_path).values
    assert (values["reference"], values["reference_terms"]) == ({"exact": -2.834836}, {})
    assert values["reference_details"]["pyscf/6-31g"]["energy"] == -1.0
    assert (values["violations"], values["doubts"]) == ([], [])
    assert values["reference_same"] == "pyscf/6-31g"


def test_the_last_large_basis_that_converged_is_the_reference(quick, tmp_path, monkeypatch):
    from nnks import setup
    from nnks.runs import references

    def made_up(molecule, spec, *rest):
        return {"energies": {"total": -2.8}, "converged": spec.basis != "pcseg-2", "stable": True}

    monkeypatch.setattr(references, "reference", made_up)
    system = setup.make_system(quick(reference__large_basis="pcseg-1,pcseg-2"))
    collected = references.find_references(system, "exact", tmp_path)
    assert collected["reference_large"] == "pyscf/pcseg-1"
    assert list(collected["reference"]) == ["pyscf/pcseg-1", "exact"]


def test_the_large_basis_of_gaussians_in_it_is_on_their_own_grid(quick, tmp_path, monkeypatch):
    """Else an energy on a coarse grid would be compared with one on a fine grid, as the same calculation."""
    from nnks import setup
    from nnks.runs import references

    asked = []

    def made_up(molecule, spec, *rest):
        asked.append((spec.basis, spec.level))
        return {"energies": {"total": -2.8}, "converged": True, "stable": True}

    monkeypatch.setattr(references, "reference", made_up)
    changes = {"system__basis": "pcseg-1", "reference__pyscf": True, "reference__large_basis": "pcseg-1"}
    collected = references.find_references(setup.make_system(quick(**changes)), "exact", tmp_path)
    assert asked == [("pcseg-1", 0)]
    assert collected["reference_same"] == collected["reference_large"] == "pyscf/pcseg-1"


def test_what_takes_longer_than_the_budget_is_left_out_and_a_line_says_how_to_compute_it(quick, tmp_path, capsys):
    """On the console and in the summary; what is there already is taken whatever the budget is."""
    import nnks
    from nnks.runs.references import find_references
    from nnks.tracking.console import left_references

    config = quick(
        system__charge=1, reference__large_basis="pcseg-1,pcseg-2", reference__seconds=0.0, tracking__console=True
    )
    values = nnks.run(config, results=tmp_path).values
    left = values["reference_left"]
    assert list(left) == ["pyscf/pcseg-1", "pyscf/pcseg-2"]
    assert (values["reference"], "reference_large" in values) == ({}, False)
    command = "nnks reference He --config.system.charge=1 --config.reference.large_basis=pcseg-1,pcseg-2"
    assert {each["command"] for each in left.values()} == {command}
    sentences = left_references(values)
    said = capsys.readouterr().out
    assert all(sentence in said and "reference.seconds is 0" in sentence for sentence in sentences)
    assert cli("reference", "He", *command.split()[3:]) == 0
    from nnks import setup

    collected = find_references(setup.make_system(config), "exact", tmp_path)
    assert collected["reference_large"] == "pyscf/pcseg-2"
    assert "reference_left" not in collected
    assert f"{collected['reference']['pyscf/pcseg-2']:.7f}" in capsys.readouterr().out


def cli(*arguments):
    from nnks.cli import main

    return main(list(arguments))


def test_a_reference_of_another_results_folder_is_not_computed_again(quick, tmp_path, monkeypatch):
    """Nor one that a version before 0.2 left in the results folder; one that is damaged is."""
    from nnks import setup
    from nnks.interop import reference as module
    from nnks.runs.references import find_references

    monkeypatch.setenv("NNKS_CACHE", str(tmp_path / "cache"))
    computed, real = [], module._solve
    monkeypatch.setattr(module, "_solve", lambda *a, **k: computed.append(1) or real(*a, **k))
    system = setup.make_system(quick(reference__pyscf=True))
    first = find_references(system, "exact", tmp_path / "one")
    assert find_references(system, "exact", tmp_path / "two") == first
    assert len(computed) == 1
    (stored,) = (tmp_path / "cache" / "references").glob("*.json")
    old = tmp_path / "old" / "references"
    old.mkdir(parents=True)
    stored.rename(old / stored.name)
    assert find_references(system, "exact", tmp_path / "old") == first
    assert stored.exists()  # for other folders, too
    assert len(computed) == 1
    stored.write_text(stored.read_text().replace("-2.8", "-2.9"))
    assert find_references(system, "exact", tmp_path / "one") == first
    assert len(computed) == 2


def test_a_cache_that_cannot_be_written_costs_no_run(quick, tmp_path, monkeypatch, capsys):
    from nnks import setup
    from nnks.runs.references import find_references

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NNKS_CACHE", str(tmp_path / "file"))
    collected = find_references(setup.make_system(quick(reference__pyscf=True)), "exact", tmp_path)
    assert collected["reference"]["pyscf/6-31g"] < -2.8
    assert "NNKS_CACHE names another folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("molecule", "basis", "least", "most"),
    [
        ("N2", "pcseg-4", 0.205e-3, 0.5e-3),  # results/stored/limit: so far below
        ("H2", "pcseg-4", 0.006e-3, 0.05e-3),
        ("water", "pcseg-3", 0.418e-3, 1e-3),
        ("water", "PCSEG-3", 0.418e-3, 1e-3),
        ("CH4", "pcseg-2", 4.5e-3, 20e-3),
        ("Ar", "pcseg-4", 1.925e-3, 5e-3),
        ("water", "cc-pvqz", 5e-3, 200e-3),  # no listed basis
    ],
)
def test_the_shortfall_covers_what_a_basis_lacks(molecule, basis, least, most):
    from nnks.interop.large_basis import large_spec, shortfall
    from nnks.molecule import Molecule

    molecule = Molecule.from_spec(molecule)
    assert least < shortfall(molecule, large_spec(molecule, basis, "lda,vwn", True)) < most


def test_of_a_basis_below_all_listed_ones_nothing_is_known():
    from nnks.interop.large_basis import large_spec, shortfall
    from nnks.molecule import Molecule

    molecule = Molecule.from_spec("water")
    assert shortfall(molecule, large_spec(molecule, "sto-3g", "lda,vwn", True)) is None
