"""The Hartree term: the electrostatic energy of the density with itself, by any Coulomb operator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from nnks import blocks
from nnks.coulomb import Charge, ChargeAtPoints, ChargeInBasis, Coulomb
from nnks.functional.base import Rotations
from nnks.functional.hartree.free_atoms import FreeAtoms
from nnks.sizes import Sizes
from nnks.types import Array, Float, Scalar, record, static


@record
class Hartree:
    r"""$E_H = \frac12\iint\rho(r)\,\rho(r')/|r-r'|$, for operators on a grid with the free atoms taken off before.

    What the term has beside its energy follows from the operator: integrals in the basis make it a function of the
    density matrix, with a second derivative; any other reads the density on the grid.
    """

    operator: Coulomb
    free_atoms: FreeAtoms | None = None
    name: str = static(default="hartree")
    order: int = static(default=0)

    def __call__(self, x: Any, y: Any) -> Scalar:
        """Energy [Ha], linear in the weights of each argument; a density matrix has none, and that of `x` is taken."""
        if self.free_atoms is None:
            a = self._charge(x)
            return self.operator.energy(a, a if y is x or self.operator.in_basis else self._charge(y))
        return self.free_atoms.energy(self.operator, x, y)

    @property
    def fitting_functions(self) -> int:
        """Of an operator that fits charges in a set of them; 0 for any other."""
        return getattr(self.operator, "fitting_functions", 0)

    @property
    def padded(self) -> Callable[[Sizes], Hartree]:
        """The same on more points, with fitting functions that are none.

        Raises:
            AttributeError: where the operator cannot be padded: the term has no such attribute then.
        """
        pad = self.operator.padded  # pyright: ignore[reportAttributeAccessIssue]
        if self.free_atoms is not None:
            raise AttributeError("the free atoms that are taken off a density cannot be padded.")
        return lambda sizes: dataclasses.replace(self, operator=pad(sizes))

    @property
    def reads_density(self) -> bool:
        """Whether its derivative is by the density on the grid."""
        return not self.operator.in_basis

    @property
    def symmetric(self) -> bool:
        """Whether twice the derivative of one side is the one to take."""
        return self.operator.by_potential

    @property
    def holds(self) -> str:
        """What is held in memory for it, as the end of a sentence."""
        return self.operator.holds

    @property
    def of_matrix(self) -> Callable[[Float[Array, "basis basis"]], Scalar]:
        """The energy [Ha] of a total density matrix.

        Raises:
            AttributeError: where the operator acts on points: the term has no such attribute then.
        """
        return self._if_in_basis(self._of_matrix)

    @property
    def curvature(self) -> Callable[[Rotations], Float[Array, "rotations rotations"]]:
        """Electrostatic energies [Ha] of the rotations' densities with each other.

        Raises:
            AttributeError: where the operator has neither integrals in the basis nor a table on the grid.
        """
        whitened = getattr(self.operator, "whitened", None)
        if whitened is None:
            return self._if_in_basis(self._curvature)

        def on_grid(rotations: Rotations) -> Float[Array, "rotations rotations"]:
            b = blocks.moments(rotations.blocks, whitened, rotations.mo_coeff, rotations.index)
            return b @ b.T

        return on_grid

    def _charge(self, x: Any) -> Charge:
        if self.operator.in_basis:
            return ChargeInBasis(jnp.sum(x.density_matrix(), axis=0))
        return ChargeAtPoints(x.quadrature, x.density().total)

    def _of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        charge = ChargeInBasis(density)
        return self.operator.energy(charge, charge)

    def _curvature(self, rotations: Rotations) -> Float[Array, "rotations rotations"]:
        return self.operator.interactions(rotations.densities())

    def _if_in_basis(self, method: Callable) -> Callable:
        if not self.operator.in_basis:
            raise AttributeError(f"{type(self.operator).__name__} acts on charges at points, and knows no matrices.")
        return method
