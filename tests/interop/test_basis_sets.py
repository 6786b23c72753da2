"""Basis sets by name, by element, from files and as text: the same numbers whatever way they come."""

import json

import numpy as np
import pytest

from nnks.interop import basis_names, basis_sets, basis_tables, basis_text
from nnks.interop.basis_checks import CORE, check_all_electron, core_share
from nnks.interop.coulomb import auxiliary_mole
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule
from nnks.registry import InputError

WATER = "O 0 0 0; H 0 0 0.96; H 0.93 0 -0.24"


@pytest.fixture(scope="module")
def water():
    return Molecule.from_spec(WATER)


def levels(mole):
    """Energies of a free particle in the basis: they depend on its span alone, not on how tables contract it."""
    from scipy.linalg import eigh

    return eigh(mole.intor("int1e_kin"), mole.intor("int1e_ovlp"), eigvals_only=True)


@pytest.mark.parametrize(
    ("format", "name"),  # SP shells, general contractions
    [(format, name) for format in ("nwchem", "gaussian94", "turbomole", "json") for name in ("6-31G*", "cc-pVDZ")]
    + [("cp2k", "cc-pVDZ")],
)
def test_a_file_in_any_format_gives_the_functions_of_the_name(water, tmp_path, format, name):
    from basis_set_exchange import get_basis

    endings = {"nwchem": ".nw", "gaussian94": ".gbs", "turbomole": ".tm", "cp2k": ".cp2k", "json": ".json"}
    path = tmp_path / f"mine{endings[format]}"
    path.write_text(get_basis(name, elements=[1, 8], fmt=format))
    read, named = make_mole(water, str(path)), make_mole(water, name)
    assert read.nao == named.nao
    np.testing.assert_allclose(levels(read), levels(named), rtol=1e-5)  # digits of PySCF's and the Exchange's tables
    assert basis_sets.label(str(path)) == "mine"


def test_fortran_exponents_are_read(water):
    text = "H S\n 0.3425250914D+01 0.15432897D0\n 6.239137298d-1 5.353281423d-01\n 0.1688554040 0.44463454\n"
    ((degree, *rows),) = basis_text.parse(text, "system.basis")["H"]
    assert degree == 0
    assert [row[0] for row in rows] == [3.425250914, 0.6239137298, 0.168855404]


def test_the_text_of_a_file_repeats_it_bit_for_bit(water, tmp_path):
    from basis_set_exchange import get_basis

    path = tmp_path / "mine.gbs"
    path.write_text(get_basis("def2-SVP", elements=[1, 8], fmt="gaussian94"))
    shells = basis_sets.functions(str(path), ["H", "O"])
    text = basis_sets.embedded(str(path))
    path.unlink()
    assert basis_sets.embedded(text) == text
    assert basis_sets.label(text) == "mine"
    assert basis_sets.functions(text, ["H", "O"]) == shells
    np.testing.assert_allclose(levels(make_mole(water, text)), levels(make_mole(water, "def2-svp")), rtol=1e-5)


def test_each_element_may_have_its_own_set(water):
    mixed = make_mole(water, "O:cc-pvdz, H:sto-3g")
    assert mixed.nao == 14 + 2
    assert make_mole(water, "*:sto-3g,O:cc-pvdz").nao == mixed.nao
    assert basis_names.canonical({"O": "cc-pvdz", "H": "sto-3g"}) == "H:sto-3g,O:cc-pvdz"
    with pytest.raises(InputError, match="names no basis for H"):
        make_mole(water, "O:cc-pvdz")
    for wrong in ("O:", ":sto-3g", "O:sto-3g,O:6-31g", "Q:sto-3g", "O:sto-3g,,H:sto-3g"):
        with pytest.raises(InputError, match="cannot be read"):
            make_mole(water, wrong)


@pytest.mark.parametrize("name", ["unc-pcseg-1", "unc-pc-1", "unc-6-31g"])
def test_a_decontracted_set_has_every_primitive(water, name):
    from pyscf import gto

    expected = gto.uncontracted_basis(gto.basis.load(name.removeprefix("unc-"), "O"))
    assert len(basis_sets.functions(name, ["O"])["O"]) == len(expected)
    assert make_mole(water, name).nao > make_mole(water, name.removeprefix("unc-")).nao


@pytest.mark.parametrize(
    "name",
    [
        "gth-szv",
        "gth-dzvp",
        "GTH-TZV2P",
        "ccecp-ccpvdz",
        "ccecp-aug-cc-pvtz",
        "bfd-vdz",
        "bfd-v5z",
        "crenbl",
        "sbkjc",
        "PAW-L1",
    ],
)
def test_valence_sets_are_refused_without_their_pseudopotential(water, name):
    with pytest.raises(InputError, match="all electrons"):
        make_mole(water, name)
    hydrogen = Molecule.from_spec("H 0 0 0; H 0 0 0.74")
    if not name.startswith(("crenbl", "sbkjc")):  # these leave hydrogen as it is
        with pytest.raises(InputError, match="all electrons"):
            make_mole(hydrogen, name)


def test_a_valence_set_in_a_file_of_another_name_is_refused(water, tmp_path):
    from pyscf import gto

    shells = {symbol: gto.basis.load("ccecp-ccpvtz", symbol) for symbol in ("O", "H")}
    path = tmp_path / "mine.nw"
    path.write_text(basis_text.write(shells, "mine"))
    with pytest.raises(InputError, match="no functions for the core of O"):
        make_mole(water, str(path))


@pytest.mark.parametrize("name", ["sto-3g", "3-21g", "6-31g", "minao", "def2-svp", "pcseg-0", "cc-pvdz", "ano"])
@pytest.mark.parametrize("symbol", ["Li", "O", "Cl", "Fe"])
def test_sets_for_all_electrons_describe_the_core(name, symbol):
    if basis_tables.has(name, symbol):  # many sets lack iron
        assert core_share(json.dumps(basis_sets.functions(name, [symbol])[symbol]), symbol) > CORE + 0.05
    else:
        assert symbol in ("Fe", "Li", "Cl")


@pytest.mark.parametrize(("name", "symbol"), [("x2c-SVPall", "Au"), ("ANO-RCC", "U"), ("STO-3G", "I")])
def test_relativistic_sets_for_all_electrons_are_no_valence_sets(name, symbol):
    check_all_electron(basis_tables.load(name, symbol), symbol, name)
    with pytest.raises(InputError, match="no functions for the core of I"):
        check_all_electron(basis_tables.load("aug-cc-pwCV5Z-PP", "I"), "I", "the largest of its kind")


def test_heavy_elements_with_pseudopotentials_are_refused():
    with pytest.raises(InputError, match=r"pseudopotential \(ECP\) for I"):
        make_mole(Molecule.from_spec("I 0 0 0; H 0 0 1.6"), "def2-svp")


@pytest.mark.parametrize("name", ["def2-universal-jkfit", "cc-pvdz-ri"])
def test_a_fitting_set_as_an_orbital_basis_is_warned_of(water, name, capsys):
    from nnks.tracking import notices

    notices._SAID.clear()
    make_mole(water, name)
    make_mole(water, name)
    said = capsys.readouterr().err
    assert said.count("a set for fitting densities and not for orbitals") == 1
    auxiliary_mole(make_mole(water, "6-31g"), name)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("stuttgart", "exists and has no functions for H"),
        ("cc-pvdzz", "no basis set is called.*'cc-pVDZ'"),
        ("pcseg-7", "no basis set is called.*'pcseg-"),
        ("6-31g@3s2p", "cannot be contracted to '@3s2p' for"),
        ("6-31g@@", "cannot be contracted"),
        ("cc-pvdz@xyz", "cannot be contracted"),
        ("x" * 5000, "no name of a basis set"),
        ("sto-3g\0", "no name of a basis set"),
        ("../sto-3g", "no name of a basis set"),
        ("mine.gbs", "does not exist"),
    ],
)
def test_wrong_names_are_refused_in_one_line_with_the_nearest_that_have_the_elements(water, name, says):
    with pytest.raises(InputError, match=says) as caught:
        make_mole(water, name)
    sentence = str(caught.value)
    assert len(sentence) < 600
    assert sentence.isprintable()
    assert "did you mean" not in sentence
    if "such as '" in sentence:
        near = sentence.rpartition("such as ")[2].strip(" .").split(", ")
        assert 1 <= len(near) <= 5
        if "or a basis file" not in sentence:
            for each in near:
                assert make_mole(water, each.strip("'")).nao > 5


def test_a_refusal_names_the_key_that_was_wrong(water):
    from nnks.interop.large_basis import large_bases

    with pytest.raises(InputError, match=r"^reference\.large_basis is 'None'"):
        large_bases(water, "None")
    with pytest.raises(InputError, match=r"^functional\.auxiliary is 'nonsense'"):
        auxiliary_mole(make_mole(water, "sto-3g"), "nonsense")


@pytest.mark.parametrize("basis", ["6-31g", "def2-tzvp", "sto-3g", "cc-pvdz", "pcseg-1"])
def test_the_automatic_fitting_set_is_pyscfs(water, basis):
    from pyscf import df

    mole = make_mole(water, basis)
    assert auxiliary_mole(mole).nao == df.make_auxmol(mole, df.make_auxbasis(mole, xc="lda")).nao


def test_a_basis_from_a_file_has_an_even_tempered_fitting_set(water, tmp_path):
    path = tmp_path / "mine.nw"
    path.write_text(basis_text.write(basis_sets.functions("6-31g", ["H", "O"]), ""))
    assert auxiliary_mole(make_mole(water, str(path))).nao > 50


def test_a_file_that_is_no_basis_is_named_and_not_repeated(tmp_path):
    """What a stored config names may be any file of whoever repeats it."""
    from nnks.interop.basis_sets import embedded
    from nnks.registry import InputError

    secret = tmp_path / "secret"
    secret.write_text("zebra:x:0:0\n")
    with pytest.raises(InputError, match="secret', which cannot be read as a basis set") as refusal:
        embedded(str(secret))
    assert "zebra" not in str(refusal.value)
