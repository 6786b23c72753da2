"""What a basis is for the rest: functions of a point, in shells that end somewhere."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

import numpy as np

from nnks.types import Array, Float, Int


@dataclasses.dataclass(frozen=True)
class Shells:
    """Shells of one group: what is evaluated together, or left out together where it is negligible.

    Attributes:
        atom: on which each is centered.
        reach: the distance beyond which all its functions are negligible [Bohr]; infinite for one that has no end.
        functions: of the basis in each; the size of the basis for a column that stands for none.
    """

    atom: Int[np.ndarray, " shells"]
    reach: Float[np.ndarray, " shells"]
    functions: Int[np.ndarray, "shells functions"]


@runtime_checkable
class Basis(Protocol):
    """Functions of a point: contracted Gaussians, those that a network is, or a learned set. A pytree of arrays."""

    @property
    def centers(self) -> Float[Array, "atoms 3"]:
        """The atoms that shells are centered on [Bohr]."""
        ...

    @property
    def size(self) -> int:
        """Number of functions."""
        ...

    @property
    def order(self) -> Int[Array | np.ndarray, " basis"]:
        """Which column of `columns`, of all shells, each function is; of the host where no data decide it."""
        ...

    # What a basis has whose functions turn with space, for the search of an atom's best orientation:
    #
    # degrees    of blocks of 2l + 1 solid harmonics, as `columns` has them

    @property
    def shell_counts(self) -> tuple[int, ...]:
        """Shells of each group, which are known while JAX traces."""
        ...

    def shells(self) -> tuple[Shells, ...]:
        """Its functions in groups of shells; arrays of the host."""
        ...

    def columns(
        self, points: Float[Array, "points 3"], shells: tuple[Int[Array, " _"], ...], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        """Functions of some shells of each group, group by group, at many points [Bohr^-3/2].

        And their gradients if `order` is 1.
        """
        ...

    def at(
        self, points: Float[Array, "points 3"], order: int
    ) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"] | None]:
        """All functions at many points, in order, and their gradients if `order` is 1."""
        ...
