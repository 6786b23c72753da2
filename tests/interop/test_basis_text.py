"""Basis sets as people and other programs write them, and as nobody should."""

import json
import os

import pytest

from nnks.interop.basis_text import parse, write
from nnks.registry import InputError
from nnks.tracking import notices

HYDROGEN = [[0, [3.0, 1.0], [1.0, 2.0]]]


@pytest.mark.parametrize(
    "text",
    [
        "H S\n 3 1\n 1 2\n",
        "H S\r\n 3. 1D0\r\n 1. +2.0d+00\r\n",
        "# mine\n\nh s\n3.0 1.0\n1.0 2.0\nEND\n",
        'basis "ao basis" spherical print\nH S\n 3 1\n 1 2\nend\n',
        "****\nH 0\nS 2 1\n 3 1\n 1 2\n****\n",
        "spherical\n\n! of Psi4\n****\nH 0\nS 2 1.00\n 3 1\n 1 2\n****\n",
        "-H 0\nS 2 1.00\n 3.0 1.0\n 1.0 2.0\n****\n",
        "$basis\n*\nh mine\n*\n 2 s\n 3.0 1.0\n 1.0 2.0\n*\n$end\n",
        "H MINE\n 1\n 1 0 0 2 1\n 3.0 1.0\n 1.0 2.0\n",
    ],
)
def test_a_basis_is_read_however_it_is_written(text):
    assert parse(text, "system.basis") == {"H": HYDROGEN}


@pytest.mark.parametrize("name", ["sto-3g.dat", "cc-pvdz.dat", os.path.join("pople-basis", "6-31Gss.dat")])
def test_the_files_of_pyscf_are_read(name):
    from pyscf import gto

    with open(os.path.join(os.path.dirname(gto.basis.__file__), name)) as stream:
        text = stream.read()
    named = name.rpartition(os.sep)[2].removesuffix(".dat")
    assert parse(text, "system.basis")["O"] == gto.basis.load(named.replace("ss", "**"), "O")


def test_elements_with_a_pseudopotential_are_left_out():
    from basis_set_exchange import get_basis

    for form in ("nwchem", "gaussian94", "turbomole", "json"):
        assert list(parse(get_basis("def2-SVP", elements=[1, 53], fmt=form), "system.basis")) == ["H"]


def test_cartesian_functions_are_said_once(capsys):
    notices._SAID.clear()
    parse("BASIS\nO D\n 1. 1.\nC D\n 1. 1.\nEND\n", "system.basis")
    assert capsys.readouterr().err.count("Cartesian") == 1
    parse("O D\n 1. 1.\n", "functional.auxiliary")
    assert not capsys.readouterr().err


def shell(**changes):
    fields = {"angular_momentum": [0], "exponents": ["1.0"], "coefficients": [["1.0"]]} | changes
    return json.dumps({"elements": {"1": {"electron_shells": [fields]}}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("H S\n 1e999 1.0\n", "not a finite number"),
        ("H S\n -1.0 1.0\n", "exponent"),
        ("H S\n 1e-300 1.0\n", "exponent"),
        ("H S\n 1.0 0.0\n", "normalized"),
        ("H S\n 1.0 1e300\n", "normalized"),
        ("H S\n 1.0 1.0\n 1.0 -1.0\n", "normalized"),
        ("H S\n" + " 1.0 1.0\n" * 30000, "a shell of 30000 exponents"),
        ("H S\n 1.0 1.0\n" * 3000, "more than 2000 functions"),
        ("H Z\n 1.0 1.0\n", "degree"),
        (shell(angular_momentum=[0.5]), "cannot be"),
        (shell(angular_momentum=[-1]), "degree"),
        (shell(angular_momentum=[0, 1]), "cannot be"),
        (shell(exponents=["nan"]), "cannot be"),
        (shell(exponents=[]), "cannot be"),
        (shell(coefficients="x"), "cannot be"),
        ('{"elements": {"1": {"electron_shells": "x"}}}', "cannot be"),
        ('{"elements": {"999": {"electron_shells": []}}}', "cannot be read"),
        ('{"elements":' * 5000, "cannot be read"),
        ("[" * 100000, "cannot be read"),
        ("H S\n 1.0 1.0\n\0", "cannot be read"),
        ("H S\n nan 1.0\n", "cannot be read"),
        ("H S\n " + "9" * 5000 + " 1.0\n", "not a finite number"),
        ("****\nH 0\nS " + "9" * 5000 + " 1.0\n 1.0 1.0\n****\n", "cannot be read"),
        ("x" * 3_000_000, "characters"),
    ],
)
def test_numbers_that_no_basis_has_are_refused_in_one_short_line(text, says):
    with pytest.raises(InputError, match=says) as caught:
        parse(text, "system.basis")
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_a_written_basis_is_one_entry_of_a_list():
    text = write({"H": HYDROGEN}, "mine (new), 2\N{DEGREE SIGN}")
    assert text.splitlines()[0] == "# mine -new-- 2-"
    assert parse(text, "system.basis") == {"H": HYDROGEN}
