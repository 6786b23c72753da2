r"""Frames of molecular orbitals, and coordinates in which the energy's curvature is close to one.

The Hessian along a rotation of orbital $i$ with $n_i$ electrons into $a$ is close to $2n_i(\epsilon_a-\epsilon_i)$, so
that the coordinate of that rotation is its angle over $(2n_i(\epsilon_a-\epsilon_i))^{-1/2}$. In canonical orbitals the
Hessian is also close to diagonal.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.ansatz.base import FRAME, GaussianModuleAnsatz
from nnks.blocks import BasisBlocks
from nnks.objective import Problem
from nnks.scf import BasisEnergy
from nnks.training.stability import Canonical
from nnks.types import Array, Float, Params, record

SMALL_GAP = 0.2
"""Differences of orbital energies [Ha] count as at least this (measured: design notes)."""


@record
class Framed:
    """The same orbitals in a frame of their own, where their rotation is zero.

    Attributes:
        energies: every term and the total [Ha].
        orbitals: the frame, occupied orbitals first, in the orthonormal basis of the start.
        scale: angle of each rotation per unit of its coordinate.
        gradient: of the energy by the coordinates [Ha].
        canonical: the frame's coefficients and orbital energies.
    """

    energies: dict[str, Array]
    orbitals: Float[Array, "spin n n"]
    scale: Float[Array, "spin n occupied"]
    gradient: Float[Array, "spin n occupied"]
    canonical: Canonical

    def params(self, params: Params, rotation: str) -> Params:
        """Parameters that mean the same orbitals in this frame."""
        return {**params, rotation: jnp.zeros_like(self.scale), FRAME: {"orbitals": self.orbitals, "scale": self.scale}}


@jax.jit(static_argnums=1)
def rotation_scale(
    mo_energy: Float[Array, " n"], count: int, electrons: Float[Array, " occupied"]
) -> Float[Array, "n occupied"]:
    """Angle per unit of coordinate, of rotations of the `count` lowest orbitals into the others; zero elsewhere."""
    n, k = len(mo_energy), len(electrons)
    mixes = (jnp.arange(n)[:, None] >= count) & (jnp.arange(k)[None, :] < count)
    occupied = jnp.pad(mo_energy, (0, max(k - n, 0)))[:k]  # there may be room for more orbitals than levels
    gap = jnp.maximum(mo_energy[:, None] - occupied[None], SMALL_GAP)
    return jnp.where(mixes, (2 * jnp.maximum(electrons, 1.0)[None, :] * gap) ** -0.5, 0.0)


def gaussian_energy(problem: Problem) -> BasisEnergy:
    """The problem's functional as a builder of Fock matrices."""
    table = problem.model.table
    assert isinstance(table, BasisBlocks)
    return BasisEnergy(problem.functional, table, problem.grid.quadrature())


def gaussian_ansatz(problem: Problem) -> GaussianModuleAnsatz:
    """The problem's ansatz, as one of orbitals in a fixed Gaussian basis."""
    ansatz = problem.model.ansatz
    assert isinstance(ansatz, GaussianModuleAnsatz)
    return ansatz


@jax.jit
def make_frame(problem: Problem, params: Params) -> Framed:
    """Orbitals that are canonical within the occupied and within the empty space, from one Fock matrix."""
    model, ansatz = problem.model, gaussian_ansatz(problem)
    start = ansatz.start
    occupied = model(params, problem.grid.quadrature()).require_coefficients()
    energies, fock = gaussian_energy(problem)(occupied, model.occupations)
    coordinates = ansatz.coordinates(params)
    orbitals, levels, scales, gradients = [], [], [], []
    for s, count in enumerate(model.nocc):
        # the first `count` columns span the occupied space, the others what is orthogonal to it
        frame, _ = jnp.linalg.qr(coordinates[s, :, :count], mode="complete")
        matrix = frame.T @ start.frame[s].T @ fock[s] @ start.frame[s] @ frame
        low, u = jnp.linalg.eigh(matrix[:count, :count])
        high, v = jnp.linalg.eigh(matrix[count:, count:])
        orbitals.append(jnp.concatenate([frame[:, :count] @ u, frame[:, count:] @ v], axis=1))
        levels.append(jnp.concatenate([low, high]))
        electrons = model.occupations[s]
        scale = rotation_scale(levels[-1], count, electrons)
        mixed = v.T @ matrix[count:, :count] @ u
        scales.append(scale)
        gradients.append((2 * electrons[None, :] * scale).at[count:, :count].multiply(mixed))
    orbitals = jnp.stack(orbitals)
    canonical = Canonical(start.frame @ orbitals, jnp.stack(levels))
    return Framed(energies, orbitals, jnp.stack(scales), jnp.stack(gradients), canonical)
