"""Molecules: nuclei, charge and spin.

Positions are data that JAX can differentiate; everything else is fixed when a function is compiled.
"""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
from jax.core import Tracer

from nnks.geometries import lookup
from nnks.geometries.elements import NUMBERS
from nnks.geometries.entry import hill_formula
from nnks.geometries.parse import is_inline, parse_inline, read_xyz, unit_length
from nnks.registry import InputError
from nnks.types import Array, Float, Int, field, record, static
from nnks.units import BOHR_IN_ANGSTROM

CLOSEST = 0.1
"""Nuclei closer than this [Bohr] are taken for a mistake: their repulsion exceeds any chemical energy scale,
and at zero distance it is infinite."""


@record
class Molecule:
    """Nuclei in space with a number of electrons.

    Attributes:
        positions: of the nuclei [Bohr].
        symbols: of the elements.
        charge: of the molecule, in units of the elementary charge.
        spin: n_up - n_down, not negative.
        name: for tables and errors.

    Raises:
        InputError: if the arguments contradict each other or describe nothing physical.

    Example:
        >>> molecule = Molecule.from_spec("water")
        >>> molecule.formula, molecule.nelec
        ('H2O', (5, 5))
    """

    positions: Float[Array, "atoms 3"] = field()
    symbols: tuple[str, ...] = static()
    charge: int = static(default=0)
    spin: int = static(default=0)
    name: str = static(default="molecule")

    def __post_init__(self) -> None:
        _check_symbols(self.symbols, self.name)
        if not isinstance(self.positions, Tracer):  # under jit and grad only the shape is known
            _check_positions(np.asarray(self.positions), self.symbols, self.name)
        _check_electrons(int(self.charges.sum()) - self.charge, self.charge, self.spin, self.name)

    @classmethod
    def from_spec(
        cls, spec: str, unit: str = "angstrom", charge: int | None = None, spin: int | None = None
    ) -> Molecule:
        """The molecule that a config names.

        Args:
            spec: a name of the library, the path of a file that ends in `.xyz`, or atoms in PySCF's inline
                form `"O 0 0 0; H 0 0 0.96; H 0.93 0 -0.24"`.
            unit: of the coordinates in a file or inline, `"angstrom"` or `"bohr"`; the library knows its own.
            charge: of the molecule; None for a neutral one.
            spin: n_up - n_down; None for the ground state of a neutral molecule from the library, and
                otherwise for the lowest value that the number of electrons permits, 0 or 1.

        Raises:
            InputError: if no molecule can be made of this, with the place that is wrong.
        """
        unit_length(unit)  # a wrong unit is refused even where the library does not need it
        spec, hint = spec.strip(), None
        if not spec:
            raise InputError(
                "system.molecule is empty; expected a library name, an .xyz path, or inline atoms; write "
                "for example 'water'."
            )
        if spec.lower().endswith(".xyz"):
            geometry, name = read_xyz(spec, unit), Path(spec).stem
        elif is_inline(spec):
            geometry = parse_inline(spec, unit)
            name = hill_formula(geometry.symbols)
        else:
            entry = lookup(spec)
            geometry, name, hint = entry.build(), entry.name, entry.spin
        charge = charge or 0
        if spin is None:
            electrons = sum(NUMBERS[s] for s in geometry.symbols) - charge
            spin = hint if hint is not None and charge == 0 else electrons % 2
        # put on the device: `jnp.asarray` compiles a program
        return cls(jax.device_put(np.asarray(geometry.positions)), geometry.symbols, charge, spin, name)

    @property
    def natoms(self) -> int:
        """Number of nuclei."""
        return len(self.symbols)

    @property
    def charges(self) -> Int[np.ndarray, " atoms"]:
        """Nuclear charges; static data."""
        return np.array([NUMBERS[s] for s in self.symbols])

    @property
    def nelec(self) -> tuple[int, int]:
        """Numbers of electrons, (n_up, n_down)."""
        electrons = int(self.charges.sum()) - self.charge
        return (electrons + self.spin) // 2, (electrons - self.spin) // 2

    @property
    def formula(self) -> str:
        """The formula in Hill's order, without the charge."""
        return hill_formula(self.symbols)

    def to_xyz(self) -> str:
        """The text of an xyz file [angstrom]; its comment line states name, charge and spin."""
        angstrom = np.asarray(self.positions, dtype=np.float64) * BOHR_IN_ANGSTROM
        rows = zip(self.symbols, angstrom, strict=True)
        atoms = (f"{symbol:<2} {x:20.12f} {y:20.12f} {z:20.12f}" for symbol, (x, y, z) in rows)
        comment = f"{self.name} charge={self.charge} spin={self.spin}"
        return "\n".join([str(self.natoms), comment, *atoms]) + "\n"


def _check_symbols(symbols: tuple[str, ...], name: str) -> None:
    for symbol in symbols:
        if symbol not in NUMBERS:
            raise InputError(
                f"molecule '{name}' has an atom '{symbol}', which is not an element; expected symbols such "
                "as 'O' and 'Cl'; Molecule.from_spec also takes labels and nuclear charges."
            )


def _check_positions(positions: np.ndarray, symbols: tuple[str, ...], name: str) -> None:
    if positions.shape != (len(symbols), 3) or not symbols:
        raise InputError(
            f"molecule '{name}' has {len(symbols)} symbols and positions of shape {positions.shape}; "
            "expected at least one symbol and shape (atoms, 3); give one row [Bohr] for each symbol."
        )
    if not np.isfinite(positions).all():
        atom = int(np.flatnonzero(~np.isfinite(positions).all(axis=1))[0])
        raise InputError(
            f"molecule '{name}' has atom {atom + 1} ({symbols[atom]}) at {positions[atom].tolist()}; "
            "expected finite coordinates; check what computed them."
        )
    distances = np.linalg.norm(positions[:, None] - positions, axis=-1) + np.diag(np.full(len(symbols), np.inf))
    a, b = np.unravel_index(distances.argmin(), distances.shape)
    if distances[a, b] < CLOSEST:
        raise InputError(
            f"molecule '{name}' has atoms {a + 1} ({symbols[a]}) and {b + 1} ({symbols[b]}) at a distance of "
            f"{distances[a, b]:.3g} Bohr; expected at least {CLOSEST} Bohr; check the coordinates and "
            "system.unit."
        )


def _check_electrons(electrons: int, charge: int, spin: int, name: str) -> None:
    if electrons < 1:
        raise InputError(
            f"molecule '{name}' with charge {charge} has {electrons} electrons; expected at least one; use "
            f"a system.charge of at most {charge + electrons - 1}."
        )
    if spin < 0 or spin > electrons or (electrons - spin) % 2:
        parity = "odd" if electrons % 2 else "even"
        raise InputError(
            f"molecule '{name}' has {electrons} electron{'s' if electrons > 1 else ''}, which cannot have "
            f"spin {spin} (n_up - n_down); use an {parity} system.spin such as {electrons % 2}, at most "
            f"{electrons}."
        )
