"""The self-consistent-field baseline: the same energy terms, solved by diagonalization with DIIS."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis import BasisTable
from nnks.functional import Functional
from nnks.functional.exchange_correlation import ExchangeCorrelation
from nnks.functional.external import AnalyticExternal
from nnks.functional.hartree import BasisFittedHartree, ExactHartree
from nnks.functional.kinetic import AnalyticKinetic
from nnks.functional.nuclear import Nuclear, nuclear_repulsion
from nnks.orbitals import Density
from nnks.types import Array, Float, Scalar, record


@record
class MatrixEnergy:
    """The energy as a function of spin density matrices in a Gaussian basis; its derivative is the Fock matrix."""

    functional: Functional
    table: BasisTable
    weights: Float[Array, " points"]

    def terms(self, matrix: Float[Array, "spin basis basis"]) -> dict[str, Array]:
        """Every term [Ha] of a density matrix, and `total`."""
        total = jnp.sum(matrix, axis=0)
        hartree, xc = self.functional["hartree"], self.functional["xc"]
        kinetic, external = self.functional["kinetic"], self.functional["external"]
        nuclear = self.functional["nuclear"]
        assert isinstance(hartree, ExactHartree | BasisFittedHartree)
        assert isinstance(xc, ExchangeCorrelation)
        assert isinstance(kinetic, AnalyticKinetic)
        assert isinstance(external, AnalyticExternal)
        assert isinstance(nuclear, Nuclear)
        energies = {
            "kinetic": jnp.sum(kinetic.integrals * total),
            "external": jnp.sum(external.integrals * total),
            "hartree": hartree.of_matrix(total),
            "xc": xc.of_density(self._density(matrix, xc.order), self.weights),
            "nuclear": nuclear_repulsion(nuclear.positions, nuclear.charges),
        }
        return {"total": sum(energies.values())} | energies  # pyright: ignore[reportReturnType]

    def _density(self, matrix: Array, order: int) -> Density:
        chi, grad = self.table.values, self.table.gradients
        half = jnp.einsum("pb,sbc->spc", chi, matrix)
        rho = jnp.einsum("spc,pc->sp", half, chi)
        if order == 0 or grad is None:
            return Density(rho, None, None)
        gradient = 2 * jnp.einsum("spc,dpc->spd", half, grad)
        tau = 0.5 * jnp.einsum("dpb,sbc,dpc->sp", grad, matrix, grad)
        return Density(rho, gradient, tau)


@jax.jit
def fock(
    energy: MatrixEnergy, matrix: Float[Array, "spin basis basis"]
) -> tuple[dict[str, Array], Float[Array, "spin basis basis"]]:
    r"""Energies [Ha] and the Fock matrix $F_s = \partial E/\partial D_s$, symmetric."""

    def total(d: Array) -> tuple[Scalar, dict[str, Array]]:
        energies = energy.terms(d)
        return energies["total"], energies

    (_, energies), f = jax.value_and_grad(total, has_aux=True)(0.5 * (matrix + jnp.swapaxes(matrix, 1, 2)))
    return energies, 0.5 * (f + jnp.swapaxes(f, 1, 2))


def diagonalize(
    fock_matrix: Float[Array, "spin basis basis"], frame: Float[Array, "basis n"]
) -> tuple[Float[Array, "spin n"], Float[Array, "spin basis n"]]:
    """Orbital energies [Ha] and molecular orbitals of a Fock matrix, in an orthonormal frame of the basis."""
    projected = jnp.einsum("bn,sbc,cm->snm", frame, fock_matrix, frame)
    energies, vectors = jnp.linalg.eigh(projected)
    return energies, frame @ vectors


def occupied_matrix(
    mo_coeff: Float[Array, "spin basis n"], counts: tuple[int, ...]
) -> Float[Array, "spin basis basis"]:
    """Density matrices of the lowest orbitals; two electrons in each if there is one channel."""
    occupation = 2.0 if len(counts) == 1 else 1.0
    return jnp.stack([occupation * c[:, :n] @ c[:, :n].T for c, n in zip(mo_coeff, counts, strict=True)])


@dataclasses.dataclass(frozen=True)
class SCFResult:
    """Outcome of a self-consistent calculation."""

    converged: bool
    cycles: int
    energies: dict[str, float]
    mo_energy: np.ndarray
    mo_coeff: Array


def solve(
    energy: MatrixEnergy,
    overlap: Float[Array, "basis basis"],
    frame: Float[Array, "basis n"],
    matrix: Float[Array, "spin basis basis"],
    counts: tuple[int, ...],
    *,
    energy_tolerance: float = 1e-10,
    gradient_tolerance: float = 3e-7,
    cycles: int = 100,
    memory: int = 8,
) -> SCFResult:
    r"""Self-consistent orbitals by Pulay's DIIS on the commutator $FDS - SDF$.

    Args:
        energy: the functional on a grid.
        overlap: of the basis.
        frame: an orthonormal frame of the basis.
        matrix: spin density matrices to start from.
        counts: occupied orbitals of each channel.
        energy_tolerance: largest change of the energy in the last cycle [Ha].
        gradient_tolerance: largest norm of the commutator in the orthonormal frame [Ha].
        cycles: Fock matrices to build at most.
        memory: Fock matrices that DIIS combines.

    References:
        Pulay, J. Comput. Chem. 3, 556 (1982).
    """
    focks: list[Array] = []
    errors: list[Array] = []
    before, energies, converged = np.inf, {}, False
    mo_energy, mo_coeff, cycle = jnp.zeros(0), matrix, 0
    while cycle < cycles and not converged:
        cycle += 1
        energies, f = fock(energy, matrix)
        error = jnp.einsum("bn,sbc,scd,de,em->snm", frame, f, matrix, overlap, frame)
        error = error - jnp.swapaxes(error, 1, 2)
        focks, errors = [*focks, f][-memory:], [*errors, error][-memory:]
        mo_energy, mo_coeff = diagonalize(_extrapolate(focks, errors), frame)
        total = float(energies["total"])
        converged = abs(total - before) < energy_tolerance and float(jnp.linalg.norm(error)) < gradient_tolerance
        if not converged:
            before, matrix = total, occupied_matrix(mo_coeff, counts)
    values = {name: float(value) for name, value in energies.items()}
    return SCFResult(converged, cycle, values, np.asarray(mo_energy), mo_coeff)


def _extrapolate(focks: list[Array], errors: list[Array]) -> Array:
    """The combination of Fock matrices with weights of sum one whose error vector is smallest."""
    n = len(focks)
    flat = jnp.stack([e.reshape(-1) for e in errors])
    b = np.zeros((n + 1, n + 1))
    b[:n, :n] = np.asarray(flat @ flat.T)
    b[:n, :n] /= max(b[n - 1, n - 1], 1e-300)
    b[n, :n] = b[:n, n] = 1.0
    weights = np.linalg.lstsq(b, np.append(np.zeros(n), 1.0), rcond=1e-14)[0][:n]
    return jnp.einsum("k,ksbc->sbc", jnp.asarray(weights), jnp.stack(focks))
