"""Where a run starts: the first guess in the basis of fixed orbitals, and the scales of rotations away from it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from nnks import blocks
from nnks.ansatz import Start
from nnks.basis.learned import LearnedBasis
from nnks.functional import Functional
from nnks.interop import basis_sets
from nnks.interop import pyscf as interop
from nnks.orthogonalize import frame
from nnks.registry import InputError, shown, suggest
from nnks.scf import BasisEnergy, SCFResult, diagonalize, filling, fock, solve
from nnks.setup.functional import hartree_method, make_functional
from nnks.setup.outline import Outline
from nnks.setup.system import System
from nnks.training.frame import rotation_scale
from nnks.types import Array, Float


def make_start(system: System, guess: str) -> Start:
    """The first guess: orbitals of one Fock matrix, or converged ones, and the scales of rotations from them."""
    if guess not in ("minao", "core", "random", "scf"):
        raise InputError(f"ansatz.guess is '{guess}'; {suggest(guess, ['minao', 'core', 'random', 'scf'])}.")
    if system.learned is not None and guess not in ("minao", "scf"):
        raise InputError(
            f"ansatz.guess is '{guess}', and a learned basis starts from its free atoms; use ansatz.guess='minao' or "
            "'scf'."
        )
    if isinstance(system, Outline):
        if guess != "random":
            _basis_functional(system)
        start = system.start()
        _check_independent(system, start.frame.shape[-1])
        return start
    overlap, basis = basis_overlap(system), system.functions()
    whitened = frame(overlap)
    spins, occupied = system.occupations.shape
    _check_independent(system, whitened.shape[1])
    charges = system.charges
    if guess == "random":
        same = jnp.broadcast_to(whitened, (spins, *whitened.shape))
        shape = (spins, whitened.shape[1], occupied)
        return Start(basis, same, jnp.zeros(shape), jnp.ones(shape), charges)
    energies, orbitals = _guess_orbitals(system, whitened, overlap, guess)
    index = np.arange(whitened.shape[1])
    held = [(index[:, None] == np.arange(occupied)) & (index[:, None] < count) for count in system.nocc]
    coordinates = jax.device_put(np.array(held).astype(energies.dtype))
    return Start(basis, orbitals, coordinates, _scales(energies, system.nocc, system.occupations), charges)


@jax.jit(static_argnums=1)
def _scales(
    energies: Float[Array, "spin n"], nocc: tuple[int, ...], occupations: Float[Array, "spin occupied"]
) -> Float[Array, "spin n occupied"]:
    """The scales of rotations from a guess, of all spins."""
    return jnp.stack([rotation_scale(e, n, o) for e, n, o in zip(energies, nocc, occupations, strict=True)])


def _check_independent(system: System, functions: int) -> None:
    if max(system.nocc) > functions:
        raise InputError(
            f"system.basis {shown(basis_sets.label(system.config.system.basis))} has only {functions} independent "
            f"functions for {max(system.nocc)} orbitals."
        )


def _guess_orbitals(system: System, whitened: Array, overlap: Array, guess: str) -> tuple[Array, Array]:
    energy, start = basis_energy(system), guess_orbitals(system, "core" if guess == "core" else "minao")
    if guess == "scf":
        mo_coeff = solve(energy, overlap, whitened, start, system.nocc).mo_coeff
        occupations = filling(system.nocc, mo_coeff.shape[-1])
        start = mo_coeff[:, :, : occupations.shape[1]], occupations
    return diagonalize(fock(energy, *start)[1], whitened)


def basis_overlap(system: System) -> Float[Array, "basis basis"]:
    """The overlap of the functions that fixed orbitals lie in: integrals of Gaussians, sums over the grid of others."""
    if system.learned is None:
        return system.one_electron().overlap
    return blocks.basis_overlap(system.blocks(system.grid, 1), system.grid.weights)


def guess_orbitals(system: System, guess: str) -> tuple[Float[Array, "spin basis k"], Float[Array, "spin k"]]:
    """The guess's orbitals, which are not orthonormal, and their electrons in the run's spin channels.

    They are coefficients of the functions that fixed orbitals lie in. In a learned basis they are its free atoms'.
    """
    basis = system.functions()
    if isinstance(basis, LearnedBasis):
        electrons, spins = free_electrons(basis), len(system.nocc)
        normalized = jnp.diag(1 / jnp.sqrt(jnp.diagonal(basis_overlap(system))))
        same = jnp.broadcast_to(normalized, (spins, *normalized.shape))
        return same, jnp.broadcast_to(jnp.asarray(electrons) / spins, (spins, len(electrons)))
    orbitals, occupations = interop.guess_orbitals(system.mole, guess)
    if not system.restricted:
        return jax.device_put(orbitals), jax.device_put(occupations)
    if guess == "minao":  # both spins have the same orbitals
        return jax.device_put(orbitals[:1]), jax.device_put(occupations.sum(axis=0, keepdims=True))
    return jax.device_put(np.concatenate(orbitals, axis=1)[None]), jax.device_put(occupations.reshape(1, -1))


def free_electrons(basis: LearnedBasis) -> Float[np.ndarray, " basis"]:
    """Electrons in each function of free atoms, whose shells are filled in the order of the periodic table."""
    electrons = []
    for layout in basis.layouts:
        left, filled = layout.charge, [0.0] * len(layout.degrees)
        # radial functions of free atoms by principal quantum number n and degree l, in the order of filling
        shells = [(first + 1 + l, l) for l, count in enumerate(layout.atomic) for first in range(count)]
        for n, l in sorted(shells, key=lambda shell: (sum(shell), shell[0])):
            filled[shells.index((n, l))] = min(left, 4 * l + 2)
            left -= min(left, 4 * l + 2)
        one = [filled[k] / (2 * l + 1) for k, l in enumerate(layout.degrees) for _ in range(2 * l + 1)]
        electrons += one
    return np.array(electrons, float)


def matrix_hartree(system: System) -> str:
    """The Hartree method of density matrices: the config's, or density fitting for one that needs a quadrature."""
    hartree = system.config.functional.hartree
    return hartree_method(system, hartree if hartree in ("auto", "exact") else "density_fitting", gaussian=True)


def basis_energy(system: System) -> BasisEnergy:
    """The same functional in the basis of fixed orbitals, with analytic integrals wherever there are any."""
    functional = _basis_functional(system)
    table = system.blocks(system.grid, functional.order)
    return BasisEnergy(functional, table, system.grid.quadrature()).with_matrices(len(system.nocc))


def _basis_functional(system: System) -> Functional:
    gaussian, auxiliary = system.learned is None, system.config.functional.auxiliary
    method = matrix_hartree(system) if gaussian else "density_fitting"
    kind = {"gaussian": gaussian, "integrals": gaussian}
    return make_functional(system, system.grid, hartree=method, auxiliary=auxiliary, **kind)


def scf_baseline(system: System, *, level_shift: float = 0.0, cycles: int = 100) -> SCFResult:
    """The self-consistent field in the same basis, from `minao`, by analytic integrals where there are any."""
    overlap, guess = basis_overlap(system), guess_orbitals(system, "minao")
    settings = {"level_shift": level_shift, "cycles": cycles}
    return solve(basis_energy(system), overlap, frame(overlap), guess, system.nocc, **settings)
