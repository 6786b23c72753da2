"""What the comment line of an xyz file states: charge, spin, name, unit and periodicity."""

import pytest

from nnks.geometries.comment import Comment, read_comment, safe_name, write_comment
from nnks.registry import InputError


def stated(text):
    comment = read_comment(text, "the file")
    assert not comment.notices
    return comment.charge, comment.spin


@pytest.mark.parametrize(
    ("text", "charge", "spin"),
    [
        ("", None, None),
        ("water", None, None),
        ("charge=1 spin=1", 1, 1),
        ("Charge=-1 SPIN=2", -1, 2),
        ("charge=\"1\" spin='0'", 1, 0),
        ("total_charge=2", 2, None),
        ("charge = +1 , multiplicity = 2", 1, 1),
        ("charge=1,spin=1", 1, 1),
        ("charge=1;mult=2", 1, 1),
        ("(charge=1, spin_multiplicity=3)", 1, 2),
        ("charge=1.0 multiplicity=1.", 1, 0),
        ("charge=1 total_charge=1 spin=1 multiplicity=2", 1, 1),
        ("charge=0 charge_a=0 charge_b=1 reference_value=-1.2", 0, None),  # the NCI Atlas
        ("charge_a=1 charge_b=-1 multiplicity_a=2 selection_charge=3", None, None),
        ("spin_state=5 my.charge=1 q-charge=2 charges=1 uncharge=4", None, None),
        ('comment="charge=1 in water" energy=-76.4', None, None),
        ("info={charge=1} tags=[spin=2]", None, None),
        ('note="a \\" charge=3"', None, None),
        ("foo= charge=1", 1, None),
        ("x=charge=1", None, None),
        ("= == =1 a= 'b", None, None),
        ("Properties=species:S:1:pos:R:3:forces:R:3 energy=-1 charge=1", 1, None),
        ("gdb 1\t157.7118\t157.70997\t157.70699\t0.\t13.21", None, None),  # QM9
    ],
)
def test_charge_and_spin_are_read_where_they_are_stated(text, charge, spin):
    assert stated(text) == (charge, spin)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("charge=abc", "has 'abc' as charge; expected a whole number such as charge=1"),
        ("charge=1.5", "has '1.5' as charge"),
        ("charge=", "has '' as charge"),
        ('charge="1', "as charge"),
        ("charge=1=2", "has '1=2' as charge"),
        ("charge=[1,2]", r"has '\[1,2\]' as charge"),
        ("charge=1,2", "has '1,2' as charge"),
        ("charge=1e0", "has '1e0' as charge"),
        ("charge=١", "as charge"),
        ("charge=" + "1" * 5000, "as charge"),
        ("charge=None", "has 'None' as charge"),
        ("multiplicity=two", "has 'two' as multiplicity"),
        ("spin=1/2", "has '1/2' as spin"),
        ("charge=0 total_charge=1", "states 0 and 1 as the charge; expected one value"),
        ("charge=1 charge=-1", "states -1 and 1 as the charge"),
        ("spin=1 multiplicity=1", "states 0 and 1 as the spin"),
        ("Properties=species:S:1:forces:R:3:pos:R:3", "states the columns 'species:S:1:forces:R:3:pos:R:3'"),
        ("Properties=id:I:1:species:S:1:pos:R:3", "expected species:S:1:pos:R:3 first"),
        ("Properties=type:I:1:pos:R:3", "states the columns"),
        ("unit=bohr units=angstrom", "states angstrom and bohr as the unit; expected one"),
        ("units=nm", "states coordinates in nm; expected angstrom or bohr"),
        ("Unit: pm", "states coordinates in pm"),
        ("x" * 200_000, "has 200000 characters; expected at most 100000"),
    ],
)
def test_what_is_malformed_or_contradicts_itself_is_refused(text, message):
    with pytest.raises(InputError, match=f"^the comment line of the file .*{message}") as error:
        read_comment(text, "the file")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "pair",
    [*("a={ ", 'a=" ', "a='\\\" {[", "a=,", "a= ", "charge ", "a=[{", "((((", "a.b-", "unit ", "units:", "unit=a")],
)
def test_no_line_takes_long(pair):
    """Patterns that try again from every place would take hours here."""
    assert stated(pair * (100_000 // len(pair))) == (None, None)


@pytest.mark.parametrize(
    ("text", "periodic"),
    [
        ('Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"', True),
        ('Lattice="5 0 0 0 5 0 0 0 5"', True),  # extended xyz is periodic unless it says otherwise
        ('lattice="5 0 0 0 5 0 0 0 5" PBC="F F T"', True),
        ("pbc=[True, True, True]", True),
        ('pbc="1 1 1"', True),
        ('Lattice="5 0 0 0 5 0 0 0 5" pbc="F F F"', False),
        ('pbc="False False False"', False),
        ("pbc=[0, 0, 0]", False),
        ("a lattice of atoms", False),
    ],
)
def test_periodic_boundaries_are_noticed(text, periodic):
    notices = read_comment(text, "'a.xyz'").notices
    assert len(notices) == periodic
    assert all("'a.xyz' states a lattice with periodic boundaries" in notice for notice in notices)


@pytest.mark.parametrize(
    "text",
    [
        *("1 2", "-1 1", " 0, 1 ", "charge 1", "CHARGE: -1", "Charge 1 mult 2", '{"charge": 1, "spin": 1}', "q=1"),
        *("chrg=1 uhf=1", "net_charge=1", "molecular_charge=-1", "unpaired=2", "spinmult=3", "energy=-1.2 charge : 1"),
    ],
)
def test_a_charge_in_another_form_is_noticed(text):
    comment = read_comment(text, "f.xyz")
    assert comment.charge is None
    (notice,) = comment.notices
    assert "which is not read; write charge=" in notice


@pytest.mark.parametrize(
    "text", ["charge_a=1 charge_b=-1", "charge=1 spin=1", "step 5", "water 1 2 3", "12 34.5", "gdb 1 157.7 157.7"]
)
def test_numbers_of_another_meaning_are_left_alone(text):
    assert not read_comment(text, "f.xyz").notices


@pytest.mark.parametrize("text", ["in bohr", "coordinates in Bohr", "in nm", "Bohr"])
def test_a_unit_in_another_form_is_noticed(text):
    (notice,) = read_comment(text, "f.xyz").notices
    assert "coordinates are in system.unit all the same" in notice


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *((text, "bohr") for text in ("units=bohr", "UNIT = 'Bohr'", "unit: BOHR", "Unit bohr", "(units=bohr);")),
        *((text, "bohr") for text in ("coord_unit=bohr", "units={bohr}", "charge=0,length_units=bohrs,spin=0")),
        *((text, "angstrom") for text in ("unit=Angstrom", "units=angstroms", "Units: Ang", "unit=Å")),
        *((text, None) for text in ("units=au", "units=eV", "energy_unit=bohr2", "unit", "units=", "a unit cell")),
    ],
)
def test_units_are_read_where_they_mean_coordinates(text, unit):
    comment = read_comment(text, "the file")
    assert comment.unit == unit
    assert not comment.notices


@pytest.mark.parametrize(
    "name", ["h2", "a b", "charge=5", 'a"b', "a\\", "wasser(2)", "名前", "x=1 spin=2", "", "a\nb", "\ud800"]
)
@pytest.mark.parametrize(("charge", "spin"), [(None, None), (0, 0), (-1, 3)])
def test_what_is_written_is_read_again(name, charge, spin):
    text = write_comment(name, charge, spin)
    assert text.isprintable()
    assert read_comment(text, "the file") == Comment(safe_name(name), charge, spin)
    assert safe_name(safe_name(name)) == safe_name(name)
