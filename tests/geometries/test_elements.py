"""What a label may be: a symbol with or without a tag; ghosts are refused as ghosts."""

import pytest

from nnks.geometries.elements import SYMBOLS, is_element, is_ghost, symbol
from nnks.molecule import Molecule
from nnks.registry import InputError

# PySCF, ORCA, Gaussian, NWChem, Psi4, Q-Chem, CFOUR, Turbomole, mol2 files, GAMESS, ASE
GHOSTS = (
    *(
        "ghost-H",
        "GHOST-H",
        "ghost:H",
        "GHOST_H",
        "ghost.H",
        "GhostH",
        "ghost",
        "Ghost1",
        "X-H",
        "X:H",
        "X_H",
        "X",
        "x1",
    ),
    *("H:", "h:", "H1:", "Cl:", "8:", "H-Bq", "Cl-Bq", "H-bq", "H1-Bq", "O_Bq", "H.Bq", "H:Bq", "H(Bq)", "HBq", "OBq"),
    *(
        "Bq",
        "bq",
        "BQ",
        "Bq1",
        "bqH",
        "BqH",
        "bqH1",
        "bqCl",
        "Bq-H",
        "bq:H",
        "H1Bq",
        "Gh",
        "GH",
        "gh",
        "Gh(H)",
        "gh(Cl)",
    ),
    *("GhH", "H(Gh)", "H-gh", "H_gh", "H_ghost", "H(ghost)", "Hghost", "H-ghost", "H[ghost]", "@H", "@Cl", "@H1"),
    *("@Gh(H)", "H@", "Xx", "XX", "xx", "XH", "XO", "Xx1", "Q", "q", "Du", "DU", "du1", "Dummy", "dum", "Lp", "null"),
    *("H_x", "H-X", "H:dummy", "0", "00", "-1", "-8"),
)
TAGGED = {
    "H": (
        "H", "h", "H1", "H12", "H:1", "H@2", "H@a", "H_b", "H__b", "H_1_2", "H1A", "H#2", "H(1)", "1", "01",
        "D", "d", "T", "D1", "T:1", "d_2", "H5''", "H1'", "h1",
    ),
    "C": ("C", "c", "C_ring", "C.ar", "C.3", "C12B", "C5'", "6", "006"),
    "Xe": ("Xe", "XE", "xe", "Xe1", "Xe_a", "54"),
    "Cl": ("Cl", "CL", "cl", "cl1", "Cl:2", "17"),
    "Dy": ("Dy", "dy1"),
    "Ga": ("Ga", "GA"),
    "O": ("O", "O1P", "8"),
    "Og": ("118", "Og"),
}  # fmt: skip
NEITHER = (
    *("", "Qq", "HH", "Hydrogen", "H+", "Na+", "O2-", "Fe+3", "H-1", "H*", "(H)", "[H]", "H[1]", "H^2", "H::1", "H()"),
    *("H(", "H.", "H#", "1.0", "8a", "119", "²", "٢", "1_0", "+1", "Tv", "H\x00", "H\u202e", "é", "H" * 5000),
    *("1" * 5000, "H" + "1" * 5000, "H_" + "_" * 5000 + "!", "*", "'", "\ud800"),
)  # fmt: skip


@pytest.mark.parametrize("label", GHOSTS)
def test_ghost_atoms_are_refused_in_every_spelling(label, tmp_path):
    assert is_ghost(label)
    assert not is_element(label)
    file = tmp_path / "dimer.xyz"
    file.write_text(f"2\n\nHe 0 0 0\n{label} 0 0 3\n")
    for spec in (f"He 0 0 0; {label} 0 0 3", f"2\n\nHe 0 0 0\n{label} 0 0 3", str(file)):
        with pytest.raises(
            InputError, match=r"is not an element but a ghost or dummy atom; ghost atoms are not supported"
        ):
            Molecule.from_spec(spec)


@pytest.mark.parametrize(
    "atom",
    ["H : 0 0 1", "H Bq 0 0 1", "H 0 0 1 Bq", "H (Gh) 0 0 1", "Bq H 0 0 1", "@ H 0 0 1", "H @ 0 0 1", "H ghost 0 0 1"],
)
def test_a_mark_in_a_column_of_its_own_makes_a_ghost(atom):
    for spec in (f"Li 0 0 0; {atom}", f"2\n\nLi 0 0 0\n{atom}"):
        with pytest.raises(InputError, match="ghost atoms are not supported"):
            Molecule.from_spec(spec)


@pytest.mark.parametrize(("element", "label"), [(element, label) for element in TAGGED for label in TAGGED[element]])
def test_labels_are_symbols_with_tags_or_nuclear_charges(element, label):
    assert symbol(label, "here") == element
    assert not is_ghost(label)


def test_every_element_is_read_in_any_case():
    for number, element in enumerate(SYMBOLS, start=1):
        for label in (element, element.lower(), element.upper(), f"{element}1", f"{element}_a", str(number)):
            assert symbol(label, "here") == element


@pytest.mark.parametrize("label", NEITHER, ids=range(len(NEITHER)))
def test_what_is_no_label_is_refused_on_one_line(label):
    with pytest.raises(
        InputError, match=r"^here: .* is not an element; expected a symbol, a symbol with a tag"
    ) as error:
        symbol(label, "here")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300
