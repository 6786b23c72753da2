"""Inline atoms and xyz text: numbers, what follows the atoms, and sizes."""

import numpy as np
import pytest

from nnks.geometries.parse import MOST_ATOMS, parse_xyz, read_written
from nnks.molecule import Molecule, canonical_unit, notices
from nnks.registry import InputError
from nnks.units import ANGSTROM

# The first molecule of QM9 as distributed, with a number in Mathematica's form as other files have it.
QM9 = (
    "5\ngdb 1\t157.7118\t157.70997\t157.70699\t0.\t13.21\t-0.3877\t0.1171\t0.5048\t35.3641\n"
    "C\t-0.0126981359\t 1.0858041578\t 0.0080009958\t-0.535689\n"
    "H\t 2.150416*^-3\t-0.0060313176\t 0.0019761204\t 0.133921\n"
    "H\t 1.0117308433\t 1.4637511618\t 0.0002765748\t 0.133922\n"
    "H\t-0.540815069\t 1.4475266138\t-0.8766437152\t 0.133923\n"
    "H\t-0.5238136345\t 1.4379326443\t 0.9063972942\t 0.133923\n"
    "1341.307\t1341.3284\t1341.365\t1562.6731\t1562.7453\t3038.3205\t3151.6034\t3151.6788\t3151.7078\n"
    "C\tC\t\nInChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n"
)


@pytest.mark.parametrize(
    "unit", ["angstrom", "Angstrom", "ANG", "a", "A", "Å", "\u212b", "A\u030a", "ångström", " angstroms "]
)
def test_names_of_the_angstrom(unit):
    assert canonical_unit(unit) == "angstrom"
    assert float(Molecule.from_spec("H 1 0 0", unit=unit).positions[0, 0]) == ANGSTROM


@pytest.mark.parametrize("unit", ["bohr", "Bohr", "au", "A.U.", "a.u.", "b", "B", "AU"])
def test_names_of_the_bohr(unit):
    assert canonical_unit(unit) == "bohr"
    assert float(Molecule.from_spec("H 1 0 0", unit=unit).positions[0, 0]) == 1.0


@pytest.mark.parametrize("unit", ["", "nm", "pm", "x" * 100_000, "angstrom\n!", "\ud800"])
def test_other_units_are_refused(unit):
    with pytest.raises(InputError, match=r"is not a unit of length; .*choose one of: angstrom, bohr") as error:
        Molecule.from_spec("water", unit=unit)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            ("1.0D-01", 0.1),
            ("1d0", 1.0),
            ("-1.5d+1", -15.0),
            ("2.1997*^-6", 2.1997e-6),
            ("1*^2", 100.0),
            ("1e-3", 1e-3),
        ),
        *(
            (".5", 0.5),
            ("5.", 5.0),
            ("+0", 0.0),
            ("-0.0", 0.0),
            ("1E5", 1e5),
            ("0." + "3" * 5000, 1 / 3),
            ("1e-99999", 0.0),
        ),
    ],
)
def test_numbers_of_other_programs_are_read(text, value):
    assert Molecule.from_spec(f"H 0 {text} 0", unit="bohr").positions.tolist() == [[0, value, 0]]


@pytest.mark.parametrize(
    "text",
    [
        "1_0",
        "nan",
        "inf",
        "-Infinity",
        "1e400",
        "٣",
        "²",
        "0x10",
        "1e",
        "1.2.3",
        "--1",
        "1*^",
        "1e1.5",
        "−1",
        "9" * 5000,
        "1e" + "9" * 5000,
        "1e7",
        "True",
        "None",
        "1+1",
        "__import__('os')",
    ],
)
def test_what_is_no_sensible_number_is_refused(text):
    for spec in (f"H 0 {text} 0", f"1\n\nH 0 {text} 0"):
        with pytest.raises(InputError, match=r"is not a finite number|is too large") as error:
            Molecule.from_spec(spec)
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 400


def test_a_decimal_comma_is_refused():
    with pytest.raises(InputError, match=r"line 3 of .* has a comma in a number; expected a decimal point"):
        Molecule.from_spec("2\n\nO 0,12 1,5 0,3\nH 0,0 0,0 0,96")
    assert Molecule.from_spec("H,0,0,0; F,0,0,1").symbols == ("H", "F")


def test_a_column_of_nuclear_charges_is_refused():
    with pytest.raises(InputError, match="has the nuclear charge of every atom after its label"):
        parse_xyz("2\n\nO 8.0 0 0 0.1\nH 1.0 0 0 1.1", "the file")
    assert parse_xyz("2\n\nO 8.0 0 0\nH 1.0 0 0", "the file").symbols == ("O", "H")
    assert parse_xyz("2\n\nO 8.0 0 0 -0.8\nH 7.0 0 0 0.8", "the file").symbols == ("O", "H")


def test_a_qm9_file_is_read_as_distributed(tmp_path):
    path = tmp_path / "dsgdb9nsd_000001.xyz"
    path.write_text(QM9)
    molecule = Molecule.from_spec(str(path), unit="bohr")
    assert molecule.symbols == ("C", "H", "H", "H", "H")
    np.testing.assert_array_equal(molecule.positions[1], [2.150416e-3, -0.0060313176, 0.0019761204])
    (notice,) = notices(str(path))
    assert notice.endswith(": 3 lines are ignored after the last atom.")


@pytest.mark.parametrize("end", ["", "\n", "\n\n  \n", "\n\x0c", "\r\n\r\n"])
def test_blank_lines_at_the_end_are_no_matter(end):
    written = parse_xyz(f"1\n\nHe 0 0 0{end}", "the file")
    assert written.symbols == ("He",)
    assert written.notices == ()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (
            "2\n\nH 0 0 0\nH 0 0 1",
            "a second frame begins with line 5.*take one frame, for example the first with `head -n 4",
        ),
        ("\n2\nenergy=-1\nH 0 0 0\nH 0 0 1", "a second frame begins with line 6"),
        ("3\n\nH 0 0 0", "a second frame begins with line 5"),  # a trajectory that was cut
        ("2\n\nBq 0 0 0\nH 0 0 1", "a second frame begins with line 5"),
        ("H 0 0 2", "announces 2 atoms but 3 lines follow.*line 5 .'H 0 0 2'. is one more atom; expected one line"),
        ("\n\nlast:\nHe 0 0 2", r"line 8 .* is one more atom"),
        ("X-H 0 0 2", "is one more atom"),
        ("8 0 0 2", "is one more atom"),
    ],
)
def test_further_frames_and_atoms_are_refused(rest, message):
    with pytest.raises(InputError, match=f"^line 1 of the file .*{message}"):
        parse_xyz(f"2\n\nH 0 0 0\nF 0 0 1\n{rest}\n", "the file")


@pytest.mark.parametrize(
    "rest", ["frequencies 1 2 3", "2", "1341.307 1341.3 1341.4", "C C", "VEC1 1 0 0", "2\n\nnothing"]
)
def test_other_lines_after_the_atoms_are_ignored_in_a_notice(rest):
    written = parse_xyz(f"2\n\nH 0 0 0\nF 0 0 1\n{rest}\n", "the file")
    assert written.symbols == ("H", "F")
    assert written.notices[0].startswith("the file: ")
    assert written.notices[0].endswith("ignored after the last atom.")


def test_a_missing_comment_line_is_noticed():
    assert parse_xyz("1\nH 0 0 0\nF 0 0 1", "the file").notices == (
        "line 2 of the file looks like an atom, and is the comment line of an xyz file, not an atom.",
    )
    with pytest.raises(InputError, match="announces 2 atoms but 1 lines follow"):
        parse_xyz("2\nH 0 0 0\nF 0 0 1", "the file")


LONG = {
    "digits": "1" * 5000,
    "label": "H" + "1" * 5000 + " 0 0 0",
    "nuclear charge": "8" * 5000 + " 0 0 0",
    "count": "1" * 5000 + "\n\nH 0 0 0",
    "name": "C" * 1_000_000,
    "atoms": "H 0 0 0;" * 100_000,
    "more atoms": "H 0 0 0;" * 1_000_000,
    "xyz atoms": "100000\n\n" + "H 0 0 0\n" * 100_000,
    "fields": "H " + "0 " * 100_000,
    "spaces": "H" + " " * 100_000 + "H",
    "semicolons": ";" * 1_000_000,
    "underscores": "H" + "_" * 100_000 + "! 0 0 0",
    "lines": "1\n\nH 0 0 0\n" + "a\n" * 1_000_000,
    "followers": "1\n\nH 0 0 0\n" + "Qq 1 1 1\n" * 9000 + "H 0 0 1",
}


@pytest.mark.parametrize("spec", LONG.values(), ids=LONG)
def test_large_input_is_refused_on_one_short_line(spec):
    with pytest.raises(InputError) as error:
        Molecule.from_spec(spec)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


def test_as_many_atoms_as_the_limit_are_read():
    spec = ";".join(f"H {n} 0 0" for n in range(MOST_ATOMS))
    assert Molecule.from_spec(spec).natoms == MOST_ATOMS
    with pytest.raises(InputError, match=f"has {MOST_ATOMS + 1} atoms; expected at most {MOST_ATOMS}"):
        Molecule.from_spec(f"{spec};H 0 0 9")


def test_names_of_the_library_are_not_written_geometries():
    assert read_written("water") is None
    assert read_written("hydrogen molecule") is None


@pytest.mark.parametrize("rows", [("1 9 0.0 0.0 0.0", "2 1 0.0 0.0 0.92"), ("1 9 0 0.0 0.0 0.0", "2 1 0 0.0 0.0 0.92")])
def test_a_table_that_numbers_its_atoms_is_refused(rows):
    """As Gaussian prints them: number, nuclear charge, type, coordinates.

    Taken for labels, the numbers would be H and He.
    """
    from nnks.geometries.parse import parse_xyz
    from nnks.registry import InputError

    with pytest.raises(InputError, match="numbers its atoms, 1 to 2"):
        parse_xyz("\n".join(("2", "", *rows)), "table.xyz")
