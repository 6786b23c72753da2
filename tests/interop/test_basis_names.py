"""The grammar of basis sets: names by element and lists of bases, in whatever order and spelling."""

import pytest

from nnks.interop.basis_names import by_element, canonical, joined, listed
from nnks.interop.basis_tables import fits_densities, has, in_pyscf, load
from nnks.registry import InputError


def test_one_mapping_has_one_text():
    specs = ["O:cc-pvdz,H:sto-3g", " h : sto-3g , O:cc-pvdz ", {"O": "cc-pvdz", "H": "sto-3g"}]
    assert {canonical(spec) for spec in specs} == {"H:sto-3g,O:cc-pvdz"}
    assert canonical({"default": "sto-3g", "O": "cc-pvdz"}) == "*:sto-3g,O:cc-pvdz"


def test_commas_of_a_name_separate_no_elements():
    assert by_element("O:6-31g(2df,2pd),H:sto-3g", "OH") == {"O": "6-31g(2df,2pd)", "H": "sto-3g"}


@pytest.mark.parametrize("wrong", ["O:sto-3g;H:6-31g", "O:H:sto-3g", "http://x/y.gbs", "default:a,*:b", "O: ", ":"])
def test_what_is_no_mapping_is_refused(wrong):
    with pytest.raises(InputError, match="cannot be read"):
        by_element(wrong, "OH")


def test_lists_hold_names_mappings_and_texts():
    specs = ("cc-pvqz", "H:sto-3g,O:6-31g(2df,2pd)", "pcseg-4")
    assert listed(joined(specs)) == specs
    assert listed(" cc-pvqz , ,pcseg-4,") == ("cc-pvqz", "pcseg-4")
    texts = ("cc-pvqz", "# mine\nH S\n  1.0 1.0\n", "O:sto-3g,H:sto-3g")
    assert tuple(spec.strip() for spec in listed(joined(texts))) == tuple(spec.strip() for spec in texts)


@pytest.mark.parametrize(
    "name", ["631", "6-31(d)", "6-31g(d", "6-31g()", "6-31g(x)", "6-31g(9d)", "6-31g(2d,)", "6-31g(d)(d)", "321g(d)"]
)
def test_a_pople_set_that_pyscf_would_read_by_halves_does_not_exist(name):
    assert not in_pyscf(name)
    assert not has(name, "O")


@pytest.mark.parametrize("name", ["6-31G", "6-31g*", "6-31g(d)", "6-31G(2df,2pd)", "6-311++g(3df,3pd)"])
def test_pople_sets_of_pyscf_exist(name):
    assert in_pyscf(name)
    assert has(name, "O")


def test_sets_that_pyscf_lacks_come_from_the_exchange():
    assert not in_pyscf("6-31G-J")
    assert len(load("6-31G-J@2s1p", "O")) == 2
    assert has("Sadlej pVTZ", "O")
    assert not has("6-31G-J", "Fe")


@pytest.mark.parametrize(
    "name",
    [
        "weigend",
        "demon",
        "ahlrichs",
        "cc-pVDZ-RI",
        "def2-universal-jkfit",
        "unc-weigend",
        "sap_grasp_small",
        "cc-pvtz-rifit",
        "ccpcvdzf12optri",
        "cc-pvdz-fit2-1",
    ],
)
def test_fitting_sets_are_told_by_their_names_files_and_roles(name):
    assert fits_densities(name)


@pytest.mark.parametrize(
    "name", ["6-31g", "ano", "cc-pvdz", "pcseg-1", "Sadlej pVTZ", "cc-pvdz-f12", "minao", "6-31G-J"]
)
def test_orbital_sets_are_no_fitting_sets(name):
    assert not fits_densities(name)
