"""What is computed: the molecule, its basis and its grid, brought from a config into records."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import jax
import numpy as np
import psutil

from nnks.ansatz import ANSATZE
from nnks.basis import BasisOnPoints, BasisTable, GaussianBasis, tabulate
from nnks.basis.integrals import Integrals
from nnks.basis.learned import LearnedBasis, LearnedSet
from nnks.blocks import BasisBlocks, make_blocks
from nnks.config import ConfigDict
from nnks.coulomb import (
    ExactCoulomb,
    FittedCoulomb,
    PoissonCoulomb,
    StreamedCoulomb,
    TabulatedCoulomb,
    fitting_potentials,
    make_poisson,
    make_streamed,
    make_tabulated,
)
from nnks.functional.hartree import ClosedAtoms, FittedAtoms, Promolecule, closed_atoms, fitted_atoms, make_promolecule
from nnks.interop import basis_sets, coulomb
from nnks.interop import pyscf as interop
from nnks.molecule import Molecule
from nnks.quadrature import Grid
from nnks.registry import InputError, shown
from nnks.scf import filling
from nnks.setup.learned import check_elements, frozen, goes_on, trained_set
from nnks.types import Array, Float

INDEPENDENT = 1e-10
"""What a function must add to those before it where potentials come from tables: above what interpolation leaves."""


@dataclasses.dataclass(frozen=True)
class System:
    """What the config's `system`, `quadrature` and `functional` name, brought into records."""

    config: ConfigDict
    molecule: Molecule
    mole: Any
    restricted: bool
    grid: Grid
    gaussian: bool
    learned: LearnedSet | None = None
    """The basis of orbitals that are combinations of a learned set's functions as they are."""
    orbitals: int = 0
    """Room for so many orbitals of each spin, if more than are occupied."""
    trained_on: tuple[Mapping[str, Any], ...] = ()
    """The molecules that a learned set which exists already was trained on."""
    _blocks: dict[tuple[int, int], tuple[Grid, BasisBlocks]] = dataclasses.field(default_factory=dict, repr=False)
    _fitted: dict[str, FittedCoulomb] = dataclasses.field(default_factory=dict, repr=False)
    _tabulated: dict[tuple[str, int], tuple[Grid, TabulatedCoulomb]] = dataclasses.field(
        default_factory=dict, repr=False
    )
    _auxiliary: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    _streamed: dict[tuple[str, int], tuple[Grid, StreamedCoulomb, FittedAtoms]] = dataclasses.field(
        default_factory=dict, repr=False
    )

    make_grid: ClassVar[Callable[..., Grid]] = staticmethod(interop.becke_grid)
    """What makes a grid of a molecule and settings."""

    @property
    def nocc(self) -> tuple[int, ...]:
        """Occupied orbitals of each spin channel."""
        up, down = self.molecule.nelec
        return (up,) if self.restricted else (up, down)

    @property
    def fixed(self) -> bool:
        """Whether orbitals are combinations of functions that no parameter changes, Gaussian or learned."""
        return self.gaussian or self.learned is not None

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each orbital; the rest of a smaller channel is empty, as is what other systems need."""
        return filling(self.nocc, max(self.nocc), self.orbitals)

    @property
    def charges(self) -> Float[Array, " atoms"]:
        """Nuclear charges."""
        return jax.device_put(np.asarray(self.molecule.charges, float))

    def one_electron(self) -> Integrals:
        """Overlap, kinetic energy and nuclear attraction in the basis."""
        return interop.one_electron_integrals(self.mole)

    def dipole(self) -> Float[Array, "3 basis basis"]:
        """The position, from the origin of the coordinates, in the basis [Bohr]."""
        return interop.dipole_integrals(self.mole)

    def exact(self) -> ExactCoulomb:
        """The Coulomb operator by four-center integrals.

        Raises:
            InputError: if they take more memory than is allowed.
        """
        coulomb.check_exact(self.mole)
        return ExactCoulomb(coulomb.coulomb_integrals(self.mole))

    def promolecule(self) -> Promolecule:
        """The free atoms that the molecule is made of."""
        return make_promolecule(np.asarray(self.molecule.positions), interop.atomic_charges(self.mole))

    def poisson(self, grid: Grid) -> tuple[PoissonCoulomb, ClosedAtoms]:
        """The Coulomb operator by Poisson's equation on a grid, and the free atoms that a density leaves to it less."""
        operator = make_poisson(grid, np.asarray(self.molecule.positions), interop.angular_degrees())
        return operator, closed_atoms(self.promolecule(), grid)

    def auxiliary(self, name: str) -> Any:
        """A fitting set for the molecule, made once.

        Raises:
            InputError: for one that does not exist for its elements.
        """
        if name not in self._auxiliary:
            self._auxiliary[name] = coulomb.auxiliary_mole(self.mole, name)
        return self._auxiliary[name]

    def tabulated(self, auxiliary: str, grid: Grid) -> TabulatedCoulomb:
        """The Coulomb operator by fitting on a grid, with a table of potentials, made once for each grid and set."""
        key = auxiliary, id(grid)
        if key not in self._tabulated:
            auxmole = self.auxiliary(auxiliary)
            potentials = coulomb.auxiliary_potentials(auxmole, np.asarray(grid.points))
            self._tabulated[key] = grid, make_tabulated(coulomb.auxiliary_metric(auxmole), potentials)
        return self._tabulated[key][1]

    def fitted(self, auxiliary: str) -> FittedCoulomb:
        """The Coulomb operator by fitting in the basis, whose integrals are computed once for each fitting set."""
        if auxiliary not in self._fitted:
            self._fitted[auxiliary] = coulomb.fitted_coulomb(self.mole, self.auxiliary(auxiliary))
        return self._fitted[auxiliary]

    def holds_fitted(self, auxiliary: str) -> bool:
        """Whether those integrals are held, or fit the memory that is allowed."""
        return auxiliary in self._fitted or self.fitted_bytes(auxiliary) <= self.memory

    def fitting_functions(self, auxiliary: str) -> int:
        """Functions of a fitting set, before those that depend on others are left out."""
        return self.auxiliary(auxiliary).nao

    def fitted_bytes(self, auxiliary: str) -> int:
        """What those integrals take."""
        return coulomb.fitted_bytes(self.mole, self.auxiliary(auxiliary))

    def streamed(self, auxiliary: str, grid: Grid) -> tuple[StreamedCoulomb, FittedAtoms]:
        """The Coulomb operator by fitting on a grid without a table, and the free atoms as the set fits them.

        Made once for each grid and fitting set.
        """
        key = auxiliary, id(grid)
        if key not in self._streamed:
            auxmole, atoms = self.auxiliary(auxiliary), self.promolecule()
            factor, kept = coulomb.metric_factor(auxmole, INDEPENDENT)
            operator = make_streamed(fitting_potentials(interop.gaussian_basis(auxmole)), factor, kept, grid)
            projections = coulomb.charge_integrals(auxmole, atoms.centers, atoms.exponents, atoms.charges)
            self._streamed[key] = grid, operator, fitted_atoms(atoms, grid, operator, projections)
        return self._streamed[key][1:]

    def blocks(self, grid: Grid, order: int) -> BasisBlocks:
        """The basis on a grid in blocks, made once for each grid."""
        key = id(grid), order
        if key not in self._blocks:
            self._blocks[key] = grid, self.make_blocks(grid, order)
        return self._blocks[key][1]

    def make_blocks(self, grid: Grid, order: int) -> BasisBlocks:
        """The same, made now."""
        settings = {"order": order, "memory": self.memory, "devices": self.devices}
        return make_blocks(self.functions(), grid.points, grid.weights, **settings)

    def functions(self) -> GaussianBasis | LearnedBasis:
        """The basis that fixed orbitals lie in."""
        if self.learned is None:
            return self.basis()
        return self.learned.of(self.molecule.symbols, jax.device_put(np.asarray(self.molecule.positions, float)))

    def basis(self) -> GaussianBasis:
        """The Gaussian basis."""
        return interop.gaussian_basis(self.mole, self.config.system.basis)

    def table(self, grid: Grid, order: int) -> BasisTable | BasisOnPoints:
        """The basis on a grid from which batches are taken.

        Evaluated at every use if a table does not fit the memory.
        """
        basis = self.functions()
        if self.table_bytes(grid, order) > self.memory:
            return BasisOnPoints(basis, grid.points, order)
        return tabulate(basis, grid.points, order=order)

    def table_bytes(self, grid: Grid, order: int) -> int:
        """What a table of the basis takes, with gradients if `order` is 1."""
        return 8 * (1 + 3 * order) * grid.size * self.functions().size

    @property
    def devices(self) -> int:
        """Over how many the points of a grid are spread."""
        asked = self.config.training.devices
        return jax.device_count() if asked is None else asked

    @property
    def memory(self) -> float:
        """Bytes that each table may take: of the basis or of potentials on a grid, or of integrals."""
        asked = self.config.quadrature.memory
        return 0.5 * free_memory() if asked is None else 1e9 * asked


S = TypeVar("S", bound=System)


def free_memory() -> float:
    """Bytes that are free, in the host's memory and, where tables lie in one of its own, in an accelerator's."""
    device = jax.local_devices()[0].memory_stats() or {}  # None on a CPU
    free = device.get("bytes_limit", math.inf) - device.get("bytes_in_use", 0)
    return float(min(psutil.virtual_memory().available, free))


def total_memory() -> float:
    """Bytes of the host, or of an accelerator where tables lie in its own if it has fewer."""
    device = jax.local_devices()[0].memory_stats() or {}  # None on a CPU
    host = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(host, device.get("bytes_limit", math.inf))


def make_system(config: ConfigDict, kind: type[S] = System) -> S:
    """The molecule, its basis and its grid.

    Args:
        config: every key of it.
        kind: `System`, or `Outline` for one of shapes alone.

    Raises:
        InputError: for an unknown molecule or basis, impossible spin, coincident atoms, a bad grid.
    """
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    restricted = molecule.spin == 0 if s.restricted is None else s.restricted
    if restricted and molecule.spin != 0:
        raise InputError(
            f"system.restricted is true, but {molecule.formula} has spin {molecule.spin} (n_up - n_down) and nnks has "
            "no restricted open shells; set system.restricted to false."
        )
    mole = interop.make_mole(molecule, s.basis)
    if max(molecule.nelec) > mole.nao:
        raise InputError(
            f"system.basis {shown(basis_sets.label(s.basis))} has {mole.nao} functions for {molecule.formula}, fewer "
            f"than its {max(molecule.nelec)} occupied orbitals; choose a larger basis."
        )
    q = config.quadrature
    if q.memory is not None and not q.memory >= 0:
        raise InputError(
            f"quadrature.memory is {q.memory} GB; it must be zero or positive, or None for half of what is free."
        )
    if q.memory is not None and 1e9 * q.memory > total_memory():
        raise InputError(
            f"quadrature.memory is {q.memory} GB and this machine has {1e-9 * total_memory():.3g} GB; choose less, or "
            "None for half of what is free."
        )
    if s.molecules:
        raise InputError(
            f"system.molecules names several, {shown(s.molecules)}, where a command takes one molecule; use "
            "system.molecule."
        )
    grid = kind.make_grid(mole, q.level, q.pruning or None, q.radial, q.angular)
    gaussian = hasattr(ANSATZE[config.ansatz.name].make, "coordinates")
    learned, trained_on = None, ()
    if frozen(config):
        learned, trained_on = trained_set(config)
        check_elements(learned, molecule.symbols, molecule.name)
    elif goes_on(config):
        trained_on = trained_set(config)[1]
    return kind(config, molecule, mole, restricted, grid, gaussian, learned, trained_on=trained_on)
