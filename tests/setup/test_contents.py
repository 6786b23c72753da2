"""A config with files becomes one that needs none."""

import pytest


@pytest.mark.parametrize(
    ("key", "spec"),
    [
        ("system.basis", "{}.gbs"),
        ("functional.auxiliary", "{}.gbs"),
        ("evaluation.auxiliary", "{}.gbs"),
        ("reference.large_basis", "H:sto-3g,O:6-31g,{}.gbs,pcseg-1"),
    ],
)
def test_a_basis_file_is_stored_in_the_config_and_its_name_counts_for_nothing(key, spec, tmp_path, monkeypatch):
    from basis_set_exchange import get_basis

    from nnks import load_config
    from nnks.config import to_dict
    from nnks.setup.contents import self_contained
    from nnks.tracking import config_hash

    monkeypatch.chdir(tmp_path)
    hashes = {}
    for name, basis in [("mine", "6-31G"), ("yours", "6-31G"), ("other", "3-21G")]:
        file = tmp_path / f"{name}.gbs"
        file.write_text(get_basis(basis, elements=[1, 8], fmt="gaussian94"))
        config = self_contained(load_config("gaussian", {key: spec.format(name)}))
        file.unlink()
        again = self_contained(load_config("gaussian", to_dict(config)))
        assert to_dict(again) == to_dict(config)
        hashes[name] = config_hash(to_dict(config))
    assert hashes["mine"] == hashes["yours"] != hashes["other"]


def test_bases_of_a_stored_list_are_those_that_were_named(tmp_path):
    from nnks.interop.basis_sets import embedded_list, functions
    from nnks.interop.basis_text import write
    from nnks.interop.large_basis import large_bases, large_spec
    from nnks.molecule import Molecule

    water, file = Molecule.from_spec("water"), tmp_path / "mine.nw"
    file.write_text(write(functions("3-21g", ["H", "O"]), ""))
    stored = embedded_list(f"O:sto-3g,H:6-31g(d,p),{file},pcseg-1")
    file.unlink()
    names = [large_spec(water, basis, "lda,vwn", True).name for basis in large_bases(water, stored)]
    assert names == ["pyscf/H:6-31g(d,p),O:sto-3g", "pyscf/mine", "pyscf/pcseg-1"]


def test_the_case_of_a_basiss_name_and_the_order_of_elements_count_for_nothing():
    from nnks import load_config
    from nnks.config import to_dict
    from nnks.setup.contents import self_contained
    from nnks.tracking import config_hash

    def hashed(basis):
        return config_hash(to_dict(self_contained(load_config("gaussian", {"system.basis": basis}))))

    assert hashed("6-31G") == hashed("6-31g") != hashed("6-31g*")
    assert hashed("O:6-31G, H:STO-3G") == hashed({"H": "sto-3g", "O": "6-31g"})


def test_one_set_for_every_element_is_the_run_of_its_name():
    from nnks import load_config
    from nnks.setup.contents import self_contained

    def basis(spec, molecule="water"):
        return self_contained(load_config("gaussian", {"system.molecule": molecule, "system.basis": spec})).system.basis

    assert basis("H:sto-3g,O:STO3G") == basis("*:sto-3g") == "sto-3g"
    assert basis("H:sto-3g,O:6-31g") == "H:sto-3g,O:6-31g"
    assert basis("H:sto-3g,C:6-31g", "H2") == "sto-3g"


def test_a_lost_spin_is_said_once_and_not_where_it_was_given(capsys):
    from nnks import load_config
    from nnks.setup.contents import self_contained

    changes = {"system.molecule": "N", "system.charge": -1}
    again = self_contained(self_contained(load_config("gaussian", changes)))
    assert again.system.spin is None
    assert capsys.readouterr().err.count("gets spin 0, the lowest") == 1
    self_contained(load_config("gaussian", changes | {"system.spin": 2}))
    assert capsys.readouterr().err == ""
