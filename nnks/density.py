"""The density on a quadrature, and what a term needs that is a functional of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax.numpy as jnp

from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Scalar, record


@record
class Density:
    r"""What a local functional sees. `sigma` and `tau` are None where they were not asked for.

    Restricted: one channel with the total density. Unrestricted: up and down.
    """

    rho: Float[Array, "spin points"]
    gradient: Float[Array, "spin points 3"] | None
    tau: Float[Array, "spin points"] | None

    @property
    def total(self) -> Float[Array, " points"]:
        """Density of all electrons [Bohr^-3]."""
        return jnp.sum(self.rho, axis=0)

    @property
    def sigma(self) -> Float[Array, "pairs points"] | None:
        r"""$\nabla\rho_s\cdot\nabla\rho_t$: one row restricted; up-up, up-down, down-down unrestricted."""
        if self.gradient is None:
            return None
        pairs = [(0, 0)] if len(self.rho) == 1 else [(0, 0), (0, 1), (1, 1)]
        return jnp.stack([jnp.sum(self.gradient[s] * self.gradient[t], axis=-1) for s, t in pairs])


Local = Callable[[Density], Array]
"""From densities at points to a value at each: hashable, and without arrays of its own."""


@runtime_checkable
class HasDensity(Protocol):
    """All that a term needs which is a functional of the density on a quadrature."""

    @property
    def quadrature(self) -> Quadrature:
        """Where the density is known."""
        ...

    def density(self) -> Density:
        """The density there."""
        ...

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of the density at each point."""
        ...

    def electrons(self) -> Scalar:
        """Their number: from the occupations of orthonormal orbitals, which tell it better than a quadrature does."""
        ...


@record
class TabulatedDensity:
    """A density that is given by its values: what a potential is the derivative with respect to."""

    quadrature: Quadrature
    values: Density

    def density(self) -> Density:
        """The values."""
        return self.values

    def integral(self, local: Local) -> Scalar:
        """The quadrature of a function of them at each point."""
        return self.quadrature.integrate(local(self.values))

    def electrons(self) -> Scalar:
        """The quadrature of the density: values tell no more."""
        return self.quadrature.integrate(self.values.total)
