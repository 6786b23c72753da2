r"""Linear coefficients eliminated: in a learned basis, the Kohn-Sham equations are solved at every evaluation.

With $E^*(\theta) = \min_C E(\theta, C)$ the network's parameters $\theta$ are all that an optimizer sees. At the
minimum $\partial E/\partial C$ vanishes along every orthonormal variation, so the gradient of $E^*$ is that of $E$ at
fixed $C$: the solution is a constant when the energy is differentiated (Golub, Pereyra, SIAM J. Numer. Anal. 10,
413 (1973)).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.ansatz.base import BasisAnsatz
from nnks.functional import Functional
from nnks.functional.effective import TabulatedEnergy
from nnks.orbitals import in_blocks
from nnks.orthogonalize import inverse_square_root
from nnks.quadrature import Quadrature
from nnks.scf import self_consistent
from nnks.types import Array, Float, Params, cast, record, static


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
        values, gradients = tabulate_functions(ansatz, fixed, quadrature.points, self.evaluation)
        energy = TabulatedEnergy.make(functional, values, gradients, quadrature)
        overlap = energy.overlap()
        solved = self_consistent(
            energy,
            overlap,
            stable_frame(overlap, self.threshold),
            _orthonormal(fixed["coefficients"], overlap, self.occupations),
            self.occupations,
            energy_tolerance=self.energy_tolerance,
            gradient_tolerance=self.gradient_tolerance,
            cycles=self.cycles,
        )
        return {**params, "coefficients": jax.lax.stop_gradient(solved.occupied)}


def tabulate_functions(
    ansatz: BasisAnsatz, params: Params, points: Float[Array, "points 3"], precision: str | None = None
) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"]]:
    """Values and gradients of the learned basis at many points, in blocks; evaluated in a precision of their own."""
    inner, outer = jnp.dtype(precision or points.dtype), points.dtype
    ansatz, params = cast((ansatz, params), inner)

    def both(r: Array) -> tuple[Array, Array]:
        columns = [
            jax.jvp(lambda at: ansatz.functions(params, at), (r.astype(inner),), (axis,))
            for axis in jnp.eye(3, dtype=inner)
        ]
        return columns[0][0].astype(outer), jnp.stack([gradient for _, gradient in columns]).astype(outer)

    values, gradients = in_blocks(both, points)
    return values, jnp.moveaxis(gradients, 1, 0)


def stable_frame(overlap: Float[Array, "basis basis"], threshold: float) -> Float[Array, "basis n"]:
    """Orthonormal combinations of normalized functions; a near-dependent combination becomes a zero column."""
    scale = 1 / jnp.sqrt(jnp.diagonal(overlap))
    eigenvalues, vectors = jnp.linalg.eigh(overlap * scale[:, None] * scale[None, :])
    kept = eigenvalues > threshold * eigenvalues[-1]
    return scale[:, None] * vectors * (kept / jnp.sqrt(jnp.where(kept, eigenvalues, 1.0)))[None, :]


def _orthonormal(coefficients: Array, overlap: Array, occupations: Array) -> Array:
    """The orbitals to start from, orthonormal in the current basis; empty ones stay zero."""

    def channel(c: Array, occupied: Array) -> Array:
        present = (occupied > 0).astype(c.dtype)
        gram = present[:, None] * (c.T @ overlap @ c) * present[None, :] + jnp.diag(1 - present)
        return (c @ inverse_square_root(gram)[0]) * present[None, :]

    return jax.vmap(channel)(coefficients, occupations)
