"""The contract of an energy term, and the Kohn-Sham functional as the sum of terms."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp

from nnks.blocks import BasisBlocks
from nnks.derivatives import NoDerivative
from nnks.orbitals import BlockedOrbitals, HasDensity
from nnks.types import Array, Float, Int, Scalar, record


@runtime_checkable
class Term(Protocol):
    """One contribution to the energy."""

    @property
    def name(self) -> str:
        """The key under which the energy is reported."""
        ...

    @property
    def order(self) -> int:
        """1 if the term needs gradients of the orbitals on the quadrature, else 0."""
        ...

    def __call__(self, x: Any, y: Any) -> Scalar:
        """The energy [Ha] of `Orbitals`, or of anything that `HasDensity` where the term is a functional of it.

        `y` differs from `x` only where a pair integral needs two independent batches.
        """
        ...

    # What a term may have beside these, each the door to something that works without it less well, or not at all:
    #
    # of_matrix(density)    the energy [Ha] of the total density matrix, from integrals in the Gaussian basis
    # linear = True         its second derivative by the density is zero
    # curvature(rotations)  or else what it is, for the test of a minimum, which is left out where a term has neither
    # symmetric = True      a symmetric form of x and y, whose derivative is twice that of one side
    # reads_density, reads_gradient, reads_tau     what of the density on the grid its derivative is by
    # holds                 what is held in memory for it, as the end of a sentence
    # padded(sizes)         the same with arrays of these sizes and no other value, so that molecules share programs;
    #                       `fitting_functions` is how many it has. A term without arrays needs none


@record
class Rotations:
    r"""Rotations of occupied into empty orbitals of a Gaussian basis, along which a term says its second derivative.

    Attributes:
        blocks: the basis on the grid.
        occupied: coefficients of the occupied orbitals; empty ones are zero.
        occupations: electrons in each.
        mo_coeff: coefficients of all orbitals.
        index: spin, occupied and empty orbital of each rotation.
    """

    blocks: BasisBlocks
    occupied: Float[Array, "spin basis orbitals"]
    occupations: Float[Array, "spin orbitals"]
    mo_coeff: Float[Array, "spin basis n"]
    index: Int[Array, "rotations 3"]

    def densities(self) -> Float[Array, "rotations basis basis"]:
        r"""The symmetric density matrix of $\psi_i\psi_a$ for each rotation."""
        s, i, a = self.index.T
        products = self.mo_coeff[s, :, i][:, :, None] * self.mo_coeff[s, :, a][:, None, :]
        return 0.5 * (products + jnp.swapaxes(products, 1, 2))


@record
class Functional:
    r"""The Kohn-Sham energy $E = T + E_\mathrm{ext} + E_H + E_{xc} + E_{nn}$ as a function of orthonormal orbitals."""

    terms: tuple[Term, ...]

    @property
    def order(self) -> int:
        """1 if some term needs gradients of the orbitals."""
        return max(term.order for term in self.terms)

    @property
    def names(self) -> tuple[str, ...]:
        """What `energies` reports: `total`, and each term."""
        return ("total", *(term.name for term in self.terms))

    def energies(self, x: HasDensity, y: HasDensity | None = None) -> dict[str, Array]:
        """Every term by its name [Ha], and their sum as `total`."""
        y = x if y is None else y
        if isinstance(x, BlockedOrbitals) and any(getattr(term, "reads_density", False) for term in self.terms):
            # one density for all terms, and one derivative with respect to it; blocks serve the whole grid, where y is
            # x
            x = y = x.with_density()
        energies = {term.name: term(x, y) for term in self.terms}
        return {"total": sum(energies.values())} | energies  # pyright: ignore[reportReturnType]

    def near(self, x: HasDensity, center: HasDensity) -> tuple[Scalar, dict[str, Array]]:
        r"""A number whose derivative by `x` at `x = center` is the total's, and every term there [Ha].

        A symmetric form $B(x, x)$ has the derivative $2B(\cdot, x)$: the potential of the center, once. To
        differentiate how Poisson's equation is solved costs several solutions, and most of the time of compilation.
        """
        symmetric_terms = [getattr(term, "symmetric", False) for term in self.terms]
        if isinstance(x, BlockedOrbitals):
            if not any(symmetric_terms):
                energies = self.energies(x)
                return energies["total"], energies
            assert isinstance(center, BlockedOrbitals)
            x, center = x.with_density(), center.with_density()
        energies, slope = {}, jnp.zeros(())
        for term, symmetric in zip(self.terms, symmetric_terms, strict=True):
            energies[term.name] = term(x, center if symmetric else x)
            slope = slope + (2 if symmetric else 1) * energies[term.name]
        return slope, {"total": sum(energies.values())} | energies  # pyright: ignore[reportReturnType]

    @property
    def in_basis(self) -> tuple[Any, ...]:
        """Terms that have integrals in the Gaussian basis: functions of the total density matrix."""
        return tuple(term for term in self.terms if hasattr(term, "of_matrix"))

    @property
    def on_grid(self) -> tuple[Term, ...]:
        """All others, which see the density on the quadrature."""
        return tuple(term for term in self.terms if not hasattr(term, "of_matrix"))

    @property
    def has_curvature(self) -> bool:
        """Whether every term knows its second derivative, without which a minimum cannot be told from a saddle."""
        return all(map(self.knows_curvature, self.terms))

    @staticmethod
    def knows_curvature(term: Term) -> bool:
        """Whether a term knows its second derivative by the density."""
        return getattr(term, "linear", False) or hasattr(term, "curvature")

    def curvature(self, rotations: Rotations) -> Float[Array, "rotations rotations"]:
        r"""$\int\!\!\int\psi_i\psi_a\,f\,\psi_j\psi_b$ [Ha] of all terms, $f$ the second derivative by the density.

        Raises:
            NoDerivative: for a term that does not know it.
        """
        n = len(rotations.index)
        matrix = jnp.zeros((n, n), rotations.mo_coeff.dtype)
        for term in self.terms:
            if getattr(term, "linear", False):
                continue
            if not hasattr(term, "curvature"):
                raise NoDerivative(f"the energy's term '{term.name}' has no second derivative by the density.")
            matrix = matrix + term.curvature(rotations)  # pyright: ignore[reportAttributeAccessIssue]
        return matrix

    def __getitem__(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)
