"""The self-consistent-field baseline: the same energy terms, solved by diagonalization with DIIS."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from nnks.scf.fock import BasisEnergy, FockBuilder, diagonalize, fock
from nnks.types import Array, Float, Int, Scalar, record

PATIENCE, SHIFT = 15, 0.3
"""Cycles after which empty orbitals are shifted up, and by how much [Ha]."""

DROPPED = 1e6
"""Orbital energy of a dropped combination [Ha]: above every level that could be occupied."""


@record
class SCFState:
    """What a cycle hands to the next.

    Attributes:
        cycle: Fock matrices built so far.
        occupied: the orbitals that the next Fock matrix is built from; empty ones are zero.
        energies: of the orbitals before them [Ha].
        focks, errors: the last Fock matrices and their commutators, newest last, zeros where there are none yet.
        mo_energy, mo_coeff: eigenvalues [Ha] and eigenvectors of the extrapolated Fock matrix.
        change: of the energy in the last cycle [Ha].
        norm: of the last commutator [Ha].
    """

    cycle: Int[Array, ""]
    occupied: Float[Array, "spin basis orbitals"]
    energies: dict[str, Array]
    focks: Float[Array, "memory spin basis basis"]
    errors: Float[Array, "memory spin n n"]
    mo_energy: Float[Array, "spin n"]
    mo_coeff: Float[Array, "spin basis n"]
    change: Scalar
    norm: Scalar


@jax.jit(static_argnames=("energy_tolerance", "gradient_tolerance", "cycles", "memory", "level_shift"))
def self_consistent(
    builder: FockBuilder,
    overlap: Float[Array, "basis basis"],
    frame: Float[Array, "basis n"],
    occupied: Float[Array, "spin basis orbitals"],
    occupations: Float[Array, "spin orbitals"],
    *,
    energy_tolerance: float = 1e-10,
    gradient_tolerance: float = 3e-7,
    cycles: int = 100,
    memory: int = 8,
    level_shift: float = 0.0,
) -> SCFState:
    r"""Self-consistent orbitals by Pulay's DIIS on the commutator $FDS - SDF$, as one compiled loop.

    Where some empty orbital belongs below an occupied one (singlet carbon), filling the lowest never settles. After a
    dozen cycles empty orbitals are therefore shifted up, so that the occupied space goes on from where it is to the
    nearest stationary energy.

    Args:
        builder: the functional in a basis.
        overlap: of the basis.
        frame: an orthonormal frame of the basis; a zero column stands for a dropped combination.
        occupied: orthonormal orbitals to start from.
        occupations: electrons in each; zero for an orbital that a spin channel lacks.
        energy_tolerance: largest change of the energy in the last cycle [Ha].
        gradient_tolerance: largest norm of the commutator in the orthonormal frame [Ha].
        cycles: Fock matrices to build at most.
        memory: Fock matrices that DIIS combines.
        level_shift: added to the levels of empty orbitals [Ha] from the first cycle on: slower, and steadier where
            levels are nearly degenerate. It leaves self-consistent orbitals as they are, and is not in `mo_energy`.

    References:
        Pulay, J. Comput. Chem. 3, 556 (1982); Saunders, Hillier, Int. J. Quantum Chem. 7, 699 (1973), for level shifts.
    """
    spin, basis, n = len(occupied), *frame.shape
    present = (occupations > 0).astype(occupied.dtype)
    dropped = DROPPED * (jnp.sum(frame**2, axis=0) == 0)
    left = frame.T @ overlap

    def cycle(state: SCFState) -> SCFState:
        energies, f = builder(state.occupied, occupations)
        half = jnp.einsum("nb,sbi->sni", left, state.occupied)
        product = jnp.einsum("bn,sbc,sci,si,smi->snm", frame, f, state.occupied, occupations, half)
        error = product - jnp.swapaxes(product, 1, 2)
        focks = jnp.concatenate([state.focks[1:], f[None]])
        errors = jnp.concatenate([state.errors[1:], error[None]])
        mixed = jnp.einsum("k,ksbc->sbc", _weights(errors, state.cycle + 1), focks)
        shift = jnp.where(state.cycle < PATIENCE, level_shift, max(level_shift, SHIFT))
        matrix = jnp.einsum("bn,sbc,cm->snm", frame, mixed, frame) + jnp.diag(dropped)[None]
        within = jnp.einsum("sni,smi->snm", half, half)
        shifted, vectors = jnp.linalg.eigh(matrix + shift * (jnp.eye(n)[None] - within))
        mo_energy = shifted - shift * (1 - jnp.sum(jnp.einsum("sni,snm->sim", half, vectors) ** 2, axis=1))
        mo_coeff = jnp.einsum("bn,snm->sbm", frame, vectors)
        lowest = mo_coeff[:, :, : occupations.shape[1]] * present[:, None, :]
        change = jnp.abs(energies["total"] - state.energies["total"])
        norm = jnp.linalg.norm(error)
        return SCFState(state.cycle + 1, lowest, energies, focks, errors, mo_energy, mo_coeff, change, norm)

    def unfinished(state: SCFState) -> Array:
        converged = (state.change < energy_tolerance) & (state.norm < gradient_tolerance)
        return (state.cycle < cycles) & ~converged

    dtype, infinite = occupied.dtype, jnp.full((), jnp.inf, occupied.dtype)
    shapes = jax.eval_shape(builder, occupied, occupations)[0]
    first = SCFState(
        jnp.int32(0),
        occupied * present[:, None, :],
        {name: infinite for name in shapes},
        jnp.zeros((memory, spin, basis, basis), dtype),
        jnp.zeros((memory, spin, n, n), dtype),
        jnp.zeros((spin, n), dtype),
        jnp.zeros((spin, basis, n), dtype),
        infinite,
        infinite,
    )
    return jax.lax.while_loop(unfinished, cycle, first)


def _weights(errors: Float[Array, "memory spin n n"], count: Array) -> Float[Array, " memory"]:
    """Weights of sum one whose combination of error vectors is smallest; zero for entries not there yet."""
    memory = len(errors)
    flat = errors.reshape(memory, -1)
    products = flat @ flat.T
    there = jnp.arange(memory) >= memory - count
    b = jnp.where(there[:, None] & there[None, :], products / jnp.maximum(products[-1, -1], 1e-300), jnp.eye(memory))
    edge = there.astype(b.dtype)
    matrix = jnp.block([[b, edge[:, None]], [edge[None, :], jnp.zeros((1, 1), b.dtype)]])
    right = jnp.zeros(memory + 1, b.dtype).at[-1].set(1.0)
    return jnp.linalg.lstsq(matrix, right, rcond=1e-14)[0][:memory] * edge


@dataclasses.dataclass(frozen=True)
class SCFResult:
    """Outcome of a self-consistent calculation."""

    converged: bool
    cycles: int
    energies: dict[str, float]
    mo_energy: np.ndarray
    mo_coeff: Array


def solve(
    energy: BasisEnergy,
    overlap: Float[Array, "basis basis"],
    frame: Float[Array, "basis n"],
    guess: tuple[Float[Array, "spin basis k"], Float[Array, "spin k"]],
    nocc: tuple[int, ...],
    *,
    energy_tolerance: float = 1e-10,
    gradient_tolerance: float = 3e-7,
    cycles: int = 100,
    level_shift: float = 0.0,
) -> SCFResult:
    """Self-consistent orbitals in a basis, from a guess's orbitals and occupations; see `self_consistent`."""
    _, mo_coeff = diagonalize(fock(energy, *guess)[1], frame)
    occupations = filling(nocc, mo_coeff.shape[-1])
    solution = self_consistent(
        energy,
        overlap,
        frame,
        mo_coeff[:, :, : occupations.shape[1]],
        occupations,
        energy_tolerance=energy_tolerance,
        gradient_tolerance=gradient_tolerance,
        cycles=cycles,
        level_shift=level_shift,
    )
    converged = bool(solution.change < energy_tolerance) and bool(solution.norm < gradient_tolerance)
    values = {name: float(value) for name, value in solution.energies.items()}
    return SCFResult(converged, int(solution.cycle) + 1, values, np.asarray(solution.mo_energy), solution.mo_coeff)


def filling(nocc: tuple[int, ...], limit: int, least: int = 0) -> Float[Array, "spin orbitals"]:
    """Electrons in the lowest orbitals of each channel: two in each if there is one channel; room for `least`."""
    per = 2.0 if len(nocc) == 1 else 1.0
    size = max(min(max(nocc), limit), least)
    return jax.device_put(np.array([[per * (i < n) for i in range(size)] for n in nocc]))
