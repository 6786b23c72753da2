"""What is computed: the molecule, its basis and its grid, brought from a config into records."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import jax
import numpy as np
import psutil

from nnks.ansatz import ANSATZE
from nnks.basis import BasisOnPoints, BasisTable, tabulate
from nnks.basis.integrals import FittedCoulomb
from nnks.blocks import BasisBlocks, make_blocks
from nnks.config import ConfigDict
from nnks.functional.hartree import StreamedFittedHartree, fitting_potentials, make_promolecule, make_streamed
from nnks.interop import coulomb
from nnks.interop import pyscf as interop
from nnks.molecule import Molecule, notices
from nnks.quadrature import Grid
from nnks.registry import InputError
from nnks.scf import filling
from nnks.tracking import warn
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
    _blocks: dict[tuple[int, int], tuple[Grid, BasisBlocks]] = dataclasses.field(default_factory=dict, repr=False)
    _fitted: dict[str, FittedCoulomb] = dataclasses.field(default_factory=dict, repr=False)
    _streamed: dict[tuple[str, int], tuple[Grid, StreamedFittedHartree]] = dataclasses.field(
        default_factory=dict, repr=False
    )

    @property
    def counts(self) -> tuple[int, ...]:
        """Occupied orbitals of each spin channel."""
        up, down = self.molecule.nelec
        return (up,) if self.restricted else (up, down)

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each orbital; the rest of a smaller channel is empty."""
        return filling(self.counts, max(self.counts))

    def fitted(self, auxiliary: str) -> FittedCoulomb:
        """The fitted Coulomb energy in the basis, whose integrals are computed once for each fitting set."""
        if auxiliary not in self._fitted:
            self._fitted[auxiliary] = coulomb.fitted_coulomb(self.mole, coulomb.auxiliary_mole(self.mole, auxiliary))
        return self._fitted[auxiliary]

    def holds_fitted(self, auxiliary: str) -> bool:
        """Whether those integrals are held, or fit the memory that is allowed."""
        return auxiliary in self._fitted or self.fitted_bytes(auxiliary) <= self.memory

    def fitted_bytes(self, auxiliary: str) -> int:
        """What those integrals take."""
        return coulomb.fitted_bytes(self.mole, coulomb.auxiliary_mole(self.mole, auxiliary))

    def streamed(self, auxiliary: str, grid: Grid) -> StreamedFittedHartree:
        """The Hartree energy fitted on a grid without integrals or a table, made once for each grid and fitting set."""
        key = auxiliary, id(grid)
        if key not in self._streamed:
            auxmole = coulomb.auxiliary_mole(self.mole, auxiliary)
            potentials = fitting_potentials(interop.gaussian_basis(auxmole))
            factor, kept = coulomb.metric_factor(auxmole, INDEPENDENT)
            atoms = make_promolecule(np.asarray(self.molecule.positions), interop.atomic_charges(self.mole))
            offset = coulomb.charge_integrals(auxmole, atoms.centers, atoms.exponents, atoms.charges)
            self._streamed[key] = grid, make_streamed(potentials, factor, kept, atoms, offset, grid)
        return self._streamed[key][1]

    def blocks(self, grid: Grid, order: int) -> BasisBlocks:
        """The basis on a grid in blocks, made once for each grid."""
        key = id(grid), order
        if key not in self._blocks:
            basis = interop.gaussian_basis(self.mole, self.config.system.basis)
            self._blocks[key] = (
                grid,
                make_blocks(basis, grid.points, grid.weights, order=order, memory=self.memory, devices=self.devices),
            )
        return self._blocks[key][1]

    def table(self, grid: Grid, order: int) -> BasisTable | BasisOnPoints:
        """The basis on a grid from which batches are taken; evaluated at every use if a table does not fit the memory."""
        basis = interop.gaussian_basis(self.mole, self.config.system.basis)
        if 8 * (1 + 3 * order) * grid.size * basis.size > self.memory:
            return BasisOnPoints(basis, grid.points, order)
        return tabulate(basis, grid.points, order=order)

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


def free_memory() -> float:
    """Bytes that are free, in the host's memory and, where tables lie in one of its own, in an accelerator's."""
    device = jax.local_devices()[0].memory_stats() or {}  # None on a CPU
    free = device.get("bytes_limit", math.inf) - device.get("bytes_in_use", 0)
    return float(min(psutil.virtual_memory().available, free))


@functools.cache
def _warn_once(notice: str) -> None:
    """A sweep builds the same molecule many times."""
    warn(notice)


def make_system(config: ConfigDict) -> System:
    """The molecule, its basis and its grid.

    Raises:
        InputError: for an unknown molecule or basis, impossible spin, coincident atoms, a bad grid.
    """
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    for notice in notices(s.molecule):
        _warn_once(notice)
    restricted = molecule.spin == 0 if s.restricted is None else s.restricted
    if restricted and molecule.spin != 0:
        raise InputError(
            f"system.restricted is true, but {molecule.formula} has spin {molecule.spin} (n_up - n_down) and nnks has no "
            "restricted open shells; set system.restricted to false."
        )
    mole = interop.make_mole(molecule, s.basis)
    if max(molecule.nelec) > mole.nao:
        raise InputError(
            f"system.basis '{s.basis}' has {mole.nao} functions for {molecule.formula}, fewer than its "
            f"{max(molecule.nelec)} occupied orbitals; choose a larger basis."
        )
    q = config.quadrature
    if q.memory is not None and not q.memory >= 0:
        raise InputError(
            f"quadrature.memory is {q.memory} GB; it must be zero or positive, or None for half of what is free."
        )
    grid = interop.becke_grid(mole, q.level, q.pruning or None, q.radial, q.angular)
    gaussian = hasattr(ANSATZE[config.ansatz.name].make, "coordinates")
    return System(config, molecule, mole, restricted, grid, gaussian)
