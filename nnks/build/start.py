"""Where a run starts: the first guess in the Gaussian basis, and the scales of rotations away from it."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from nnks.ansatz import Start
from nnks.build.functional import analytic, hartree_method, make_functional
from nnks.build.system import System
from nnks.interop import pyscf as interop
from nnks.orthogonalize import frame
from nnks.registry import InputError, suggest
from nnks.scf import MatrixEnergy, SCFResult, diagonalize, fock, occupied_matrix, solve
from nnks.types import Array, Float

SMALL_GAP = 0.2
"""Orbital-energy differences below this count as this in the preconditioner [Ha] (measured: design notes)."""


def make_start(system: System, guess: str) -> Start:
    """The first guess: orbitals of one Fock matrix, or converged ones, and the scales of rotations from them."""
    if guess not in ("minao", "core", "random", "scf"):
        raise InputError(f"ansatz.guess is '{guess}'; {suggest(guess, ['minao', 'core', 'random', 'scf'])}.")
    integrals = interop.one_electron_integrals(system.mole)
    basis = interop.gaussian_basis(system.mole, system.config.system.basis)
    whitened = frame(integrals.overlap)
    spins, occupied = len(system.counts), max(system.counts)
    if occupied > whitened.shape[1]:
        raise InputError(
            f"system.basis '{system.config.system.basis}' has only {whitened.shape[1]} independent functions for {occupied} orbitals."
        )
    charges = jnp.asarray(system.molecule.charges, dtype=jnp.float64)
    if guess == "random":
        same = jnp.broadcast_to(whitened, (spins, *whitened.shape))
        shape = (spins, whitened.shape[1], occupied)
        return Start(basis, same, jnp.zeros(shape), jnp.ones(shape), charges)
    energies, orbitals = _guess_orbitals(system, whitened, integrals.overlap, guess)
    index = jnp.arange(whitened.shape[1])
    per = 2.0 if system.restricted else 1.0
    coordinates, scales = [], []
    for count, epsilon in zip(system.counts, energies, strict=True):
        held = (index[:, None] == jnp.arange(occupied)[None, :]) & (index[:, None] < count)
        virtual = (index[:, None] >= count) & (jnp.arange(occupied)[None, :] < count)
        gap = jnp.maximum(epsilon[:, None] - epsilon[None, :occupied], SMALL_GAP)
        coordinates.append(held.astype(epsilon.dtype))
        scales.append(jnp.where(virtual, (2 * per * gap) ** -0.5, 0.0))
    return Start(basis, orbitals, jnp.stack(coordinates), jnp.stack(scales), charges)


def _guess_orbitals(system: System, whitened: Array, overlap: Array, guess: str) -> tuple[Array, Array]:
    energy = matrix_energy(system)
    matrix = spin_density(system, "core" if guess == "core" else "minao")
    if guess == "scf":
        result = solve(energy, overlap, whitened, matrix, system.counts)
        matrix = occupied_matrix(result.mo_coeff, system.counts)
    return diagonalize(fock(energy, matrix)[1], whitened)


def spin_density(system: System, guess: str) -> Float[Array, "spin basis basis"]:
    """The guess's density matrices in the run's spin channels."""
    matrix = jnp.asarray(interop.guess_density(system.mole, guess))
    return jnp.sum(matrix, axis=0, keepdims=True) if system.restricted else matrix


def matrix_hartree(system: System) -> str:
    """The Hartree method of density matrices: the config's, or density fitting for one that needs a quadrature."""
    hartree = system.config.functional.hartree
    return hartree_method(system, hartree if hartree in ("auto", "exact") else "density_fitting", gaussian=True)


def matrix_energy(system: System) -> MatrixEnergy:
    """The same functional in the Gaussian basis, as a function of density matrices."""
    f = system.config.functional
    integrable = dataclasses.replace(system, config=analytic(system.config))
    functional = make_functional(
        integrable, system.grid, hartree=matrix_hartree(system), auxiliary=f.auxiliary, gaussian=True
    )
    return MatrixEnergy(functional, system.table(system.grid, functional.order), system.grid.weights)


def scf_baseline(system: System) -> SCFResult:
    """The self-consistent field in the same Gaussian basis, from `minao`, by analytic integrals."""
    overlap = interop.one_electron_integrals(system.mole).overlap
    return solve(matrix_energy(system), overlap, frame(overlap), spin_density(system, "minao"), system.counts)
