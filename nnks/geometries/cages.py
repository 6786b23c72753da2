"""Carbon cages from their symmetry: closed forms where they exist, otherwise a relaxed fullerene graph."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from nnks.geometries.entry import Entry, Geometry, geometry_angstrom
from nnks.geometries.fullerene import Fullerene, capsule, icosahedral, icosahedron, icosahedron_faces

BOND = 1.43
"""Length that the relaxation asks of every bond [angstrom]: between those of C60, 1.401 and 1.458."""

ANGLE_WEIGHT = 0.5
"""Weight of the angles' cosines beside relative bond lengths; bonds then stay within 0.4 % of `BOND`."""


def dodecahedron(bond: float) -> Float[np.ndarray, "20 3"]:
    """C20: the centers of the icosahedron's faces, scaled to the bond length [angstrom]."""
    corners = icosahedron()[np.array(icosahedron_faces())].mean(axis=1)
    distances = np.linalg.norm(corners[0] - corners[1:], axis=1)
    return corners * bond / distances.min()


def truncated_icosahedron(pentagon: float, hexagon: float) -> Float[np.ndarray, "60 3"]:
    """C60 with its two bond lengths [angstrom]: two atoms on each edge of an icosahedron.

    Around a vertex the cut edges enclose 60 degrees, so a pentagon's side equals the distance `pentagon` of
    its atoms from the vertex; the bond between two hexagons is what remains of the edge, whose length is
    `2 pentagon + hexagon`.
    """
    edge = 2 * pentagon + hexagon
    radius = edge * np.sin(2 * np.pi / 5)  # of the sphere through the vertices
    vertices = icosahedron() * radius
    pairs = {(a, b) for face in icosahedron_faces() for a in face for b in face if a != b}
    return np.array([vertices[a] + (vertices[b] - vertices[a]) * pentagon / edge for a, b in sorted(pairs)])


def relaxed(cage: Fullerene) -> Float[np.ndarray, "atoms 3"]:
    r"""The cage [angstrom] with nearly equal bonds and angles, exactly as symmetric as its graph.

    Minimizes
    $$\sum_{ab} (d_{ab}/d_0 - 1)^2 + w^2 \sum_{abc} (\cos\theta_{abc} - \cos\theta_0)^2$$
    with $d_0$ = `BOND`, $w$ = `ANGLE_WEIGHT` and $\theta_0$ = 108 or 120 degrees in a pentagon or hexagon,
    over the displacements that keep the point group. The start is convex, which
    selects the convex one among the minima.
    """
    # SciPy's optimizers take 0.3 s to import, which a run without cages need not wait for.
    from scipy.optimize import least_squares

    length = np.linalg.norm(cage.start[cage.bonds[:, 0]] - cage.start[cage.bonds[:, 1]], axis=1).mean()
    start = cage.start * BOND / length
    modes = symmetric_displacements(start, cage.generators)
    cosine = np.cos(np.pi - 2 * np.pi / cage.ring_sizes)
    (i, j), (left, apex, right) = cage.bonds.T, cage.angles.T

    def residuals(amplitudes: np.ndarray) -> np.ndarray:
        r = start + modes @ amplitudes
        u, v = r[left] - r[apex], r[right] - r[apex]
        angles = _dot(u, v) / np.sqrt(_dot(u, u) * _dot(v, v)) - cosine
        return np.concatenate([np.sqrt(_dot(r[i] - r[j], r[i] - r[j])) / BOND - 1, ANGLE_WEIGHT * angles])

    # The residuals are analytic, so the complex-step Jacobian is exact; ftol would stop too early for 1e-8
    # angstrom.
    solution = least_squares(
        residuals,
        np.zeros(modes.shape[-1]),
        jac="cs",
        ftol=None,  # pyright: ignore[reportArgumentType]
        xtol=1e-14,
        gtol=1e-14,
    )
    return start + modes @ solution.x


def symmetric_displacements(
    positions: Float[np.ndarray, "atoms 3"], generators: Sequence[Float[np.ndarray, "3 3"]]
) -> Float[np.ndarray, "atoms 3 modes"]:
    """An orthonormal basis of the displacements that every operation of the point group leaves unchanged."""
    n = len(positions)
    projector = np.zeros((n, 3, n, 3))
    operations = point_group(generators)
    for operation in operations:
        gaps = np.linalg.norm((positions @ operation.T)[:, None] - positions, axis=-1)
        projector[gaps.argmin(axis=1), :, np.arange(n), :] += operation / len(operations)
    values, vectors = np.linalg.eigh(projector.reshape(3 * n, 3 * n))
    return vectors[:, values > 0.5].reshape(n, 3, -1)  # a projector's eigenvalues are 0 and 1


def point_group(generators: Sequence[Float[np.ndarray, "3 3"]]) -> list[Float[np.ndarray, "3 3"]]:
    """All products of the generators."""
    group = {_key(np.eye(3)): np.eye(3)}
    new = list(group.values())
    while new:
        products = {_key(g @ h): g @ h for g in generators for h in new}
        new = [matrix for key, matrix in products.items() if key not in group]
        group.update(products)
    return list(group.values())


def _key(matrix: np.ndarray) -> tuple[float, ...]:
    return tuple((matrix.round(6) + 0.0).ravel())  # + 0.0 turns -0.0 into 0.0


def _dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u * v).sum(axis=-1)  # without conjugation: the complex-step derivative needs an analytic function


def _cage(name: str, aliases: tuple[str, ...], source: str, make: Callable[[], np.ndarray]) -> Entry:
    atoms = int(name[1:])

    @functools.cache
    def build() -> Geometry:
        return geometry_angstrom(("C",) * atoms, make())

    return Entry(name, aliases, name, 0, source, build)


_RELAXED = f"; relaxed to bonds near {BOND} angstrom and angles of 108 and 120 degrees"

ENTRIES: tuple[Entry, ...] = (
    _cage("C20", (), "regular dodecahedron, bond 1.45", lambda: dodecahedron(1.45)),
    _cage(
        "C60",
        ("buckminsterfullerene",),
        "truncated icosahedron, bonds 1.458 and 1.401: r_g of Hedberg et al., Science 254, 410 (1991)",
        lambda: truncated_icosahedron(1.458, 1.401),
    ),
    _cage("C70", (), f"D5h: C60 with one belt of ten atoms inserted{_RELAXED}", lambda: relaxed(capsule(1))),
    _cage("C80", (), f"Ih: Goldberg's icosahedral cage (2, 0){_RELAXED}", lambda: relaxed(icosahedral(2))),
    _cage("C100", (), f"D5d: C60 with four belts of ten atoms inserted{_RELAXED}", lambda: relaxed(capsule(4))),
    _cage("C180", (), f"Ih: Goldberg's icosahedral cage (3, 0){_RELAXED}", lambda: relaxed(icosahedral(3))),
)
