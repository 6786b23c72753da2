"""Cells in a comment line, and columns by which other programs freeze atoms."""

import pytest

from nnks.geometries.parse import parse_inline, parse_xyz
from nnks.registry import InputError


@pytest.mark.parametrize("key", ["Lattice", "cell", "Cell", "unit_cell", "cell_parameters"])
def test_a_cell_by_any_name_is_said_to_be_left_out(key):
    (sentence,) = parse_xyz(f'1\n{key}="5 0 0 0 5 0 0 0 5"\nHe 0 0 0', "a.xyz").notices
    assert "isolated molecule" in sentence
    assert not parse_xyz(f'1\n{key}="5 0 0 0 5 0 0 0 5" pbc="F F F"\nHe 0 0 0', "a.xyz").notices


@pytest.mark.parametrize(
    ("atoms", "program"),
    [
        ("C 0 1.0 2.0 3.0\nO -1 1.0 2.0 4.2", "Gaussian"),
        ("C, 0, 1.0, 2.0, 3.0\nO, 0, 1.0, 2.0, 4.2", "Gaussian"),
        ("C 1.0 1 2.0 1 3.0 1\nO 1.0 0 2.0 0 4.2 1", "MOPAC"),
    ],
)
def test_columns_that_freeze_atoms_are_refused_by_what_they_look_like(atoms, program):
    for read in (lambda: parse_inline(atoms), lambda: parse_xyz(f"2\n\n{atoms}", "a.xyz")):
        with pytest.raises(InputError, match=f"by which {program} freezes atoms") as refusal:
            read()
        assert "\n" not in str(refusal.value)


def test_a_further_column_of_an_xyz_file_is_no_such_column():
    written = parse_xyz("2\n\nC 0.0 1.0 2.0 3.0\nO 0.0 1.0 3.2 0.5", "a.xyz")
    assert written.coordinates == ((0.0, 1.0, 2.0), (0.0, 1.0, 3.2))
