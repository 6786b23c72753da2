"""Charge, spin and unit from an xyz file's comment line, beside those of a config."""

import pytest

from nnks import setup
from nnks.config import default_config, from_dict, to_dict
from nnks.molecule import Molecule
from nnks.registry import InputError

CATION = "2\ncharge=1 spin=1\nH 0 0 0\nH 0 0 1\n"
NEUTRAL = "2\ncharge=0\nH 0 0 0\nH 0 0 1\n"
TRIPLET = "2\nmultiplicity=3\nH 0 0 0\nH 0 0 1\n"
PLAIN = "2\na molecule\nH 0 0 0\nH 0 0 1\n"
PERIODIC = '2\nLattice="9 0 0 0 9 0 0 0 9" pbc="T T T"\nH 0 0 0\nH 0 0 1\n'


@pytest.fixture(params=["file", "text"])
def spec_of(request, tmp_path):
    """A `system.molecule` with the given xyz text: inline, or in a file."""

    def make(text):
        path = tmp_path / "given.xyz"
        path.write_text(text)
        return str(path) if request.param == "file" else text

    return make


@pytest.mark.parametrize(
    ("text", "asked", "charge", "spin"),
    [
        (CATION, {}, 1, 1),
        (CATION, {"charge": 1}, 1, 1),
        (CATION, {"charge": 1, "spin": 1}, 1, 1),
        (NEUTRAL, {}, 0, 0),
        (NEUTRAL, {"spin": 2}, 0, 2),
        (TRIPLET, {}, 0, 2),
        (TRIPLET, {"charge": 0}, 0, 2),
        (PLAIN, {}, 0, 0),
        (PLAIN, {"charge": 1}, 1, 1),
        (PLAIN.replace("a molecule", "charge=-1"), {}, -1, 1),
        (PLAIN.replace("a molecule", "charge_a=1 charge_b=-1"), {}, 0, 0),
    ],
)
def test_a_file_states_what_the_config_leaves_open(text, asked, charge, spin, spec_of):
    molecule = Molecule.from_spec(spec_of(text), **asked)
    assert (molecule.charge, molecule.spin) == (charge, spin)


@pytest.mark.parametrize(
    ("text", "asked", "message"),
    [
        (CATION, {"charge": 0}, "states charge 1 in its comment line, and system.charge is 0; expected one value"),
        (
            NEUTRAL,
            {"charge": 1},
            "states charge 0 in its comment line, and system.charge is 1; .*set system.charge to 0",
        ),
        (TRIPLET, {"spin": 0}, "states spin 2 in its comment line, and system.spin is 0"),
        (TRIPLET, {"charge": 1}, "states spin 2 in its comment line, which 1 electrons cannot have"),
        (
            PLAIN.replace("a molecule", "spin=1"),
            {},
            "which 2 electrons .*an even number .the multiplicity less one",
        ),
        (PLAIN.replace("a molecule", "spin=-2"), {}, r"cannot have spin -2"),
        (PLAIN.replace("a molecule", "charge=2"), {}, "has 0 electrons"),
        (
            PLAIN.replace("a molecule", "units=bohr"),
            {},
            "states unit bohr in its comment line, and system.unit is 'angstrom'",
        ),
        (PLAIN.replace("a molecule", "units=angstrom"), {"unit": "au"}, "set system.unit to angstrom"),
        (PLAIN.replace("a molecule", "charge=one"), {"charge": 0}, "has 'one' as charge"),
    ],
)
def test_a_conflict_with_the_config_is_refused(text, asked, message, spec_of):
    with pytest.raises(InputError, match=message) as error:
        Molecule.from_spec(spec_of(text), **asked)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(("spec", "charge"), [("H2", None), ("H2", 0), ("H2", 1), ("H 0 0 0; H 0 0 1", None)])
def test_without_a_comment_line_an_open_charge_is_none(spec, charge):
    assert Molecule.from_spec(spec, charge=charge).charge == (charge or 0)


def test_a_config_leaves_the_charge_open_and_an_older_one_states_it():
    config = default_config()
    assert config.system.charge is None
    stored = to_dict(config)
    stored["system"]["charge"] = 0
    assert from_dict(stored).system.charge == 0


def test_names_of_inline_text_are_read(tmp_path):
    assert Molecule.from_spec('2\nname="a pair"\nH 0 0 0\nH 0 0 1').name == "a pair"
    assert Molecule.from_spec("2\n\nH 0 0 0\nH 0 0 1").name == "H2"
    molecule = Molecule.from_spec("2\nname=pair charge=1\nH 0 0 0\nH 0 0 1")
    assert molecule.to_xyz().splitlines()[1] == "name=pair charge=1 spin=1"


@pytest.mark.parametrize("charge", [10**5, -(10**5), -(10**5000)], ids=["positive", "negative", "long"])
def test_absurd_charges_are_refused_on_one_line(charge):
    with pytest.raises(
        InputError, match=r"expected at most 10000 in size|has .* electrons; expected at least one"
    ) as error:
        Molecule.from_spec("H2", charge=charge)
    assert len(str(error.value)) < 300


def test_a_lattice_is_warned_of_once(quick, tmp_path, capsys):
    path = tmp_path / "cell.xyz"
    path.write_text(PERIODIC + "frequencies\n")
    for _ in range(2):
        setup.self_contained(quick(system__molecule=str(path), system__basis="sto-3g"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(
        "states a lattice with periodic boundaries; nnks computes an isolated molecule of its atoms."
    )
    assert lines[1].endswith("1 line is ignored after the last atom.")
