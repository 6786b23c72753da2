r"""Charges, and the contract of an operator that says how they interact.

An operator knows of no term of an energy, of no electrons and of no nuclei: what it is given may be the density of a
molecule, the product of two different orbitals, or anything else that has a sign. Corrections that hold for the density
of a neutral molecule alone are the Hartree term's.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Protocol, runtime_checkable

import numpy as np

from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Scalar, record


class Unavailable(NotImplementedError):
    """An operator was asked for what it does not have; the sentence says why, and what does have it."""


@record
class ChargeAtPoints:
    """A charge density that is known at points, of any sign.

    Attributes:
        quadrature: the points, with the weights of their estimate of an integral.
        density: at the points [Bohr^-3].
    """

    quadrature: Quadrature
    density: Float[Array, " points"]

    @property
    def amounts(self) -> Float[Array, " points"]:
        """What each point stands for, in elementary charges."""
        return self.quadrature.weights * self.density


@record
class ChargeInBasis:
    r"""The charge $\sum_{pq}D_{pq}\,\chi_p\chi_q$ of a basis; of $D$ the symmetric part alone is one."""

    matrix: Float[Array, "basis basis"]

    @property
    def symmetric(self) -> Float[Array, "basis basis"]:
        """The matrix of the same charge that packs into pairs."""
        return 0.5 * (self.matrix + self.matrix.T)


Charge = ChargeAtPoints | ChargeInBasis


@runtime_checkable
class Coulomb(Protocol):
    """The Coulomb operator $1/|r-r'|$ in one of its approximations: a pytree, whose integrals and tables are leaves.

    Attributes:
        in_basis: whether it acts on `ChargeInBasis`, by integrals, or else on `ChargeAtPoints`.
        by_potential: whether its derivative should be taken as twice that of one side, which costs less than that of
            both.
    """

    in_basis: ClassVar[bool]
    by_potential: ClassVar[bool]

    @property
    def holds(self) -> str:
        """What is held in memory for it, as the end of a sentence."""
        ...

    def energy(self, x: Any, y: Any) -> Scalar:
        r"""Half of the interaction [Ha], $\frac12\iint x(r)\,y(r')/|r-r'|$: linear in each, equal if they are swapped.

        Of a charge with itself it is what the charge takes to be brought together.
        """
        ...

    def potential(self, charge: Any, at: Float[Array, "places 3"] | None = None) -> Float[Array, " places"]:
        """The potential [Ha] at places [Bohr], or at the charge's own points.

        Raises:
            Unavailable: where potentials are known at other points, or at none.
        """
        ...

    def coulomb(self, density: Float[Array, "basis basis"]) -> Float[Array, "basis basis"]:
        r"""The Coulomb matrix $J_{pq} = \sum_{rs}(pq|rs)\,D_{rs}$ [Ha] of a density matrix.

        Raises:
            Unavailable: for an operator on points.
        """
        ...

    def interactions(self, densities: Float[Array, "n basis basis"]) -> Float[Array, "n n"]:
        """Of many symmetric density matrices with each other [Ha], in one pass over the integrals.

        Raises:
            Unavailable: for an operator on points.
        """
        ...

    def exchange(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> Float[Array, "spin basis basis"]:
        r"""The exchange matrix $K^s_{pq} = \sum_in_i^s(p\psi_i|\psi_iq)$ [Ha] of each spin channel.

        The exchange energy is $-\frac12\sum_s\operatorname{tr}D^sK^s$ of two spins, and half of it where one channel
        has the electrons of both.

        Raises:
            Unavailable: for an operator on points.
        """
        ...


class InBasis:
    """What operators have in common that are integrals of a basis."""

    in_basis: ClassVar[bool] = True
    by_potential: ClassVar[bool] = False

    @property
    def holds(self) -> str:
        """Nothing is said."""
        return ""

    def potential(self, charge: Any, at: Any = None) -> NoReturn:
        """There is none.

        Raises:
            Unavailable: always.
        """
        raise Unavailable(
            f"{type(self).__name__} is made of integrals over a basis and knows no potential at points; "
            "use an operator on points, such as PoissonCoulomb."
        )


class AtPoints:
    """What operators have in common that act on charges at points."""

    in_basis: ClassVar[bool] = False
    by_potential: ClassVar[bool] = False

    @property
    def holds(self) -> str:
        """Nothing is said."""
        return ""

    def coulomb(self, density: Any) -> NoReturn:
        """There is none.

        Raises:
            Unavailable: always.
        """
        raise self._no("Coulomb", "integrate its potential with products of basis functions")

    def interactions(self, densities: Any) -> NoReturn:
        """There are none.

        Raises:
            Unavailable: always.
        """
        raise self._no("Coulomb", "take its energy of each two charges")

    def exchange(self, coefficients: Any, occupations: Any) -> NoReturn:
        """There is none.

        Raises:
            Unavailable: always.
        """
        raise self._no("exchange", "take its energy of products of two orbitals")

    def _no(self, matrix: str, instead: str) -> Unavailable:
        return Unavailable(
            f"{type(self).__name__} acts on charges at points and knows no basis to have a matrix of {matrix} "
            f"integrals in; {instead}, or use ExactCoulomb or FittedCoulomb."
        )


def pair_index(n: int) -> np.ndarray:
    """Where the pair of two functions is in packed integrals [n n]."""
    high, low = np.maximum(*np.indices((n, n))), np.minimum(*np.indices((n, n)))
    return high * (high + 1) // 2 + low


def held_bytes(array: Any) -> int:
    """Of an array, or of one that has a shape and no values."""
    return array.size * array.dtype.itemsize
