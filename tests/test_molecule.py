"""Molecules from names, files and inline atoms; what is refused, by message."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnks.geometries.elements import NUMBERS, SYMBOLS
from nnks.molecule import CLOSEST, Molecule
from nnks.registry import InputError
from nnks.units import ANGSTROM

# The last digit of to_xyz is 1e-12 angstrom; a geometry must survive a file to this.
ROUND_TRIP = 1e-9

PARITY = (
    r"molecule 'H' has 1 electron, which cannot have spin 0 \(n_up - n_down\); "
    "use an odd system.spin such as 1"
)
WATER = "O 0 0 0.1173; H 0 0.7572 -0.4692; H 0 -0.7572 -0.4692"


@st.composite
def fields(draw):
    """A molecule's fields: up to six atoms of any element on a jittered line, so that none coincide."""
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=6))
    jitter = st.floats(-0.4, 0.4, allow_nan=False)
    rows = [[3.0 * n + draw(jitter), 7 * draw(jitter), draw(jitter)] for n in range(len(symbols))]
    charge = draw(st.integers(-1, 0))
    electrons = sum(NUMBERS[s] for s in symbols) - charge
    spin = draw(st.integers(0, electrons // 2)) * 2 + electrons % 2
    return rows, tuple(symbols), charge, min(spin, electrons), "generated"


def write(tmp_path, text):
    path = tmp_path / "given.xyz"
    path.write_text(text, encoding="utf-8")
    return str(path)


@settings(deadline=None, max_examples=50)
@given(given=fields())
def test_xyz_round_trip(given, tmp_path_factory):
    molecule = Molecule(jnp.array(given[0]), *given[1:])
    path = write(tmp_path_factory.mktemp("xyz"), molecule.to_xyz())
    again = Molecule.from_spec(path, charge=molecule.charge, spin=molecule.spin)
    np.testing.assert_allclose(again.positions, molecule.positions, rtol=0, atol=ROUND_TRIP)
    assert (again.symbols, again.charge, again.spin, again.name) == (
        *(molecule.symbols, molecule.charge, molecule.spin),
        "given",
    )
    assert again.nelec == molecule.nelec


@settings(deadline=None, max_examples=50)
@given(
    given=fields(),
    separator=st.sampled_from(["; ", "\n", ";\n"]),
    comma=st.sampled_from([" ", ", ", "\t"]),
)
def test_inline_round_trip(given, separator, comma):
    molecule = Molecule(jnp.array(given[0]), *given[1:])
    rows = zip(molecule.symbols, molecule.positions.tolist(), strict=True)
    spec = separator.join(comma.join([symbol, *map(repr, row)]) for symbol, row in rows)
    again = Molecule.from_spec(spec, unit="bohr", charge=molecule.charge)
    assert again.symbols == molecule.symbols
    np.testing.assert_array_equal(again.positions, molecule.positions)  # repr of a float64 is exact
    assert again.spin == sum(molecule.nelec) % 2


def test_units_and_names_agree():
    named = Molecule.from_spec("water")
    inline = Molecule.from_spec(WATER)
    bohr = Molecule.from_spec("; ".join(f"{s} {x!r} {y!r} {z!r}" for s, (x, y, z) in zip(
        named.symbols, named.positions.tolist(), strict=True)), unit="Bohr")  # fmt: skip
    for other in (inline, bohr, Molecule.from_spec(named.to_xyz())):
        np.testing.assert_allclose(other.positions, named.positions, rtol=0, atol=ROUND_TRIP)
    # The library knows its own unit.
    np.testing.assert_array_equal(Molecule.from_spec("water", unit="bohr").positions, named.positions)
    assert float(named.positions[0, 2]) == pytest.approx(0.1173 * ANGSTROM, rel=1e-15)


@pytest.mark.parametrize("label", ["H", "h", "H1", "H:1", "H@a", "H_b", "1"])
def test_labels(label):
    assert Molecule.from_spec(f"{label} 0 0 0", spin=1).symbols == ("H",)


def test_pyscf_forms():
    molecule = Molecule.from_spec("# water\n8 0 0 0\n  cl1, 0, 0, 2;; HE  0 3. -1e0 \n")
    assert molecule.symbols == ("O", "Cl", "He")
    np.testing.assert_allclose(molecule.positions[2], [0, 3 * ANGSTROM, -ANGSTROM], rtol=1e-15)


def test_extra_columns_of_xyz(tmp_path):
    path = write(tmp_path, "2\n\nH 0 0 0 0.1 q\nH 0 0 0.7414 0.2\n\n\n")
    np.testing.assert_allclose(Molecule.from_spec(path).positions, Molecule.from_spec("H2").positions, rtol=1e-15)


def test_path_with_spaces(tmp_path):
    folder = tmp_path / "a folder 2 b c"
    folder.mkdir()
    assert Molecule.from_spec(write(folder, "1\n\nHe 0 0 0\n")).symbols == ("He",)


@pytest.mark.parametrize(
    ("spec", "charge", "spin", "expected", "nelec"),
    [
        ("O2", None, None, 2, (9, 7)),
        ("O2", 0, 0, 0, (8, 8)),
        ("O2", 1, None, 1, (8, 7)),  # not the neutral molecule: the lowest spin
        ("N", None, None, 3, (5, 2)),
        ("N 0 0 0", None, None, 1, (4, 3)),  # inline: nothing is known but the parity
        ("H", -1, None, 0, (1, 1)),
        ("He", 0, 2, 2, (2, 0)),
        ("NO", None, None, 1, (8, 7)),
    ],
)
def test_spin(spec, charge, spin, expected, nelec):
    molecule = Molecule.from_spec(spec, charge=charge, spin=spin)
    assert molecule.spin == expected
    assert molecule.nelec == nelec


def test_properties():
    molecule = Molecule.from_spec("ethanol")
    assert molecule.formula == "C2H6O"
    assert molecule.name == "C2H5OH"
    assert molecule.natoms == 9
    assert molecule.charges.tolist() == [6, 6, 8, 1, 1, 1, 1, 1, 1]
    assert isinstance(molecule.charges, np.ndarray)
    assert Molecule.from_spec("Na 0 0 0; Cl 0 0 2.36").formula == "ClNa"


def test_positions_are_the_only_leaf():
    molecule = Molecule.from_spec("water")
    leaves, tree = jax.tree.flatten(molecule)
    assert len(leaves) == 1
    assert leaves[0].dtype == jnp.float64
    assert jax.tree.unflatten(tree, leaves).symbols == ("O", "H", "H")
    batch = jax.vmap(lambda s: jax.tree.map(lambda x: s * x, molecule))(jnp.arange(3.0))  # holds coincident atoms
    assert batch.positions.shape == (3, 3, 3)


def test_gradient_through_positions():
    """The derivative of the O-H distance with respect to the nuclei is the unit vector along the bond."""
    molecule = Molecule.from_spec("water")

    @jax.jit
    def distance(m):
        return jnp.linalg.norm(m.positions[1] - m.positions[0])

    gradient = jax.grad(distance)(molecule).positions
    bond = np.asarray(molecule.positions[1] - molecule.positions[0])
    unit = bond / np.linalg.norm(bond)
    # a few roundings of float64
    np.testing.assert_allclose(gradient, [-unit, unit, 0 * unit], rtol=0, atol=1e-15)

    def stretched(scale):
        return distance(dataclasses.replace(molecule, positions=scale * molecule.positions))

    assert float(jax.jit(jax.grad(stretched))(2.0)) == pytest.approx(np.linalg.norm(bond), rel=1e-14)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("", {}, "system.molecule is empty; expected a library name"),
        ("  \n ", {}, "is empty"),
        ("wter", {}, "'wter', which is not in the library.*did you mean 'water'"),
        ("qqqqqq", {}, "'qqqqqq', which is not in the library.*see `nnks list molecule`"),
        ("co", {}, "'co', which is ambiguous.*write one of: CO, Co"),
        ("Co", {}, "'Co', an atom that the library does not hold.*write 'Co 0 0 0' and set system.spin"),
        ("H", {"spin": 0}, PARITY),
        ("He", {"spin": 4}, "'He' has 2 electrons.* have spin 4.*an even system.spin such as 0, at most 2"),
        ("He", {"spin": -2}, "cannot have spin -2"),
        ("H2", {"charge": 1, "spin": 2}, "has 1 electron, which cannot have spin 2"),
        ("H", {"charge": 1}, "'H' with charge 1 has 0 electrons; expected at least one.*at most 0"),
        ("He", {"charge": 5}, "has -3 electrons"),
        ("water", {"unit": "nm"}, "'nm', which is not a unit of length; choose one of: angstrom, bohr"),
        ("H 0 0 0; He 0 0 0.05", {}, r"atoms 1 \(H\) and 2 \(He\) at a distance of 0.0945 Bohr"),
        ("O 0 0 0; H 0 0 1; H 0 0 1", {}, r"atoms 2 \(H\) and 3 \(H\) at a distance of 0 Bohr"),
        ("O 0 0", {}, r"atom 1 \('O 0 0'\) has 2 fields after the label; expected three coordinates"),
        ("O 0 0 0; H 0 0 1 1", {}, "atom 2 .* has 4 fields after the label"),
        ("H 0 0 0 H 0 0 1", {}, "has 7 fields after the label"),
        ("O 0 0 0; Qq 0 0 1", {}, r"atom 2 \('Qq 0 0 1'\): 'Qq' is not an element; expected a symbol"),
        ("ghost 0 0 0", {}, "'ghost' is not an element.*ghost atoms are not supported"),
        ("0 0 0 0", {}, "'0' is not an element.*nuclear charge from 1 to 118"),
        ("119 0 0 0", {}, "'119' is not an element"),
        ("O 0 0 x", {}, "coordinate 'x' is not a finite number"),
        ("O nan 0 0", {}, "coordinate 'nan' is not a finite number"),
        ("O 0 inf 0", {}, "coordinate 'inf' is not a finite number"),
        ("O 0 1_0 0", {}, "coordinate '1_0' is not a finite number"),
        ("O; H 1 0.96; H 1 0.96 2 104.5", {}, "starts with 'O'.*looks like a z-matrix; expected Cartesian"),
        ("# only a comment\n;", {}, "holds no atoms"),
        ("nowhere.xyz", {}, "'nowhere.xyz', which does not exist; expected an xyz file"),
    ],
)  # fmt: skip
def test_refused(spec, options, message):
    with pytest.raises(InputError, match=message):
        Molecule.from_spec(spec, **options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected an xyz file"),
        ("\n\n", "is empty"),
        ("two\n\nH 0 0 0\n", "line 1 of .*given.xyz' is 'two'; expected the number of atoms"),
        ("0\n\n", "line 1 of .* is '0'"),
        ("-1\n\nH 0 0 0", "line 1 of .* is '-1'"),
        ("3\n\nH 0 0 0\nH 0 0 1\n", "line 1 of .* announces 3 atoms but 2 lines follow"),
        ("1\n\nH 0 0 0\n1\n\nH 0 0 1\n", "announces 1 atoms but 4 lines follow"),
        ("2\n\nH 0 0 0\nH 0 1\n", r"line 4 of .* \('H 0 1'\) has 2 fields after the label"),
        ("2\n\nH 0 0 0\n\n", "announces 2 atoms but 1 lines"),
        ("1\n\nXx 0 0 0\n", "line 3 of .*'Xx' is not an element"),
        ("1\n\nH 0 zero 0\n", "line 3 of .*coordinate 'zero' is not a finite number"),
        ("1\n\nH 0 NaN 0\n", "line 3 of .*coordinate 'NaN' is not a finite number"),
    ],
)
def test_refused_files(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        Molecule.from_spec(write(tmp_path, text))


def test_unreadable_file(tmp_path):
    (tmp_path / "folder.xyz").mkdir()
    (tmp_path / "binary.xyz").write_bytes(b"\xff\xfe\x00")
    for name in ("folder.xyz", "binary.xyz"):
        with pytest.raises(InputError, match=r"cannot be read .*expected an xyz file in plain text"):
            Molecule.from_spec(str(tmp_path / name))


def test_refused_by_the_constructor():
    with pytest.raises(InputError, match="molecule 'm' has an atom 'Q', which is not an element"):
        Molecule(jnp.zeros((1, 3)), ("Q",), name="m")
    with pytest.raises(InputError, match=r"1 symbols and positions of shape \(2, 3\)"):
        Molecule(jnp.eye(3)[:2], ("He",))
    with pytest.raises(InputError, match="0 symbols"):
        Molecule(jnp.zeros((0, 3)), ())
    with pytest.raises(InputError, match=r"atom 2 \(H\) at \[nan, 0.0, 0.0\]; expected finite"):
        Molecule(jnp.array([[0.0, 0, 0], [jnp.nan, 0, 0]]), ("H", "H"))
    nearest = jnp.array([[0.0, 0, 0], [0, 0, CLOSEST]])
    assert Molecule(nearest, ("H", "H")).natoms == 2


def test_atoms_of_the_library_have_hunds_spin():
    from nnks.geometries import lookup
    from nnks.geometries.elements import NUMBERS
    from nnks.molecule import hund_spin

    atoms = [symbol for symbol, number in NUMBERS.items() if number <= 18 and "-" not in symbol]
    assert [hund_spin(NUMBERS[symbol]) for symbol in atoms] == [lookup(symbol).spin for symbol in atoms]


@pytest.mark.parametrize(
    ("spec", "charge", "taken", "likely"),
    [("O", 1, 1, 3), ("O 0 0 0", None, 0, 2), ("F", 1, 0, 2), ("C", -1, 1, 3), ("O2", 1, 1, 2), ("Fe 0 0 0", 2, 0, 4)],
)
def test_a_spin_that_is_likely_not_the_ground_states_is_said(spec, charge, taken, likely):
    from nnks.molecule import lost_spin

    sentence = lost_spin(spec, Molecule.from_spec(spec, charge=charge))
    assert f"gets spin {taken}," in sentence
    assert f"has {likely};" in sentence


@pytest.mark.parametrize(
    ("spec", "charge"), [("O", None), ("O2", None), ("H2", 1), ("water", 1), ("Na", 1), ("H 0 0 0", None)]
)
def test_nothing_is_said_of_a_spin_that_is_likely_right(spec, charge):
    from nnks.molecule import lost_spin

    assert lost_spin(spec, Molecule.from_spec(spec, charge=charge)) == ""
