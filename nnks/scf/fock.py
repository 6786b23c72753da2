r"""The Kohn-Sham operator in any basis, as the derivative of the energy's terms, whatever these are.

With $E$ a functional of $\rho_s$, $\nabla\rho_s$ and $\tau_s$ at the points of a quadrature, its derivatives there
(weights included) are $v_s$, $u_s$ and $t_s$, and the matrix of the operator is

$$F_{bc} = \sum_k \Bigl[ v_k B_b B_c + u_k\cdot\nabla(B_b B_c) + \tfrac12 t_k \nabla B_b\cdot\nabla B_c \Bigr].$$

Terms with integrals in the basis add the derivative by the density matrix. Terms that are linear in the density have
one matrix for all densities, which is found once where many Fock matrices follow.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.blocks import BasisBlocks
from nnks.functional import Functional, Term
from nnks.orbitals import Density, TabulatedDensity, density_matrix
from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Scalar, record


@runtime_checkable
class FockBuilder(Protocol):
    """Energies and the Fock matrix of occupied orbitals in a basis."""

    def __call__(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
        """Every term [Ha], and the derivative with respect to each spin's density matrix [Ha]."""
        ...


@record
class Linear:
    """A term that is linear in the density: its matrix [Ha], and what it is without electrons [Ha]."""

    matrix: Float[Array, "spin basis basis"]
    constant: Scalar


@record
class BasisEnergy:
    """The energy of occupied orbitals in a basis, and its derivative, the Fock matrix.

    Terms with integrals in the basis see the density matrix, all others the density on the grid, which is computed from
    the occupied orbitals: only the Fock matrix itself takes a product of two bases at every point.

    Attributes:
        functional: the terms.
        blocks: the basis on the grid, Gaussian or not.
        quadrature: the grid.
        linear: terms on the grid that are linear in the density, where their matrices were found beforehand.
    """

    functional: Functional
    blocks: BasisBlocks
    quadrature: Quadrature
    linear: dict[str, Linear] = dataclasses.field(default_factory=dict)

    def with_matrices(self, spins: int) -> BasisEnergy:
        """The same with the matrices of linear terms known: for many Fock matrices in one basis."""
        return dataclasses.replace(self, linear=_linear(self, spins=spins))

    def _linear(self, spins: int) -> dict[str, Linear]:
        size, terms = self.quadrature.points.shape[0], [t for t in self.functional.on_grid if _is_linear(t)]
        zero, order = jnp.zeros((spins, size), self.quadrature.weights.dtype), self.blocks.order
        more = (jnp.zeros((spins, size, 3), zero.dtype), zero) if order else (None, None)
        nothing = Density(zero, *more)
        linear = {}
        for term in terms:
            energies, matrix = self._matrix((term,), nothing)
            linear[term.name] = Linear(matrix, energies[term.name])
        return linear

    def overlap(self) -> Float[Array, "basis basis"]:
        """The quadrature of products of basis functions."""
        return blocks.basis_overlap(self.blocks, self.quadrature.weights)

    def __call__(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
        """Every term [Ha] of orbitals with occupations, and the Fock matrix of each spin [Ha]."""
        matrices = density_matrix(coefficients, occupations)

        def of_matrix(matrix: Array) -> tuple[Scalar, dict[str, Array]]:
            energies = {term.name: term.of_matrix(matrix) for term in self.functional.in_basis}
            return sum(energies.values(), jnp.zeros(())), energies

        (_, first), slope = jax.value_and_grad(of_matrix, has_aux=True)(jnp.sum(matrices, axis=0))
        known = {name: jnp.sum(term.matrix * matrices) + term.constant for name, term in self.linear.items()}
        rest = tuple(term for term in self.functional.on_grid if term.name not in self.linear)
        # gradients of the orbitals cost three times what their values do: only where a term is left that reads them
        table = dataclasses.replace(self.blocks, order=max((term.order for term in rest), default=0))
        second, fock = self._matrix(rest, blocks.density(table, coefficients, occupations))
        parts = first | known | second
        energies = {name: parts[name] for name in self.functional.names[1:]}
        fock = fock + 0.5 * (slope + slope.T)[None] + sum(term.matrix for term in self.linear.values())
        return {"total": sum(energies.values())} | energies, fock  # pyright: ignore[reportReturnType]

    def _matrix(
        self, terms: tuple[Term, ...], density: Density
    ) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
        """Terms on the grid [Ha] at a density, and the matrix of their derivative by it [Ha]."""

        def energy(density: Density) -> tuple[Scalar, dict[str, Array]]:
            x = TabulatedDensity(self.quadrature, density)
            energies = {term.name: term(x, x) for term in terms}
            return sum(energies.values(), jnp.zeros(())), energies

        (_, energies), slope = jax.value_and_grad(energy, has_aux=True)(density)
        # what no term reads needs no product of matrices
        gradient = slope.gradient if any(_reads(term, "gradient") for term in terms) else None
        tau = slope.tau if any(_reads(term, "tau") for term in terms) else None
        table = dataclasses.replace(self.blocks, order=int(gradient is not None or tau is not None))
        return energies, blocks.matrix(table, Density(slope.rho, gradient, tau))


@functools.partial(jax.jit, static_argnames="spins")
def _linear(energy: BasisEnergy, *, spins: int) -> dict[str, Linear]:
    """One program: operation by operation they are twenty, which cost a small molecule half a second."""
    return energy._linear(spins)


def _is_linear(term: Term) -> bool:
    return getattr(term, "linear", False)


def _reads(term: Term, what: str) -> bool:
    """Whether a term depends on the `gradient` of the density, or on `tau`.

    One of order 1 that does not say so (`reads_gradient`, `reads_tau`) does: a derivative that is dropped is an error
    that nobody sees.
    """
    return getattr(term, f"reads_{what}", term.order > 0)


@jax.jit
def fock(
    energy: BasisEnergy,
    coefficients: Float[Array, "spin basis orbitals"],
    occupations: Float[Array, "spin orbitals"],
) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
    r"""Energies [Ha] and the Fock matrix $F_s = \partial E/\partial D_s$, symmetric, compiled."""
    return energy(coefficients, occupations)


@jax.jit
def diagonalize(
    fock_matrix: Float[Array, "spin basis basis"], frame: Float[Array, "basis n"]
) -> tuple[Float[Array, "spin n"], Float[Array, "spin basis n"]]:
    """Orbital energies [Ha] and molecular orbitals of a Fock matrix, in an orthonormal frame of the basis."""
    projected = frame.T[None] @ fock_matrix @ frame[None]
    energies, vectors = jnp.linalg.eigh(projected)
    return energies, frame @ vectors
