"""Orbitals in a fixed Gaussian basis, orthonormal by construction: `orthogonalizer.name="cayley"`, `"exponential"`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.ansatz.base import GaussianModuleAnsatz
from nnks.orthogonalize import Rotation
from nnks.types import Array, Float, Params, record


@record
class RotatedAnsatz(GaussianModuleAnsatz):
    """An ansatz whose raw orbitals are the argument of a rotation.

    Everything downstream sees orthonormal orbitals: the mix of such an orthogonalizer is the identity, and the final
    evaluation changes nothing. So an axis of an ablation may hold mixes and rotations.

    Attributes:
        rotation: of the reference toward the raw orbitals.
        reference: orthonormal occupied orbitals in the frame that parameters refer to; zero columns are empty orbitals.
    """

    rotation: Rotation
    reference: Float[Array, "spin n orbitals"]

    def evaluate(self, params: Params, r: Float[Array, 3]) -> Float[Array, "spin orbitals"]:
        """Orthonormal orbitals at one point [Bohr^-3/2]."""
        return jnp.einsum("b,sbi->si", self.start.basis(r), self.coefficients(params))

    def coordinates(self, params: Params) -> Float[Array, "spin n orbitals"]:
        """Orthonormal orbitals in the frame of the start."""
        raw, moved = self.in_own_frame(params)
        turned = jax.vmap(self.rotation.rotate)(self.reference, raw)
        return turned if moved is None else moved @ turned


def rotated(ansatz: GaussianModuleAnsatz, rotation: Rotation, nocc: tuple[int, ...]) -> RotatedAnsatz:
    """An ansatz whose orbitals are rotated from the guess, or, if that is random, from the frame's first functions."""
    shape = ansatz.start.coordinates.shape
    row, column = jnp.arange(shape[1])[None, :, None], jnp.arange(shape[2])[None, None, :]
    held = (row == column) & (column < jnp.asarray(nocc)[:, None, None])
    return RotatedAnsatz(ansatz.start, ansatz.module, rotation, held.astype(ansatz.start.coordinates.dtype))
