"""A system before anything of it is computed: the same shapes, and no integrals, partition, tables or guess."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz import Start
from nnks.basis import BasisOnPoints, BasisTable
from nnks.basis.integrals import Integrals
from nnks.basis.screening import BLOCK
from nnks.blocks import BasisBlocks
from nnks.blocks.base import Block
from nnks.config import ConfigDict
from nnks.coulomb import AtPoints, ExactCoulomb, FittedCoulomb, TabulatedCoulomb
from nnks.interop import coulomb
from nnks.interop import pyscf as interop
from nnks.orthogonalize.basis_frame import independent
from nnks.quadrature import Grid, Sampler, make_sampler
from nnks.setup.system import System
from nnks.types import Array, Float, Scalar, record, static


@record
class UncomputedCoulomb(AtPoints):
    """A Coulomb operator of which only what it holds is known, and that its energy is a number.

    Attributes:
        metric: of the fitting functions, if it has any.
        words: what `holds` says.
    """

    metric: Float[Array, "auxiliary auxiliary"] | None = None
    words: str = static(default="")

    @property
    def holds(self) -> str:
        """What will be held in memory."""
        return self.words

    def energy(self, x: Any, y: Any) -> Scalar:
        """The shape of an energy."""
        return jnp.zeros(())

    def potential(self, charge: Any, at: Any = None) -> Float[Array, " places"]:
        """The shape of a potential."""
        return jnp.zeros(len(charge.density if at is None else at))


class Outline(System):
    """The system of a config, every array of which has a shape and no values.

    What is built of it is what is built of a `System`, by the same functions and with the same refusals, while JAX
    traces (`jax.eval_shape`), where an array of zeros takes neither memory nor time. Its grid has all points, and
    weights from before space is divided.
    """

    @staticmethod
    def make_grid(*settings: Any, **others: Any) -> Grid:
        """The points of a grid, with weights from before space is divided.

        Samplers and checks of weights read its numbers.
        """
        with jax.ensure_compile_time_eval():
            return interop.becke_grid(*settings, **others, divided=False)

    def computed(self) -> System:
        """The system itself, whose grid is made now."""
        q = self.config.quadrature
        grid = interop.becke_grid(self.mole, q.level, q.pruning or None, q.radial, q.angular)
        return System(self.config, *self._of_molecule(grid))

    def with_config(self, config: ConfigDict) -> Outline:
        """The same molecule, basis and grid for another run."""
        return Outline(config, *self._of_molecule(self.grid))

    def _of_molecule(self, grid: Grid) -> tuple[Any, ...]:
        """All but the config, in the order of the fields."""
        same = self.molecule, self.mole, self.restricted, grid
        return (*same, self.gaussian, self.learned, self.orbitals, self.trained_on)

    def sampler(self, section: Mapping[str, Any]) -> Sampler:
        """The sampler of a section, told of a density that is the same everywhere."""
        with jax.ensure_compile_time_eval():  # one that is made of a grid's numbers
            return make_sampler(section, self.grid, jax.device_put(np.ones(self.grid.size)))

    def one_electron(self) -> Integrals:
        """Shapes of the one-electron integrals."""
        matrix = jnp.zeros((self.mole.nao, self.mole.nao))
        return Integrals(matrix, matrix, matrix)

    def dipole(self) -> Float[Array, "3 basis basis"]:
        """Their shape for the position."""
        return jnp.zeros((3, self.mole.nao, self.mole.nao))

    def start(self) -> Start:
        """Shapes of the first guess; the overlap that decides on the frame's is computed, which takes milliseconds."""
        (spins, orbitals), basis = self.occupations.shape, self.functions()
        n = basis.size if self.learned is not None else independent(interop.overlap(self.mole))
        coordinates = jnp.zeros((spins, n, orbitals))
        frame, charges = jnp.zeros((spins, basis.size, n)), jnp.zeros(self.molecule.natoms)
        return Start(basis, frame, coordinates, coordinates, charges)

    def exact(self) -> ExactCoulomb:
        """The shape of the four-center integrals."""
        coulomb.check_exact(self.mole)
        return ExactCoulomb(jnp.zeros((self._pairs, self._pairs)))

    def poisson(self, grid: Grid) -> Any:
        """Poisson's equation, of which nothing is known before."""
        return UncomputedCoulomb(), None

    def fitted(self, auxiliary: str) -> FittedCoulomb:
        """Shapes of the fitted integrals, at most: dependent fitting functions are left out later."""
        n = self.fitting_functions(auxiliary)
        return FittedCoulomb(jnp.zeros((n, self._pairs)), jnp.zeros((n, n)))

    def tabulated(self, auxiliary: str, grid: Grid) -> TabulatedCoulomb:
        """The shape of the table of potentials, at most."""
        return TabulatedCoulomb(jnp.zeros((grid.size, self.fitting_functions(auxiliary))))

    def streamed(self, auxiliary: str, grid: Grid) -> Any:
        """What is held of a fit without a table, at most."""
        n = self.fitting_functions(auxiliary)
        metric = f"{8e-9 * n * n:.3g} GB for the fitting functions' metric"
        return UncomputedCoulomb(jnp.zeros((n, n)), f" on the quadrature, potentials at every use; {metric}"), None

    def make_blocks(self, grid: Grid, order: int) -> BasisBlocks:
        """The basis on a grid, as if every function reached every block: an upper bound of what is tabulated."""
        basis = self.functions()
        count = math.ceil(math.ceil(grid.size / BLOCK) / self.devices) * self.devices
        block = Block(
            points=jnp.zeros((count, BLOCK, 3)),
            weights=jnp.zeros((count, BLOCK)),
            rows=jnp.zeros((count, BLOCK), int),
            shells=tuple(jnp.zeros((count, shells), int) for shells in basis.shell_counts),
            functions=jnp.zeros((count, basis.size), int),
            values=None,
            gradients=None,
        )
        return BasisBlocks(basis, (block,), grid.size, order, devices=self.devices)

    def table(self, grid: Grid, order: int) -> BasisTable | BasisOnPoints:
        """The shape of a table of the basis, or the basis where a table would not fit."""
        if self.table_bytes(grid, order) > self.memory:
            return BasisOnPoints(self.functions(), grid.points, order)
        shape = grid.size, self.functions().size
        return BasisTable(jnp.zeros(shape), jnp.zeros((3, *shape)) if order else None)

    @property
    def _pairs(self) -> int:
        """Pairs of basis functions."""
        return self.mole.nao * (self.mole.nao + 1) // 2
