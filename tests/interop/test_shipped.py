"""References that come with nnks are read for the same calculation, whatever it is called, and for no other."""

import json

import pytest


def asked(molecule="He", xc="lda,vwn", basis="pcseg-4", **changes):
    from nnks.interop.large_basis import large_spec
    from nnks.interop.reference import asked_of
    from nnks.molecule import Molecule

    molecule = Molecule.from_spec(molecule, **changes)
    return asked_of(molecule, large_spec(molecule, basis, xc, molecule.spin == 0))


@pytest.mark.parametrize("xc", ["lda,vwn", "LDA,VWN", "slater,vwn5"])
@pytest.mark.parametrize("molecule", ["He", "helium", "He 0 0 0"])
def test_names_make_no_difference(molecule, xc):
    from nnks.interop.shipped import shipped

    # 0.009 mHa above the exact -2.834836 Ha (NIST, central-field LDA)
    assert shipped(asked(molecule, xc))["energies"]["total"] == pytest.approx(-2.834836, abs=2e-5)


def test_other_versions_of_pyscf_are_answered():
    from nnks.interop.shipped import shipped

    assert shipped(asked() | {"pyscf": "2.99"}) == shipped(asked())


@pytest.mark.parametrize(
    "other",
    [
        {"molecule": "He", "charge": 1},
        {"molecule": "He", "spin": 2},
        {"molecule": "He", "xc": "lda,pw"},
        {"molecule": "He", "basis": "pcseg-3"},
        {"molecule": "He 0 0 0.1"},
        {"molecule": "Ne"},
    ],
    ids=str,
)
def test_another_calculation_has_no_energy_of_this_one(other):
    from nnks.interop.shipped import shipped

    entry, helium = shipped(asked(**other)), shipped(asked())
    assert entry is None or entry["energies"] != helium["energies"]


def test_grid_and_treatment_of_spin_count():
    from nnks.interop.shipped import shipped

    assert shipped(asked() | {"level": 4}) is None
    assert shipped(asked() | {"restricted": False, "start": "also broken symmetry"}) is None


@pytest.mark.parametrize("text", ["[]", "{", '{"entries": [1]}', '{"entries": [{"asked": {}}]}'])
def test_a_damaged_table_is_said_and_not_used(text, tmp_path, capsys):
    from nnks.interop.shipped import shipped

    path = tmp_path / "limits.json"
    path.write_text(text)
    assert shipped(asked(), path) is None
    assert "is damaged" in capsys.readouterr().err


def test_every_entry_says_where_it_comes_from():
    from nnks.interop.shipped import TABLE
    from nnks.tracking.files import load_json

    table = load_json(TABLE)
    assert table["script"] == "benchmarks/limits.py"
    for entry in table["entries"]:
        assert entry["converged"]
        assert entry["stable"] is not False
        assert entry["asked"]["level"] == 5
        assert entry["asked"]["pyscf"]
        assert entry["made"] >= "2026-11-28"
        assert sum(entry["energies"][t] for t in ("kinetic", "external", "hartree", "xc", "nuclear")) == pytest.approx(
            entry["energies"]["total"], abs=1e-7
        )
    assert json.dumps(table).isascii()


def test_estimates_of_stored_calculations_are_within_a_factor_of_three():
    from nnks.geometries import LIBRARY
    from nnks.interop.large_basis import large_spec
    from nnks.interop.reference_cost import estimated_seconds
    from nnks.interop.shipped import TABLE
    from nnks.molecule import Molecule
    from nnks.tracking.files import load_json

    for entry in load_json(TABLE)["entries"][::4]:
        if entry["molecule"] in LIBRARY:
            molecule = Molecule.from_spec(entry["molecule"])
            spec = large_spec(molecule, entry["asked"]["basis"], entry["asked"]["xc"], molecule.spin == 0)
            assert 1 / 3 < estimated_seconds(molecule, spec) / entry["seconds"] < 3
