r"""Which points to take together, and which shells of a basis reach them.

Points are divided by recursive bisection into compact blocks of equal size, and a shell belongs to a block if it is not
negligible at some point of it. Blocks that need about as many shells share one compiled loop.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from nnks.basis.base import Basis, Shells
from nnks.types import Float, Int

BLOCK = 1024
"""Points in a block: enough for a matrix product to be fast, few enough to be compact."""

CLASSES = 3
"""Compiled loops, one for each class of blocks, where they save work; else one."""

WORTHWHILE = 0.75
"""Share of the work that classes must leave to be worth their compilation."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """Blocks of one class.

    Attributes:
        rows: each point's row in the grid; the number of points where a block is filled up.
        shells: for each group of shells, those that the blocks use; filled up with 0.
        functions: for each column of a block, its basis function; the number of functions where it is filled up.
        size: points of the grid.
        columns: functions of the basis.
    """

    rows: Int[np.ndarray, "blocks block"]
    shells: tuple[Int[np.ndarray, "blocks _"], ...]
    functions: Int[np.ndarray, "blocks columns"]
    size: int
    columns: int

    def filled(self, multiple: int) -> Selection:
        """The same with empty blocks at the end, so that their number can be divided."""
        more = -len(self.rows) % multiple

        def pad(x: np.ndarray, value: int) -> np.ndarray:
            return np.pad(x, ((0, more), (0, 0)), constant_values=value)

        shells = tuple(pad(s, 0) for s in self.shells)
        indices, functions = pad(self.rows, self.size), pad(self.functions, self.columns)
        return Selection(indices, shells, functions, self.size, self.columns)


def select(basis: Basis, points: Float[np.ndarray, "points 3"], block: int = BLOCK) -> list[Selection]:
    """The classes of blocks of a grid."""
    leaves, groups = bisect(points, block), basis.shells()
    near = _near(np.asarray(basis.centers), groups, points, leaves)
    counts = np.array([sum(n.sum() for n in shells) for shells in near])
    order = np.argsort(counts, kind="stable")
    near, leaves, counts = [near[i] for i in order], [leaves[i] for i in order], counts[order]
    classes = np.array_split(np.arange(len(leaves)), min(CLASSES, len(leaves)))
    if sum(len(c) * counts[c].max() for c in classes) > WORTHWHILE * len(leaves) * counts.max():
        classes = [np.arange(len(leaves))]
    settings = len(points), basis.size, block
    return [_class(groups, [leaves[i] for i in c], [near[i] for i in c], *settings) for c in classes]


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


def _near(
    centers: Float[np.ndarray, "atoms 3"], groups: tuple[Shells, ...], points: np.ndarray, leaves: list
) -> list[list[np.ndarray]]:
    """For each block and group, which shells reach some point."""
    near = []
    for rows in leaves:
        distance = np.sqrt(np.maximum(_squares(points[rows], centers).min(axis=0), 0.0))
        near.append([distance[shells.atom] <= shells.reach for shells in groups])
    return near


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T


def _class(groups: tuple[Shells, ...], leaves: list, near: list, size: int, functions: int, block: int) -> Selection:
    indices = np.stack([np.concatenate([rows, np.full(block - len(rows), size)]) for rows in leaves])
    selected, columns = [], []
    for g, shells in enumerate(groups):
        chosen = [np.flatnonzero(n[g]) for n in near]
        width = max(map(len, chosen))
        padded = np.stack([np.concatenate([c, np.zeros(width - len(c), int)]) for c in chosen])
        there = np.arange(width)[None] < np.array([len(c) for c in chosen])[:, None]
        selected.append(padded)
        columns.append(np.where(there[:, :, None], shells.functions[padded], functions).reshape(len(leaves), -1))
    return Selection(indices, tuple(selected), np.concatenate(columns, axis=1), size, functions)
