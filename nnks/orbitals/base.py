"""Orthonormal orbitals on a quadrature: all that an energy term sees."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

import jax.numpy as jnp

from nnks import blocks
from nnks.blocks import BasisBlocks
from nnks.density import Density, Local
from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Scalar, record


@record
class Orbitals:
    r"""Orthonormal orbitals at the points of a quadrature: all that an energy term sees.

    `gradients` is None if no term needs them; `coefficients` is there in a Gaussian basis, where terms may be
    analytic. Occupations are 2 (restricted), 1 or 0. `norms` are $\langle\psi_i|\psi_i\rangle$ where these are not one.
    """

    quadrature: Quadrature
    values: Float[Array, "spin orbitals points"]
    gradients: Float[Array, "spin orbitals points 3"] | None
    occupations: Float[Array, "spin orbitals"]
    coefficients: Float[Array, "spin basis orbitals"] | None
    norms: Float[Array, "spin orbitals"] | None = None

    def mixed(self, mix: Float[Array, "spin orbitals n"]) -> Orbitals:
        r"""The combinations $\phi M$ of raw orbitals."""
        c, grad = self.coefficients, self.gradients
        return Orbitals(
            self.quadrature,
            jnp.einsum("sjp,sji->sip", self.values, mix),
            None if grad is None else jnp.einsum("sjpd,sji->sipd", grad, mix),
            self.occupations,
            None if c is None else c @ mix,
        )

    def density(self) -> Density:
        r"""$\rho_s=\sum_i n_i|\psi_i|^2$, its gradient, and $\tau_s=\frac12\sum_i n_i|\nabla\psi_i|^2$.

        The gradient is $\nabla\rho_s=2\sum_i n_i\psi_i\nabla\psi_i$.
        """
        n, psi, grad = self.occupations, self.values, self.gradients
        rho = jnp.einsum("si,sip,sip->sp", n, psi, psi)
        if grad is None:
            return Density(rho, None, None)
        gradient = 2 * jnp.einsum("si,sip,sipd->spd", n, psi, grad)
        return Density(rho, gradient, 0.5 * jnp.einsum("si,sipd,sipd->sp", n, grad, grad))

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$, in a Gaussian basis."""
        return density_matrix(self.require_coefficients(), self.occupations)

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of the density at each point."""
        return self.quadrature.integrate(local(self.density()))

    def electrons(self) -> Scalar:
        """Their number."""
        return electrons(self.occupations, self.norms)

    def overlap(self) -> Float[Array, "spin orbitals orbitals"]:
        """The quadrature of products of orbitals."""
        return jnp.einsum("sip,sjp,p->sij", self.values, self.values, self.quadrature.weights)

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """The coefficients, for a term that is analytic in a Gaussian basis.

        Raises:
            ValueError: if the orbitals are not in one; the runner refuses such a combination earlier.
        """
        if self.coefficients is None:
            raise ValueError("an analytic term was given orbitals outside a Gaussian basis; use a quadrature term.")
        return self.coefficients


@runtime_checkable
class InBasis(Protocol):
    """Orbitals in a Gaussian basis: all that a term with integrals in it needs."""

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each."""
        ...

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """Their coefficients."""
        ...

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$."""
        ...


@record
class BlockedOrbitals:
    """Orthonormal orbitals in a Gaussian basis, which are never held on the whole grid: `Orbitals` without values.

    `known` is their density, where terms share it; else each term finds what it needs in a pass over the blocks of its
    own. `norms` are the orbitals', where these are not one.
    """

    quadrature: Quadrature
    blocks: BasisBlocks
    occupations: Float[Array, "spin orbitals"]
    coefficients: Float[Array, "spin basis orbitals"]
    known: Density | None = None
    norms: Float[Array, "spin orbitals"] | None = None

    def with_density(self) -> BlockedOrbitals:
        """The same with their density, for terms that need it at other points than their own."""
        return dataclasses.replace(self, known=self.density())

    def mixed(self, mix: Float[Array, "spin orbitals n"]) -> BlockedOrbitals:
        """The combinations of orbitals."""
        return BlockedOrbitals(self.quadrature, self.blocks, self.occupations, self.coefficients @ mix)

    def density(self) -> Density:
        """The density at every point."""
        if self.known is not None:
            return self.known
        return blocks.density(self.blocks, self.coefficients, self.occupations)

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of the density at each point, and its derivative in the same pass."""
        if self.known is not None:
            return self.quadrature.integrate(local(self.known))
        return blocks.integral(self.blocks, local, self.coefficients, self.occupations)

    def electrons(self) -> Scalar:
        """Their number."""
        return electrons(self.occupations, self.norms)

    def overlap(self) -> Float[Array, "spin orbitals orbitals"]:
        """The quadrature of products of orbitals."""
        return blocks.overlap(self.blocks, self.coefficients)

    def density_matrix(self) -> Float[Array, "spin basis basis"]:
        r"""$D_s = \sum_i n_i c_i c_i^T$."""
        return density_matrix(self.coefficients, self.occupations)

    def require_coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """The coefficients."""
        return self.coefficients


AnyOrbitals = Orbitals | BlockedOrbitals
"""Whatever an orbital model returns."""


def density_matrix(
    coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
) -> Float[Array, "spin basis basis"]:
    r"""$D_s = \sum_i n_i c_i c_i^T$."""
    return jnp.einsum("sbi,sci->sbc", coefficients * occupations[:, None, :], coefficients)


def electrons(occupations: Float[Array, "spin orbitals"], norms: Float[Array, "spin orbitals"] | None) -> Scalar:
    r"""$\sum_i n_i\langle\psi_i|\psi_i\rangle$, of orthonormal orbitals if no norms are given."""
    return jnp.sum(occupations if norms is None else occupations * norms)
