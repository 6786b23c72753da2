r"""Linear coefficients eliminated: in a learned basis, the Kohn-Sham equations are solved at every evaluation.

With $E^*(\theta) = \min_C E(\theta, C)$ the network's parameters $\theta$ are all that an optimizer sees. At the
minimum $\partial E/\partial C$ vanishes along every orthonormal variation, so the gradient of $E^*$ is that of $E$ at
fixed $C$: the solution is a constant when the energy is differentiated (Golub, Pereyra, SIAM J. Numer. Anal. 10,
413 (1973)).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.ansatz.base import BasisAnsatz
from nnks.ansatz.functions import ansatz_functions
from nnks.basis import Basis
from nnks.blocks import BasisBlocks
from nnks.functional import Functional
from nnks.orthogonalize import inverse_square_root
from nnks.quadrature import Quadrature
from nnks.scf import BasisEnergy, self_consistent
from nnks.types import Array, Float, Params, record, static


@record
class VariableProjection:
    """How the coefficients are solved for.

    Attributes:
        occupations: electrons in each orbital.
        threshold: eigenvalues of the (unit-diagonal) overlap below this share of the largest are dropped. Smaller
            keeps more of the basis; below 1e-11 rounding and quadrature errors reach 0.1 mHa (measured on water).
        cycles: of the self-consistent field at most; the start is good, and 5 to 8 are used.
        energy_tolerance: change of the energy in the last cycle [Ha].
        gradient_tolerance: norm of the last commutator [Ha].
        evaluation: precision in which the functions are evaluated, `float32` in mixed precision; None for that of
            everything else.
    """

    occupations: Float[Array, "spin orbitals"]
    threshold: float = static(default=1e-10)
    cycles: int = static(default=30)
    energy_tolerance: float = static(default=1e-8)
    gradient_tolerance: float = static(default=1e-4)
    evaluation: str | None = static(default=None)

    def __call__(self, ansatz: BasisAnsatz, functional: Functional, params: Params, quadrature: Quadrature) -> Params:
        """The parameters with solved coefficients, which are constants to a derivative."""
        fixed = jax.lax.stop_gradient(params)
        table = self.tabulated(ansatz_functions(ansatz, fixed), quadrature)
        return {**params, "coefficients": self.solved(table, functional, fixed["coefficients"], quadrature)}

    def tabulated(self, basis: Basis, quadrature: Quadrature) -> BasisBlocks:
        """The functions and their gradients at all points."""
        return blocks.whole_blocks(basis, quadrature, order=1, evaluation=self.evaluation)

    def solved(
        self,
        table: BasisBlocks,
        functional: Functional,
        start: Float[Array, "spin basis orbitals"],
        quadrature: Quadrature,
    ) -> Float[Array, "spin basis orbitals"]:
        """The coefficients that solve for the energy, from those of a step before; constants to a derivative."""
        table, start = jax.lax.stop_gradient((table, start))
        energy = BasisEnergy(functional, table, quadrature).with_matrices(len(self.occupations))
        overlap = energy.overlap()
        solved = self_consistent(
            energy,
            overlap,
            stable_frame(overlap, self.threshold),
            orthonormal(start, overlap, self.occupations),
            self.occupations,
            energy_tolerance=self.energy_tolerance,
            gradient_tolerance=self.gradient_tolerance,
            cycles=self.cycles,
        )
        return jax.lax.stop_gradient(solved.occupied)


def stable_frame(overlap: Float[Array, "basis basis"], threshold: float) -> Float[Array, "basis n"]:
    """Orthonormal combinations of normalized functions; a near-dependent combination becomes a zero column."""
    norms = jnp.diagonal(overlap)
    there = norms > 0  # a function that is none has no scale
    scale = jnp.where(there, 1 / jnp.sqrt(jnp.where(there, norms, 1.0)), 0.0)
    eigenvalues, vectors = jnp.linalg.eigh(overlap * scale[:, None] * scale[None, :])
    kept = eigenvalues > threshold * eigenvalues[-1]
    return scale[:, None] * vectors * (kept / jnp.sqrt(jnp.where(kept, eigenvalues, 1.0)))[None, :]


def orthonormal(coefficients: Array, overlap: Array, occupations: Array) -> Array:
    """The orbitals to start from, orthonormal in the current basis; empty ones stay zero."""

    def channel(c: Array, occupied: Array) -> Array:
        present = (occupied > 0).astype(c.dtype)
        gram = present[:, None] * (c.T @ overlap @ c) * present[None, :] + jnp.diag(1 - present)
        return (c @ inverse_square_root(gram)[0]) * present[None, :]

    return jax.vmap(channel)(coefficients, occupations)
