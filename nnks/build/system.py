"""What is computed: the molecule, its basis and its grid, brought from a config into records."""

from __future__ import annotations

import dataclasses
from typing import Any

from nnks.ansatz import ANSATZE
from nnks.basis import BasisTable, tabulate
from nnks.config import ConfigDict
from nnks.interop import pyscf as interop
from nnks.molecule import Molecule
from nnks.quadrature import Grid
from nnks.registry import InputError
from nnks.scf import filling
from nnks.types import Array, Float


@dataclasses.dataclass(frozen=True)
class System:
    """What the config's `system`, `quadrature` and `functional` name, brought into records."""

    config: ConfigDict
    molecule: Molecule
    mole: Any
    restricted: bool
    grid: Grid
    gaussian: bool

    @property
    def counts(self) -> tuple[int, ...]:
        """Occupied orbitals of each spin channel."""
        up, down = self.molecule.nelec
        return (up,) if self.restricted else (up, down)

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each orbital; the rest of a smaller channel is empty."""
        return filling(self.counts, max(self.counts))

    def table(self, grid: Grid, order: int) -> BasisTable:
        """The basis on a grid."""
        return tabulate(interop.gaussian_basis(self.mole, self.config.system.basis), grid.points, order=order)


def make_system(config: ConfigDict) -> System:
    """The molecule, its basis and its grid.

    Raises:
        InputError: for an unknown molecule or basis, impossible spin, coincident atoms, a bad grid.
    """
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
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
    grid = interop.becke_grid(mole, q.level, q.pruning or None, q.radial, q.angular)
    gaussian = hasattr(ANSATZE[config.ansatz.name].make, "coordinates")
    return System(config, molecule, mole, restricted, grid, gaussian)
