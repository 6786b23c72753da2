"""The library: names, sources, published nuclear repulsions, and the symmetry and bonding of the cages."""

import itertools

import numpy as np
import pytest

from nnks.geometries import LIBRARY, lookup, names
from nnks.geometries.cages import BOND, dodecahedron, point_group, relaxed, truncated_icosahedron
from nnks.geometries.elements import NUMBERS, SYMBOLS
from nnks.geometries.entry import hill_formula
from nnks.geometries.fullerene import capsule, fivefold, icosahedral, icosahedron, icosahedron_faces
from nnks.units import ANGSTROM

CAGES = [name for name in names() if name[0] == "C" and name[1:].isdigit() and int(name[1:]) >= 20]
ICOSAHEDRAL = ["C20", "C60", "C80", "C180"]

# Two settings of the optimizer that stop at 1e-14 gave bonds that differ by 7e-11 angstrom; what is
# promised is 1e-8.
RELAXED = 1e-8

# Shortest and longest bond [angstrom]: regular and measured values, and 0.5 % around the relaxation's target.
WINDOW = {"C20": (1.45, 1.45), "C60": (1.401, 1.458)} | dict.fromkeys(
    ("C70", "C80", "C100", "C180"), (0.995 * BOND, 1.005 * BOND)
)


def angstrom(name):
    return LIBRARY[name].build().positions / ANGSTROM


def distances(positions):
    return np.linalg.norm(positions[:, None] - positions, axis=-1)


def neighbors(positions):
    """The three nearest atoms of each atom."""
    return np.argsort(distances(positions), axis=1)[:, 1:4]


def rings(positions):
    """The shortest ring through each pair of bonds at an atom, as sets of atoms."""
    near = [set(map(int, row)) for row in neighbors(positions)]
    sizes = set()
    for apex in range(len(near)):
        for left, right in itertools.combinations(near[apex], 2):
            paths = [[apex, left]]
            while not any(path[-1] == right for path in paths):
                paths = [[*p, n] for p in paths for n in near[p[-1]] if n not in p]
                assert len(paths[0]) <= 6, "a ring larger than a hexagon"
            sizes.add(frozenset(next(path for path in paths if path[-1] == right)))
    return sizes


def is_invariant(positions, operation, atol):
    """Whether `operation` takes every atom onto an atom."""
    gaps = np.linalg.norm((positions @ operation.T)[:, None] - positions, axis=-1)
    return bool((gaps.min(axis=1) < atol).all())


def threefold():
    """The rotation by 120 degrees around the center of an icosahedron's face, from Rodrigues' formula."""
    axis = icosahedron()[list(icosahedron_faces()[0])].sum(axis=0)
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sqrt(3) / 2 * cross + 1.5 * cross @ cross


@pytest.mark.parametrize("name", [name for name in names() if name not in CAGES])
def test_entry(name):
    entry = LIBRARY[name]
    symbols, positions = entry.build()
    electrons = sum(NUMBERS[s] for s in symbols)
    assert entry.name == name
    assert entry.formula == hill_formula(symbols)
    assert len(entry.source) > 20
    assert 0 <= entry.spin <= electrons
    assert (electrons - entry.spin) % 2 == 0
    assert positions.shape == (len(symbols), 3)
    assert not positions.flags.writeable
    # No bond between elements up to chlorine is shorter than that of H2, 1.401 Bohr.
    assert distances(positions)[np.triu_indices(len(symbols), 1)].min(initial=10.0) > 1.4


def test_names_and_aliases_are_unique():
    every = [name for entry in LIBRARY.values() for name in (entry.name, *entry.aliases)]
    assert len(set(every)) == len(every)
    assert len({name.casefold() for name in every}) == len(every)
    assert set(names()) == set(LIBRARY)
    for name in every:
        assert name in (lookup(name).name, *lookup(name).aliases)


@pytest.mark.parametrize("alias", ["water", "H2O", "h2o", "Water", "WATER"])
def test_aliases(alias):
    assert lookup(alias) is LIBRARY["H2O"]


def test_spins_of_atoms():
    """Hund's first rule for the shells up to argon: s, then p, one electron in each orbital first."""
    for number, symbol in enumerate(SYMBOLS[:18], start=1):
        outer = number - max(n for n in (0, 2, 4, 10, 12) if n < number)
        orbitals = 3 if 4 < number <= 10 or 12 < number <= 18 else 1
        assert LIBRARY[symbol].spin == min(outer, 2 * orbitals - outer), symbol


# Nuclear repulsion [Ha], printed with five decimals, of the D4FT paper's Table 1 (arXiv 2303.00399); O2, H2O
# and the others recomputed with PySCF 2.14.0.
TABLE1 = {
    "H2": 0.71375,
    "CH4": 13.47203,
    "H2O": 9.18953,
    "O2": 28.04748,
    "C2H5OH": 82.01074,
    "C6H6": 203.22654,
}


@pytest.mark.parametrize("name", TABLE1)
def test_nuclear_repulsion_of_table_1(name):
    symbols, positions = LIBRARY[name].build()
    charges = np.array([NUMBERS[s] for s in symbols])
    a, b = np.triu_indices(len(symbols), 1)
    repulsion = (charges[a] * charges[b] / distances(positions)[a, b]).sum()
    assert repulsion == pytest.approx(TABLE1[name], abs=1e-5)  # the last printed digit


# Internal coordinates [angstrom, degrees] that the built geometries must return: atoms (bond) or (angle).
@pytest.mark.parametrize(
    ("name", "atoms", "value"),
    [
        ("N2", (0, 1), 1.0977),
        ("H2S", (1, 0, 2), 92.11),
        ("NH3", (0, 3), 1.0124),
        ("NH3", (1, 0, 3), 106.67),
        ("CH3", (1, 0, 2), 120.0),
        ("CH4", (1, 0, 4), np.degrees(np.arccos(-1 / 3))),
        ("SiH4", (0, 2), 1.4798),
        ("H2CO", (0, 3), 1.208),
        ("H2CO", (1, 0, 2), 116.5),
        ("C2H4", (0, 2), 1.086),
        ("C2H4", (2, 0, 3), 117.6),
        ("C2H6", (0, 1), 1.5351),
        ("C2H6", (0, 2), 1.0940),
        ("C2H6", (1, 5), 1.0940),
        ("C2H6", (1, 0, 2), 111.17),
        ("C10H8", (0, 1), 1.381),
        ("C10H8", (1, 5), 1.417),
        ("C10H8", (0, 16), 1.422),
        ("C10H8", (16, 17), 1.412),
        ("C10H8", (1, 3), 1.092),
    ],
)
def test_internal_coordinates(name, atoms, value):
    r = angstrom(name)[list(atoms)]
    if len(atoms) == 2:
        measured = np.linalg.norm(r[0] - r[1])
    else:
        u, v = r[0] - r[1], r[2] - r[1]
        measured = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
    assert measured == pytest.approx(value, rel=1e-12)  # construction and inversion in float64


# Measured rotational constants of the ground state [1/cm] as the CCCBDB lists them: PH3 and benzene from Herzberg
# (1966), SiH4 from Boyd (1955), naphthalene from Kabir et al. (2003). A constant goes as the inverse square of the
# lengths: half their last digit for PH3 and benzene, the stated error of 0.0004 for SiH4; C10H8's source says 0.5 %.
@pytest.mark.parametrize(
    ("name", "constants", "tolerance"),
    [
        ("PH3", (4.45236, 4.45236), 1e-4),
        ("SiH4", (2.86509, 2.86509, 2.86509), 6e-4),
        ("C6H6", (0.18960, 0.18960, 0.09480), 7e-4),
        ("C10H8", (0.10405, 0.04113, 0.02948), 5e-3),
    ],
)
def test_rotational_constants(name, constants, tolerance):
    masses = {"H": 1.0078250, "C": 12.0, "Si": 27.9769265, "P": 30.9737620}  # of the commonest isotopes [u]
    m = np.array([masses[s] for s in LIBRARY[name].build()[0]])
    r = angstrom(name)
    r = r - m @ r / m.sum()
    inertia = (m[:, None, None] * ((r * r).sum(-1)[:, None, None] * np.eye(3) - r[:, :, None] * r[:, None])).sum(0)
    computed = 16.8576292 / np.linalg.eigvalsh(inertia)  # h / (8 pi^2 c) [u angstrom^2 / cm]
    np.testing.assert_allclose(computed[: len(constants)], constants, rtol=tolerance)


def test_free_angle_of_naphthalene():
    """The angle that the bonds leave open is where the ring angles deviate least from 120 degrees."""
    r = angstrom("C10H8")

    def angle(a, b, c):
        u, v = r[a] - r[b], r[c] - r[b]
        return np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))

    deviations = [angle(17, 16, 0) - 120, angle(16, 0, 1) - 120, angle(0, 1, 5) - 120]
    # Found by minimization to be 0.36095 degrees squared; two decimals of the angle change it in the fifth.
    assert np.square(deviations).sum() == pytest.approx(0.36095, abs=1e-4)
    for flip in (np.diag([-1.0, 1, 1]), np.diag([1.0, -1, 1])):
        assert is_invariant(r, flip, atol=1e-12)


@pytest.mark.parametrize("name", CAGES)
def test_cage(name):
    """Three bonds an atom, twelve pentagons, n/2 - 10 hexagons, bonds in their window, convex, centered."""
    r = angstrom(name)
    n = int(name[1:])
    assert LIBRARY[name].formula == f"C{n}"
    assert r.shape == (n, 3)
    near = neighbors(r)
    assert all(atom in near[other] for atom in range(n) for other in near[atom])
    bonds = np.take_along_axis(distances(r), near, axis=1)
    shortest, longest = WINDOW[name]
    assert bonds.min() >= shortest - RELAXED
    assert bonds.max() <= longest + RELAXED
    assert np.sort(distances(r), axis=1)[:, 4].min() > 1.5 * BOND  # no atom has a fourth neighbor
    sizes = [len(ring) for ring in rings(r)]
    assert sizes.count(5) == 12
    assert sizes.count(6) == n // 2 - 10
    assert len(sizes) == n // 2 + 2  # Euler's formula
    assert (np.einsum("ad,ad->a", r - r[near].mean(axis=1), r) > 0).all()  # each atom lies outside its neighbors
    np.testing.assert_allclose(r.mean(axis=0), 0, atol=RELAXED)


@pytest.mark.parametrize("name", ICOSAHEDRAL)
def test_icosahedral_symmetry(name):
    r = angstrom(name)
    assert is_invariant(r, fivefold(), RELAXED)
    assert is_invariant(r, threefold(), RELAXED)
    assert is_invariant(r, -np.eye(3), RELAXED)
    # Orbits of bonds: 30; 60 + 30; 60 + 60, which both reach the target; 30 + 60 + 60 + 120.
    kinds = {"C20": 1, "C60": 2, "C80": 1, "C180": 4}[name]
    bonds = np.take_along_axis(distances(r), neighbors(r), axis=1).ravel()
    assert len(np.unique(bonds.round(6))) == kinds
    radii = {"C20": 1, "C60": 1, "C80": 2, "C180": 3}[name]  # orbits of atoms: 20; 60; 20 + 60; 3 x 60
    assert len(np.unique(np.linalg.norm(r, axis=1).round(6))) == radii


@pytest.mark.parametrize(("name", "swap"), [("C70", np.diag([1.0, 1, -1])), ("C100", -np.eye(3))])
def test_capsule_symmetry(name, swap):
    """D5h for one belt, D5d for four, and no threefold axis."""
    r = angstrom(name)
    assert is_invariant(r, fivefold(), RELAXED)
    assert is_invariant(r, np.diag([1.0, -1, 1]), RELAXED)
    assert is_invariant(r, swap, RELAXED)
    assert not is_invariant(r, threefold(), 0.1)
    other = np.diag([1.0, 1, -1]) if swap[0, 0] < 0 else -np.eye(3)
    assert not is_invariant(r, other, 0.1)


def test_isolated_pentagons():
    """From C60 on, every cage of the library keeps its pentagons apart."""
    for name in ("C60", "C70", "C80", "C100", "C180"):
        pentagons = [ring for ring in rings(angstrom(name)) if len(ring) == 5]
        assert len(frozenset().union(*pentagons)) == 60, name


def test_dodecahedron_in_closed_form():
    """C20 is the cube (1, 1, 1) with the golden rectangles (0, 1/phi, phi): the same set of distances."""
    phi = (1 + np.sqrt(5)) / 2
    cube = list(itertools.product((-1.0, 1.0), repeat=3))
    rectangle = [(0.0, s / phi, t * phi) for s in (-1, 1) for t in (-1, 1)]
    ideal = np.array(cube + [np.roll(p, k) for p in rectangle for k in range(3)])
    ideal *= 1.45 * phi / 2  # the edge of this dodecahedron is 2 / phi
    sorted_rows = [np.sort(distances(x).ravel()) for x in (ideal, angstrom("C20"))]
    np.testing.assert_allclose(*sorted_rows, rtol=0, atol=1e-12)


def test_relaxation_finds_the_closed_forms():
    """With one bond length, C20 and C60 are the regular dodecahedron and the truncated icosahedron."""
    for cage, ideal in (
        (icosahedral(1), dodecahedron(BOND)),
        (capsule(0), truncated_icosahedron(BOND, BOND)),
    ):
        ours = np.sort(distances(relaxed(cage)).ravel())
        np.testing.assert_allclose(ours, np.sort(distances(ideal).ravel()), rtol=0, atol=RELAXED)


def test_point_groups():
    orders = {"Ih": (icosahedral(2), 120), "D5d": (capsule(4), 20), "D5h": (capsule(1), 20)}
    for name, (cage, order) in orders.items():
        assert len(point_group(cage.generators)) == order, name
        assert all(is_invariant(cage.start, g, 1e-12) for g in cage.generators), name


def test_cages_are_built_once_and_reproducibly():
    assert LIBRARY["C100"].build() is LIBRARY["C100"].build()
    np.testing.assert_allclose(relaxed(capsule(4)), angstrom("C100"), rtol=0, atol=RELAXED)


def test_listing_builds_nothing(monkeypatch):
    """Names, formulas and sources are known without a relaxation."""
    import scipy.optimize

    monkeypatch.setattr(scipy.optimize, "least_squares", None)
    assert all(entry.formula and entry.source for entry in LIBRARY.values())
