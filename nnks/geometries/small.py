"""Small molecules at their experimental geometries.

Where coordinates are given with four decimals they are those of the CCCBDB (NIST Computational Chemistry
Comparison and Benchmark Database), kept to the digit so that published nuclear repulsions come out. The
others are built from bond lengths [angstrom] and angles [degrees].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nnks.geometries.entry import Entry, geometry_angstrom, hill_formula

Coordinates = Sequence[Sequence[float | int]] | np.ndarray

HUBER_HERZBERG = "Huber and Herzberg, Constants of Diatomic Molecules (1979), r_e"
CCCBDB = "experimental geometry of the CCCBDB (NIST)"
HERZBERG = f"{CCCBDB}, from Herzberg, Electronic Spectra of Polyatomic Molecules (1966)"
QUOTED = "commonly quoted experimental value"  # the original was not seen; rotational constants fit, but for C2H6

# name, aliases, symbols, bond length [angstrom], spin, source
DIATOMICS = (
    ("H2", ("dihydrogen", "hydrogen molecule"), "H H", 0.7414, 0, CCCBDB),
    ("Li2", (), "Li Li", 2.6729, 0, HUBER_HERZBERG),
    ("B2", (), "B B", 1.590, 2, HUBER_HERZBERG),
    ("C2", (), "C C", 1.2425, 0, HUBER_HERZBERG),
    ("N2", ("dinitrogen",), "N N", 1.0977, 0, HUBER_HERZBERG),
    ("O2", ("dioxygen",), "O O", 1.2075, 2, CCCBDB),
    ("F2", ("difluorine",), "F F", 1.4119, 0, HUBER_HERZBERG),
    ("Na2", (), "Na Na", 3.0789, 0, HUBER_HERZBERG),
    ("P2", (), "P P", 1.8934, 0, HUBER_HERZBERG),
    ("S2", (), "S S", 1.8892, 2, HUBER_HERZBERG),
    ("Cl2", ("dichlorine",), "Cl Cl", 1.9879, 0, HUBER_HERZBERG),
    ("LiH", ("lithium hydride",), "Li H", 1.5957, 0, HUBER_HERZBERG),
    ("BeH", (), "Be H", 1.3426, 1, HUBER_HERZBERG),
    ("BH", (), "B H", 1.2324, 0, HUBER_HERZBERG),
    ("CH", (), "C H", 1.1199, 1, HUBER_HERZBERG),
    ("NH", (), "N H", 1.0362, 2, HUBER_HERZBERG),
    ("OH", ("hydroxyl",), "O H", 0.9697, 1, HUBER_HERZBERG),
    ("HF", ("hydrogen fluoride",), "H F", 0.9168, 0, HUBER_HERZBERG),
    ("NaH", (), "Na H", 1.8874, 0, CCCBDB),
    ("HCl", ("hydrogen chloride",), "H Cl", 1.2746, 0, HUBER_HERZBERG),
    ("LiF", ("lithium fluoride",), "Li F", 1.5639, 0, HUBER_HERZBERG),
    ("NaCl", ("sodium chloride",), "Na Cl", 2.3608, 0, HUBER_HERZBERG),
    ("CO", ("carbon monoxide",), "C O", 1.1283, 0, HUBER_HERZBERG),
    ("NO", ("nitric oxide",), "N O", 1.1508, 1, HUBER_HERZBERG),
    ("CN", (), "C N", 1.1718, 1, HUBER_HERZBERG),
    ("BF", (), "B F", 1.2626, 0, HUBER_HERZBERG),
    ("CS", (), "C S", 1.5349, 0, HUBER_HERZBERG),
    ("SiO", (), "Si O", 1.5097, 0, HUBER_HERZBERG),
    ("ClF", (), "Cl F", 1.6283, 0, HUBER_HERZBERG),
)


def line(*bonds: float) -> np.ndarray:
    """Atoms on the z axis with the given distances between neighbors, the first at the origin."""
    z = np.cumsum([0.0, *bonds])
    return np.stack([0 * z, 0 * z, z], axis=1)


def bent(bond: float, angle: float) -> np.ndarray:
    """A B2 molecule in the yz plane, A at the origin."""
    half = np.radians(angle) / 2
    y, z = bond * np.sin(half), -bond * np.cos(half)
    return np.array([[0, 0, 0], [0, y, z], [0, -y, z]])


def pyramid(bond: float, angle: float) -> np.ndarray:
    """A B3 molecule with threefold axis z, A at the origin; `angle` is B-A-B, 120 for a planar one."""
    rho = bond * np.sin(np.radians(angle) / 2) * 2 / np.sqrt(3)
    azimuth = np.radians([90.0, 210.0, 330.0])
    # the radicand is zero up to rounding for a planar molecule
    height = np.full(3, -np.sqrt(max(bond**2 - rho**2, 0.0)))
    return np.concatenate([np.zeros((1, 3)), np.stack([rho * np.cos(azimuth), rho * np.sin(azimuth), height], axis=1)])


def tetrahedron(corner: float) -> np.ndarray:
    """A B4 molecule, A at the origin, B at alternate corners of a cube with half edge `corner`."""
    signs = [[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    return corner * np.array(signs, dtype=float)


def ethene(cc: float, ch: float, hch: float) -> np.ndarray:
    """C2H4 in the yz plane: two carbons on z, then four hydrogens."""
    z, half = cc / 2, np.radians(hch) / 2
    y, end = ch * np.sin(half), z + ch * np.cos(half)
    return np.array([[0, 0, z], [0, 0, -z], [0, y, end], [0, -y, end], [0, y, -end], [0, -y, -end]])


def ethane(cc: float, ch: float, cch: float) -> np.ndarray:
    """Staggered C2H6: two carbons on z, then three hydrogens on each, related by inversion."""
    azimuth = np.radians([0.0, 120.0, 240.0])
    rho, end = ch * np.sin(np.radians(cch)), cc / 2 - ch * np.cos(np.radians(cch))
    top = np.stack([rho * np.cos(azimuth), rho * np.sin(azimuth), np.full(3, end)], axis=1)
    return np.concatenate([[[0, 0, cc / 2], [0, 0, -cc / 2]], top, -top])


def naphthalene() -> np.ndarray:
    """C10H8 in the xy plane from bond lengths; the rule for what they leave open is in the entry's source."""
    r12, r23, r19, bridge, ch, angle = 1.381, 1.417, 1.422, 1.412, 1.092, np.radians(119.57)
    c9 = np.array([0.0, bridge / 2])
    c1 = c9 + r19 * np.array([np.sin(angle), -np.cos(angle)])
    c2 = np.array([c1[0] + np.sqrt(r12**2 - (c1[1] - r23 / 2) ** 2), r23 / 2])

    def hydrogen(carbon: np.ndarray, *neighbors: np.ndarray) -> np.ndarray:
        out = sum((carbon - n) / np.linalg.norm(carbon - n) for n in neighbors)
        return carbon + ch * out / np.linalg.norm(out)

    quarter = [c1, c2, hydrogen(c1, c9, c2), hydrogen(c2, c1, c2 * [1, -1])]
    flat = [p * np.array(s) for s in ((1, 1), (1, -1), (-1, 1), (-1, -1)) for p in quarter] + [c9, -c9]
    return np.pad(np.array(flat), ((0, 0), (0, 1)))


BENZENE = (
    *((0.0, 1.3970, 0.0), (1.2098, 0.6985, 0.0), (1.2098, -0.6985, 0.0)),
    *((0.0, -1.3970, 0.0), (-1.2098, -0.6985, 0.0), (-1.2098, 0.6985, 0.0)),
    *((0.0, 2.4810, 0.0), (2.1486, 1.2405, 0.0), (2.1486, -1.2405, 0.0)),
    *((0.0, -2.4810, 0.0), (-2.1486, -1.2405, 0.0), (-2.1486, 1.2405, 0.0)),
)
ETHANOL = (
    *((1.1879, -0.3829, 0.0), (0.0, 0.5526, 0.0), (-1.1867, -0.2472, 0.0)),
    *((-1.9237, 0.3850, 0.0), (2.0985, 0.2306, 0.0)),
    *((1.1184, -1.0093, 0.8869), (1.1184, -1.0093, -0.8869)),
    *((-0.0227, 1.1812, 0.8852), (-0.0227, 1.1812, -0.8852)),
)
NAPHTHALENE_RULE = (
    "bond lengths quoted from Ketkar and Fink, J. Mol. Struct. 77, 139 (1981), by electron diffraction; D2h "
    "and planar; the one angle that they leave open makes the ring angles deviate least from 120 degrees; C-H "
    "1.092 on the bisectors; rotational constants within 0.5 % of Kabir et al., J. Chem. Phys. 119, 3691 (2003)"
)

# name, aliases, symbols, coordinates [angstrom] (or how to make them), spin, source
POLYATOMICS: tuple[tuple[str, tuple[str, ...], str, Callable[[], Coordinates], int, str], ...] = (
    (
        "H2O",
        ("water",),
        "O H H",
        lambda: [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]],
        0,
        f"{CCCBDB}, from Hoy and Bunker, J. Mol. Spectrosc. 74, 1 (1979), r_e",
    ),
    (
        "H2S",
        ("hydrogen sulfide",),
        "S H H",
        lambda: bent(1.3356, 92.11),
        0,
        f"{CCCBDB}, from Cook, De Lucia and Helminger, J. Mol. Struct. 28, 237 (1975): S-H 1.3356, H-S-H 92.11",
    ),
    (
        "O3",
        ("ozone",),
        "O O O",
        lambda: bent(1.2717, 116.78),
        0,
        "Tanaka and Morino, J. Mol. Spectrosc. 33, 538 (1970), r_e: O-O 1.2717, O-O-O 116.78",
    ),
    ("SO2", ("sulfur dioxide",), "S O O", lambda: bent(1.4308, 119.33), 0, f"{QUOTED}, r_e: 1.4308, 119.33"),
    ("CO2", ("carbon dioxide",), "C O O", lambda: [[0, 0, 0], [0, 0, 1.1621], [0, 0, -1.1621]], 0, HERZBERG),
    (
        "N2O",
        ("nitrous oxide",),
        "N N O",
        lambda: line(1.1273, 1.1851),
        0,
        f"{QUOTED}, r_e: N-N 1.1273, N-O 1.1851; compare Teffo and Chedin, J. Mol. Spectrosc. 135, 389 (1989)",
    ),
    (
        "HCN",
        ("hydrogen cyanide",),
        "H C N",
        lambda: line(1.0655, 1.1532),
        0,
        f"{QUOTED}, r_e: C-H 1.0655, C-N 1.1532; compare Winnewisser, Maki and Johnson, J. Mol. Spectrosc. 39, "
        "149 (1971)",
    ),
    (
        "C2H2",
        ("acetylene", "ethyne"),
        "H C C H",
        lambda: line(1.060, 1.203, 1.060),
        0,
        f"{QUOTED}, r_e: C-C 1.203, C-H 1.060",
    ),
    (
        "NH3",
        ("ammonia",),
        "N H H H",
        lambda: pyramid(1.0124, 106.67),
        0,
        f"{HERZBERG}: N-H 1.0124, H-N-H 106.67",
    ),
    (
        "PH3",
        ("phosphine",),
        "P H H H",
        lambda: pyramid(1.4200, 93.345),
        0,
        f"{QUOTED}, r_0 (it returns the measured B_0 of 4.452 / cm): P-H 1.4200, H-P-H 93.345",
    ),
    ("CH3", ("methyl",), "C H H H", lambda: pyramid(1.079, 120.0), 1, f"{HERZBERG}: planar, 1.079"),
    (
        "BF3",
        ("boron trifluoride",),
        "B F F F",
        lambda: pyramid(1.307, 120.0),
        0,
        f"{CCCBDB}, from Kuchitsu (ed.), Structure of Free Polyatomic Molecules (1998), r_e: planar, 1.307",
    ),
    (
        "CH4",
        ("methane",),
        "C H H H H",
        lambda: tetrahedron(0.6276),
        0,
        f"{CCCBDB}, from Hirota, J. Mol. Spectrosc. 77, 213 (1979), r_e",
    ),
    (
        "SiH4",
        ("silane",),
        "Si H H H H",
        lambda: tetrahedron(1.4798 / np.sqrt(3)),
        0,
        f"{CCCBDB}, from Boyd, J. Chem. Phys. 23, 922 (1955): 1.4798",
    ),
    (
        "H2CO",
        ("formaldehyde", "CH2O"),
        "C H H O",
        lambda: np.vstack([bent(1.116, 116.5), [0, 0, 1.208]]),
        0,
        f"{QUOTED}: C-O 1.208, C-H 1.116, H-C-H 116.5",
    ),
    (
        "C2H4",
        ("ethylene", "ethene"),
        "C C H H H H",
        lambda: ethene(1.339, 1.086, 117.6),
        0,
        f"{HERZBERG}: C-C 1.339, C-H 1.086, H-C-H 117.6",
    ),
    (
        "C2H6",
        ("ethane",),
        "C C" + 6 * " H",
        lambda: ethane(1.5351, 1.0940, 111.17),
        0,
        f"{QUOTED}: C-C 1.5351, C-H 1.0940, C-C-H 111.17",
    ),
    (
        "C2H5OH",
        ("ethanol", "C2H6O"),
        "C C O" + 6 * " H",
        lambda: ETHANOL,
        0,
        f"{CCCBDB}, trans, from Coussan et al., J. Phys. Chem. A 102, 5789 (1998)",
    ),
    ("C6H6", ("benzene",), 6 * "C " + 6 * "H ", lambda: BENZENE, 0, HERZBERG),
    ("C10H8", ("naphthalene",), 4 * "C C H H " + "C C", naphthalene, 0, NAPHTHALENE_RULE),
)


def _entry(
    name: str,
    aliases: tuple[str, ...],
    atoms: str,
    coordinates: Callable[[], Coordinates],
    spin: int,
    source: str,
) -> Entry:
    symbols = atoms.split()
    return Entry(name, aliases, hill_formula(symbols), spin, source, lambda: geometry_angstrom(symbols, coordinates()))


def _diatomic(name: str, aliases: tuple[str, ...], atoms: str, bond: float, spin: int, source: str) -> Entry:
    return _entry(name, aliases, atoms, lambda: line(bond), spin, f"{source}: {bond}")


ENTRIES: tuple[Entry, ...] = (*(_diatomic(*row) for row in DIATOMICS), *(_entry(*row) for row in POLYATOMICS))
