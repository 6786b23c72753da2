"""Fullerene graphs: cages of three-coordinated atoms with twelve pentagons and otherwise hexagons.

A cage is described by its dual: one point for each ring, and one line for each pair of rings that share a
bond. The dual is a triangulation of the sphere, each triangle of it is an atom, and triangles with a common
line are bonded.
Two families are built: icosahedral cages from triangulated icosahedra, and capsules, tubes with halves of
C60 as ends.

References:
    Fowler and Manolopoulos, An Atlas of Fullerenes (1995), for the dual and the two families.
    Goldberg, Tohoku Math. J. 43, 104 (1937), and Coxeter, Virus macromolecules and geodesic domes (1971).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int

Edge = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Fullerene:
    """A cage: which atoms are bonded, and a first, symmetric guess of where they are.

    Attributes:
        start: positions in no particular unit; they have the symmetry of `generators`.
        bonds: pairs of bonded atoms, three for each atom.
        angles: atoms (neighbor, apex, neighbor), three for each apex.
        ring_sizes: 5 or 6 for each angle, the size of the ring that holds it.
        generators: orthogonal matrices that generate the point group.
    """

    start: Float[np.ndarray, "atoms 3"]
    bonds: Int[np.ndarray, "bonds 2"]
    angles: Int[np.ndarray, "angles 3"]
    ring_sizes: Int[np.ndarray, " angles"]
    generators: tuple[Float[np.ndarray, "3 3"], ...]


def ring(z: float, radius: float, azimuth: float) -> Float[np.ndarray, "5 3"]:
    """Five points around the z axis, the first at `azimuth` [degrees]."""
    phi = np.radians(azimuth + 72.0 * np.arange(5))
    return np.stack([radius * np.cos(phi), radius * np.sin(phi), np.full(5, z)], axis=1)


def icosahedron() -> Float[np.ndarray, "12 3"]:
    """The vertices of the icosahedron in the unit sphere, with a fivefold axis along z."""
    z = 1 / np.sqrt(5)
    return np.concatenate([[[0.0, 0.0, 1.0]], ring(z, 2 * z, 0.0), ring(-z, 2 * z, 36.0), [[0.0, 0.0, -1.0]]])


def icosahedron_faces() -> list[tuple[int, int, int]]:
    """The twenty triangles of `icosahedron`."""
    cosines = icosahedron() @ icosahedron().T
    near = np.isclose(cosines, 1 / np.sqrt(5))
    return [(a, b, c) for a, b, c in itertools.combinations(range(12), 3) if near[a, b] and near[b, c] and near[a, c]]


def icosahedral(frequency: int) -> Fullerene:
    """The icosahedral cage of Goldberg's type (frequency, 0) with `20 frequency**2` atoms: C20, C80, C180.

    Each face of the icosahedron is divided into `frequency**2` equal triangles, whose corners are the rings.
    """
    vertices = icosahedron()
    # a corner shared by faces is the same ring: its key lists (vertex, weight) without zero weights
    rings: dict[tuple[Edge, ...], int] = {}
    edges = set()
    weights = [(i, j, frequency - i - j) for i in range(frequency + 1) for j in range(frequency + 1 - i)]
    for face in icosahedron_faces():
        index = {}
        for w in weights:
            key = tuple((vertex, weight) for vertex, weight in zip(face, w, strict=True) if weight)
            index[w] = rings.setdefault(key, len(rings))
        for i, j, k in weights:
            for other in ((i + 1, j - 1, k), (i, j + 1, k - 1), (i - 1, j, k + 1)):
                if other in index:
                    edges.add((index[i, j, k], index[other]))
    centers = np.array([sum(weight * vertices[vertex] for vertex, weight in key) for key in rings])
    a, b, c = icosahedron_faces()[0]
    threefold = np.linalg.solve(vertices[[a, b, c]], vertices[[b, c, a]]).T
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    return _from_dual(centers, edges, (fivefold(), -np.eye(3), threefold))


def capsule(belts: int) -> Fullerene:
    """A (5,5) tube of carbon capped by two halves of C60, with `60 + 10 belts` atoms: C60, C70, C80.

    Along the axis lie a pentagon, rows of five rings turned by 36 degrees from row to row, and a pentagon.
    The second row from each end consists of pentagons. The point group is D5d for an even number of belts,
    D5h for an odd one (and Ih for none).
    """
    rows = 6 + belts
    last = 5 * rows + 1

    def number(row: int, k: int) -> int:
        return 5 * (row - 1) + k % 5 + 1

    edges = set()
    for k in range(5):
        edges |= {(0, number(1, k)), (number(rows, k), last)}
        edges |= {(number(1, k), number(1, k + 1)), (number(rows, k), number(rows, k + 1))}
        # odd rows are turned by 36 degrees: their ring k lies between rings k and k + 1 of the next row
        edges |= {(number(row, k), number(row + 1, k)) for row in range(1, rows)}
        edges |= {(number(row, k), number(row + 1, k + (1 if row % 2 else -1))) for row in range(1, rows)}
        edges |= {(number(row, k), number(row + 2, k)) for row in range(1, rows - 1)}
    # An elongated ellipsoid is near enough for the relaxation to find the convex cage.
    polar = np.pi * (np.arange(1, rows + 1) + 0.3) / (rows + 1.6)
    middle = [ring(np.cos(t), np.sin(t), 36.0 * (row % 2)) for row, t in enumerate(polar, start=1)]
    centers = np.concatenate([[[0.0, 0.0, 1.0]], *middle, [[0.0, 0.0, -1.0]]]) * [1, 1, (rows + 4) / 10]
    swap = np.diag([1.0, 1.0, -1.0]) if rows % 2 else -np.eye(3)
    return _from_dual(centers, edges, (fivefold(), np.diag([1.0, -1.0, 1.0]), swap))


def fivefold() -> Float[np.ndarray, "3 3"]:
    """The rotation by 72 degrees around z."""
    c, s = np.cos(2 * np.pi / 5), np.sin(2 * np.pi / 5)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _from_dual(
    centers: Float[np.ndarray, "rings 3"],
    edges: Iterable[Edge],
    generators: tuple[Float[np.ndarray, "3 3"], ...],
) -> Fullerene:
    """The cage whose rings are at `centers` and share bonds along `edges`."""
    near: list[set[int]] = [set() for _ in centers]
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    # Every triple of mutually adjacent rings meets in an atom: a fullerene has no other 3-cycles in its
    # dual, since at least five bonds must be cut to separate two of its rings (Doslic, J. Math. Chem. 33,
    # 103 (2003)).
    atoms = sorted({tuple(sorted((a, b, c))) for a, b in edges for c in near[a] & near[b]})
    across: dict[Edge, list[int]] = {}
    for atom, rings in enumerate(atoms):
        for a, b in itertools.combinations(rings, 2):
            across.setdefault(_edge(a, b), []).append(atom)
    angles, sizes = [], []
    for atom, rings in enumerate(atoms):
        for apex_ring in rings:
            shared = [_edge(apex_ring, other) for other in rings if other != apex_ring]
            left, right = (sum(across[edge]) - atom for edge in shared)  # the other atom of the bond
            angles.append((left, atom, right))
            sizes.append(len(near[apex_ring]))
    start = np.array([centers[list(rings)].mean(axis=0) for rings in atoms])
    return Fullerene(start, np.array(sorted(across.values())), np.array(angles), np.array(sizes), generators)


def _edge(a: int, b: int) -> Edge:
    return (a, b) if a < b else (b, a)
