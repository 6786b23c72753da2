"""One spelling for each basis set and functional."""

import re

import pytest

from nnks import load_config
from nnks.config import to_dict
from nnks.interop import basis_tables
from nnks.interop.libxc import parts
from nnks.interop.spellings import BASES, FUNCTIONALS, one_functional, one_spelling
from nnks.setup import self_contained
from nnks.tracking import config_hash, config_hashes


@pytest.mark.parametrize(
    "key", ["system.basis", "functional.auxiliary", "evaluation.auxiliary", "reference.large_basis"]
)
@pytest.mark.parametrize(
    "names",
    [
        ("sto-3g", "STO-3G", "sto3g", "STO_3G"),
        ("6-31g**", "6-31G(d,p)", "631gss", "6-31g_ss"),
        ("6-31g(2df,2pd)", "631g(2df,2pd)"),
        ("cc-pvdz", "ccpvdz", "cc-pVDZ"),
        ("cc-pcvdz", "ccpcvdz"),
        ("unc-cc-pvdz", "UNC-ccpvdz", "unc ccpvdz"),
        ("cc-pvtz@3s2p", "ccpvtz@3S2P"),
        ("def2-universal-jfit", "weigend", "def2-tzvp-jfit"),
        ("aug-cc-pvdz-dk", "aug-cc-pvdz-dkh"),
        ("jun-cc-pvdz", "jun-cc-pVDZ"),
        ("H:sto-3g,O:6-31g*", "O:6-31G(d), H:sto3g"),
    ],
)
def test_names_of_one_basis_set_are_one_run(key, names):
    hashes = {config_hash(to_dict(self_contained(load_config("gaussian", {key: name})))) for name in names}
    assert len(hashes) == 1


def test_every_name_of_pyscf_has_the_spelling_of_its_set_which_is_the_same_set():
    from pyscf import gto

    spellings = {}
    reached = {name: files for name, files in gto.basis.ALIAS.items() if basis_tables.plain(name) == name}
    for name, files in reached.items():
        spelling = one_spelling(name)
        assert one_spelling(spelling) == spelling
        spellings.setdefault(str(files), set()).add(spelling)
        assert gto.basis.ALIAS[basis_tables.plain(spelling)] == files
    assert {file: several for file, several in spellings.items() if len(several) > 1} == {}


@pytest.mark.parametrize("name", ["6-31G(d,p)", "6-311+g(d)", "ano", "roosdz", "weigend", "cc-pvdz-dkh", "unc-ccpvdz"])
def test_the_spelling_of_a_set_has_the_functions_of_its_other_names(name):
    assert basis_tables.load(one_spelling(name), "O") == basis_tables.load(name, "O")


def test_spellings_that_runs_are_stored_under_stay():
    names = BASES - {"auto", "even_tempered"}
    assert {one_spelling(re.sub("-", "", name.upper())) for name in names} == names
    assert {one_functional(f" {name.upper()}") for name in FUNCTIONALS} == set(FUNCTIONALS)


@pytest.mark.parametrize(
    "strings",
    [
        ("lda,vwn", "svwn", "SVWN", "slater, vwn5", "1.0*lda,vwn", "lda_x+lda_c_vwn", "lda,vwn+0*pbe"),
        ("lda,", "lda", "slater", "lda_x"),
        ("pbe", "gga_x_pbe+gga_c_pbe", "gga_c_pbe + gga_x_pbe"),
        ("bp86", "b88,p86"),
        ("0.5*slater+0.5*b88,lyp", "0.5*b88 + .5*lda_x, lyp"),
        ("", ","),
    ],
)
def test_strings_of_one_functional_are_one_run(strings):
    configs = [to_dict(self_contained(load_config("gaussian", {"functional.xc": xc}))) for xc in strings]
    assert len({config_hash(config) for config in configs}) == 1
    assert all(parts(config["functional"]["xc"]) == parts(xc) for xc, config in zip(strings, configs, strict=True))


def test_a_run_is_found_under_either_name_of_pbe():
    one, other = ({"functional": {"xc": xc}} for xc in ("pbe", "PBE, PBE"))
    assert set(config_hashes(one)) == set(config_hashes(other))
    assert [config_hashes(config)[0] for config in (one, other)] == [config_hash(one), config_hash(other)]
    assert config_hashes({"functional": {"xc": "blyp"}}) == (config_hash({"functional": {"xc": "blyp"}}),)


@pytest.mark.parametrize("spec", ["nonsense", "6-31g(9z)", "H S\n 1.0 1.0"])
def test_what_is_no_name_stays_as_it_was_written(spec):
    assert one_spelling(spec) == spec
    assert one_functional("Pbe0") == "Pbe0"


def test_references_are_kept_for_the_set_and_the_functional_and_not_for_their_names():
    from nnks.interop.reference import ReferenceSpec, identity
    from nnks.molecule import Molecule

    water = Molecule.from_spec("water")
    asked = [("6-31g*", "pbe", "weigend"), ("6-31G(d)", "pbe,pbe", "def2-universal-jfit")]
    one, other = (identity(water, ReferenceSpec(basis, xc, True, 1, auxiliary=fit)) for basis, xc, fit in asked)
    assert str(one) == str(other)
    assert one["basis"] == "6-31g*"
