r"""Which points to take together, and which shells of a basis reach them.

Points are divided by recursive bisection into compact blocks of equal size, and a shell belongs to a block if it is not
negligible at some point of it. Blocks that need about as many shells share one compiled loop.
"""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from nnks.basis.gaussian import GaussianBasis, ShellGroup
from nnks.types import Float, Int

BLOCK = 1024
"""Points in a block: enough for a matrix product to be fast, few enough to be compact."""

NEGLIGIBLE = 1e-9
"""Values of basis functions below this [Bohr^-3/2] are left out: their squares are beyond double precision."""

CLASSES = 3
"""Compiled loops, one for each class of blocks, where they save work; else one."""

WORTHWHILE = 0.75
"""Share of the work that classes must leave to be worth their compilation."""

REACH = np.geomspace(1e-2, 200.0, 2000)
"""Distances at which a shell's reach is looked for [Bohr]."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """Blocks of one class.

    Attributes:
        place: each point's row in the grid; the number of points where a block is filled up.
        shells: for each group of shells, those that the blocks use; filled up with 0.
        functions: for each column of a block, its basis function; the number of functions where it is filled up.
        size: points of the grid.
        columns: functions of the basis.
    """

    place: Int[np.ndarray, "blocks block"]
    shells: tuple[Int[np.ndarray, "blocks _"], ...]
    functions: Int[np.ndarray, "blocks columns"]
    size: int
    columns: int

    def filled(self, multiple: int) -> Selection:
        """The same with empty blocks at the end, so that their number can be divided."""
        more = -len(self.place) % multiple

        def pad(x: np.ndarray, value: int) -> np.ndarray:
            return np.pad(x, ((0, more), (0, 0)), constant_values=value)

        shells = tuple(pad(s, 0) for s in self.shells)
        indices, functions = pad(self.place, self.size), pad(self.functions, self.columns)
        return Selection(indices, shells, functions, self.size, self.columns)


def select(basis: GaussianBasis, points: Float[np.ndarray, "points 3"], block: int = BLOCK) -> list[Selection]:
    """The classes of blocks of a grid."""
    leaves = bisect(points, block)
    near = _near(basis, points, leaves)
    counts = np.array([sum(n.sum() for n in shells) for shells in near])
    order = np.argsort(counts, kind="stable")
    near, leaves, counts = [near[i] for i in order], [leaves[i] for i in order], counts[order]
    classes = np.array_split(np.arange(len(leaves)), min(CLASSES, len(leaves)))
    if sum(len(c) * counts[c].max() for c in classes) > WORTHWHILE * len(leaves) * counts.max():
        classes = [np.arange(len(leaves))]
    first = _first_functions(basis)
    return [_class(basis, points, [leaves[i] for i in c], [near[i] for i in c], first, block) for c in classes]


def bisect(points: Float[np.ndarray, "points 3"], block: int) -> list[Int[np.ndarray, " rows"]]:
    """Rows of compact blocks of at most `block` points: halves along the longest edge, full blocks first."""
    done, todo = [], [np.arange(len(points))]
    while todo:
        rows = todo.pop()
        if len(rows) <= block:
            done.append(rows)
            continue
        axis = np.argmax(np.ptp(points[rows], axis=0))
        left = block * max(round(len(rows) / block / 2), 1)
        split = rows[np.argpartition(points[rows, axis], left)] if left < len(rows) else rows
        todo += [split[left:], split[:left]]
    return done


def reach(group: ShellGroup, negligible: float = NEGLIGIBLE) -> Float[np.ndarray, " shells"]:
    """The distance of each shell beyond which all its functions are negligible [Bohr]."""
    group = jax.tree.map(np.asarray, group)
    exponents, coefficients = group.exponents, np.abs(group.normalized())
    radial = np.einsum("spd,spc->scd", np.exp(-exponents[:, :, None] * REACH**2), coefficients).max(axis=1)
    above = radial * REACH**group.degree > negligible
    last = np.where(above.any(axis=1), above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1), 0)
    return REACH[np.minimum(last + 1, len(REACH) - 1)]


def _near(basis: GaussianBasis, points: np.ndarray, leaves: list) -> list[list[np.ndarray]]:
    """For each block and group, which shells reach some point."""
    centers, groups = np.asarray(basis.centers), basis.groups
    limits, atoms = [reach(g) for g in groups], [np.asarray(g.atom) for g in groups]
    near = []
    for rows in leaves:
        p = points[rows]
        distance = np.sqrt(np.maximum(_squares(p, centers).min(axis=0), 0.0))
        near.append([distance[atom] <= limit for atom, limit in zip(atoms, limits, strict=True)])
    return near


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T


def _first_functions(basis: GaussianBasis) -> list[np.ndarray]:
    """For each group, the basis functions of its shells in the molecule's order [shells functions]."""
    where = np.argsort(np.asarray(basis.order))  # from grouped to the molecule's order
    first, offset = [], 0
    for g in basis.groups:
        shells, size = len(g.exponents), (2 * g.degree + 1) * g.coefficients.shape[2]
        first.append(where[offset : offset + shells * size].reshape(shells, size))
        offset += shells * size
    return first


def _class(basis: GaussianBasis, points: np.ndarray, leaves: list, near: list, first: list, block: int) -> Selection:
    size = len(points)
    indices = np.stack([np.concatenate([rows, np.full(block - len(rows), size)]) for rows in leaves])
    shells, functions = [], []
    for g, _ in enumerate(basis.groups):
        chosen = [np.flatnonzero(n[g]) for n in near]
        width = max(map(len, chosen))
        padded = np.stack([np.concatenate([c, np.zeros(width - len(c), int)]) for c in chosen])
        there = np.arange(width)[None] < np.array([len(c) for c in chosen])[:, None]
        shells.append(padded)
        functions.append(np.where(there[:, :, None], first[g][padded], basis.size).reshape(len(leaves), -1))
    return Selection(indices, tuple(shells), np.concatenate(functions, axis=1), size, basis.size)
