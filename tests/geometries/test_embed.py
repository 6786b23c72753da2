"""Text that repeats a geometry file elsewhere, and short names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnks.molecule import Molecule, embedded, identity_text, notices, short_name
from nnks.registry import InputError

coordinates = st.floats(-1e5, 1e5, allow_nan=False)


def write(folder, text, name="given.xyz"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def same(a, b):
    assert (a.symbols, a.charge, a.spin, a.name) == (b.symbols, b.charge, b.spin, b.name)
    np.testing.assert_array_equal(a.positions, b.positions)


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5),
    unit=st.sampled_from(["angstrom", "bohr"]),
    form=st.sampled_from(["{!r}", "{:.6f}", "{:.17e}"]),
)
def test_an_embedded_file_has_the_same_positions_bit_by_bit(rows, unit, form, tmp_path_factory):
    atoms = [f"he {form.format(x)} {form.format(y)} {3 * n}" for n, (x, y) in enumerate(rows)]
    path = write(tmp_path_factory.mktemp("xyz"), "\n".join([str(len(atoms)), "charge=0", *atoms]))
    text = embedded(path)
    same(Molecule.from_spec(text, unit=unit), Molecule.from_spec(path, unit=unit))
    assert embedded(text) == text


@pytest.mark.parametrize(
    "name", ["given.xyz", "a b.xyz", "charge=3.xyz", 'q"uote.xyz', "名.XYZ", "x" * 200 + ".xyz", "a\tb.xyz"]
)
@pytest.mark.parametrize("comment", ["", "charge=1 spin=1", "multiplicity=3 energy=-1", "a molecule, by hand"])
def test_an_embedded_file_keeps_its_name_charge_and_spin(name, comment, tmp_path):
    path = write(tmp_path, f"2\n{comment}\nH1 0 0 0 0.1\nd\t0 0 1.0D0\n\n", name)
    text = embedded(path)
    same(Molecule.from_spec(text), Molecule.from_spec(path))
    assert (embedded(text), embedded(f" {path} ")) == (text, text)
    assert short_name(text) == short_name(path) == Molecule.from_spec(path).name
    assert notices(text) == ()
    assert text.splitlines()[2:] == ["H 0.0 0.0 0.0", "H 0.0 0.0 1.0"]


def test_the_identity_of_a_file_is_not_its_name(tmp_path):
    text = "2\ncharge=1 energy=-1\nH 0 0 0\nH 0 0 0.74\n"
    a, b = write(tmp_path, text, "a.xyz"), write(tmp_path, text.replace("0.74", "0.740"), "b.xyz")
    assert embedded(a) != embedded(b)
    identities = {identity_text(spec) for spec in (a, b, embedded(a), embedded(b), text)}
    assert identities == {"2\ncharge=1\nH 0.0 0.0 0.0\nH 0.0 0.0 0.74"}
    same(Molecule.from_spec(*identities), Molecule.from_spec(text))
    write(tmp_path, text.replace("0.74", "1.5"), "a.xyz")
    assert identity_text(a) not in identities


@pytest.mark.parametrize(
    "spec", ["water", "H2", "O 0 0 0; H 0 0 1", "H 0 0 0 ;\n  H 0 0 1", "nonsense", "", "Bq 0 0 0"]
)
def test_what_is_no_file_stays_as_it_is(spec):
    assert embedded(spec) == spec


@pytest.mark.parametrize("name", ["water", "H2", "nonsense", ""])
def test_a_name_is_its_own_identity(name):
    assert identity_text(name) == name


def test_a_file_that_cannot_be_read_is_not_embedded(tmp_path):
    for spec in ("nowhere.xyz", write(tmp_path, "2\n\nH 0 0 0\n")):
        for function in (embedded, identity_text):
            with pytest.raises(InputError):
                function(spec)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("water", "water"),
        (" H2 ", "H2"),
        ("Li 0 0 0; H 0 0 1.6", "HLi"),
        ("2\nname=pair charge=1\nH 0 0 0\nH 0 0 1", "pair"),
        ('2\nname="a pair"\nH 0 0 0\nH 0 0 1', "a pair"),
        ("2\n\nH 0 0 0\nH 0 0 1", "H2"),
        ("folder/some file.xyz", "some file"),
        ("", "unknown"),
        (None, "unknown"),
        (["H"], "['H']"),
    ],
)
def test_short_names(spec, name):
    assert short_name(spec) == name


@pytest.mark.parametrize(
    "spec", ["H 0 0; 7", "a\nb", "x" * 10**6, "\ud800.xyz", "\x00", {"a": 1}, 10**5000, "1\n\nBq 0 0 0"], ids=range(8)
)
def test_a_short_name_is_short_whatever_was_given(spec):
    name = short_name(spec)
    assert 0 < len(name) <= 60
    assert name.isprintable()


def test_atoms_written_in_another_way_are_the_same_run():
    """Case, nuclear charges, labels, digits and separators are no part of a run's identity; positions are."""
    from nnks.config import default_config, override, to_dict
    from nnks.tracking import config_hash

    def identity(molecule):
        return config_hash(to_dict(override(default_config(), {"system.molecule": molecule})))

    same = ["H 0 0 0; H 0 0 0.74", "h 0 0 0\nh 0 0 0.740", "1 0 0 0; 1 0 0 7.4D-1", "H1 0 0 0; H2 0, 0, 0.74"]
    same.append("2\nname=other\nH 0 0 0\nH 0 0 0.74\n")
    assert len({identity(molecule) for molecule in same}) == 1
    assert identity("H 0 0 0; H 0 0 0.75") != identity(same[0])
