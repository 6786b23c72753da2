"""The contract of an energy term, and the Kohn-Sham functional as the sum of terms."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp

from nnks.orbitals import BlockedOrbitals, HasDensity
from nnks.types import Array, Float, Scalar, record

NAMES = ("kinetic", "external", "hartree", "xc", "nuclear")
"""The terms of the total energy, in the order of every table."""


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


@runtime_checkable
class OfMatrix(Protocol):
    """A term with integrals in a Gaussian basis: a function of the total density matrix."""

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """The energy [Ha]."""
        ...


@runtime_checkable
class Interacts(Protocol):
    """A term quadratic in the density matrix."""

    def interaction(self, densities: Float[Array, "n basis basis"]) -> Float[Array, "n n"]:
        """Energies [Ha] of symmetric density matrices with each other."""
        ...


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
            # one density for all terms, and one derivative with respect to it; blocks serve the whole grid, where y is x
            x = y = x.with_density()
        energies = {term.name: term(x, y) for term in self.terms}
        return {"total": sum(energies.values())} | energies  # pyright: ignore[reportReturnType]

    def near(self, x: HasDensity, center: HasDensity) -> tuple[Scalar, dict[str, Array]]:
        r"""A number whose derivative by `x` at `x = center` is the total's, and every term there [Ha].

        A symmetric form $B(x, x)$ has the derivative $2B(\cdot, x)$: the potential of the center, once. To differentiate how
        Poisson's equation is solved costs several solutions, and most of the time of compilation.
        """
        if isinstance(x, BlockedOrbitals):
            energies = self.energies(x)
            return energies["total"], energies
        energies, slope = {}, jnp.zeros(())
        for term in self.terms:
            symmetric = getattr(term, "symmetric", False)
            energies[term.name] = term(x, center if symmetric else x)
            slope = slope + (2 if symmetric else 1) * energies[term.name]
        return slope, {"total": sum(energies.values())} | energies  # pyright: ignore[reportReturnType]

    def __getitem__(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)
