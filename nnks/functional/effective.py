r"""The Kohn-Sham operator in any basis that is tabulated on a quadrature, from occupied orbitals.

With $E$ a functional of $\rho_s$, $\nabla\rho_s$ and $\tau_s$ at the points, its derivatives there
(weights included) are $v_s$, $u_s$ and $t_s$, and the matrix of the operator is

$$F_{bc} = \sum_k \Bigl[ v_k B_b B_c + u_k\cdot\nabla(B_b B_c) + \tfrac12 t_k \nabla B_b\cdot\nabla B_c \Bigr].$$

One matrix product a cycle beyond the kinetic part, which is the same in every cycle unless the functional reads $\tau$.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.blocks import potential_matrix
from nnks.functional.base import Functional
from nnks.orbitals import Density, Orbitals, TabulatedDensity
from nnks.quadrature import Quadrature
from nnks.types import Array, Float, Scalar, record


@record
class TabulatedEnergy:
    r"""Energies and Fock matrices of a functional of the density, in a basis known by its values at the points.

    Attributes:
        functional: terms that need the density on the quadrature only (no analytic integrals).
        values: of the basis functions.
        gradients: of the basis functions [1/Bohr].
        quadrature: points and weights.
        kinetic: quadrature of $\frac12\nabla B_b\cdot\nabla B_c$ [Ha].
    """

    functional: Functional
    values: Float[Array, "points basis"]
    gradients: Float[Array, "3 points basis"]
    quadrature: Quadrature
    kinetic: Float[Array, "basis basis"]

    @classmethod
    def make(cls, functional: Functional, values: Array, gradients: Array, quadrature: Quadrature) -> TabulatedEnergy:
        """Tabulates the kinetic matrix."""
        weights = quadrature.weights[:, None]
        kinetic = 0.5 * sum(g.T @ (weights * g) for g in gradients)
        return cls(functional, values, gradients, quadrature, kinetic)  # pyright: ignore[reportArgumentType]

    def overlap(self) -> Float[Array, "basis basis"]:
        """The basis functions' overlap on the quadrature."""
        return self.values.T @ (self.quadrature.weights[:, None] * self.values)

    def __call__(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
        """Every term [Ha] of occupied orbitals, and the Fock matrix of each spin [Ha]."""
        psi = jnp.einsum("pb,sbi->sip", self.values, coefficients)
        grad = jnp.stack([jnp.einsum("pb,sbi->sip", g, coefficients) for g in self.gradients], axis=-1)
        density = Orbitals(self.quadrature, psi, grad, occupations, None).density()

        def energy(density: Density) -> tuple[Scalar, dict[str, Array]]:
            energies = self.functional.energies(TabulatedDensity(self.quadrature, density))
            return energies["total"], energies

        (_, energies), slope = jax.value_and_grad(energy, has_aux=True)(density)
        # what no term reads needs no product of matrices; the derivative by tau of the kinetic energy is the weight
        # itself
        gradient = slope.gradient if self._read("gradient") else None
        tau = slope.tau if self._read("tau") else None
        kinetic = self.kinetic if tau is None else 0.0
        slope = Density(slope.rho, gradient, tau)
        matrices = [potential_matrix(self.values, self.gradients, slope, s) + kinetic for s in range(len(psi))]
        return energies, jnp.stack(matrices)

    def _read(self, what: str) -> bool:
        """Whether a term depends on the `gradient` of the density, or on `tau` other than as the kinetic energy does.

        One of order 1 that does not say so (`reads_gradient`, `reads_tau`) does: a derivative that is dropped is an
        error that nobody sees.
        """
        return any(getattr(term, f"reads_{what}", term.order > 0) for term in self.functional.terms)
