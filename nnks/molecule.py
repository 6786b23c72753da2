"""Molecules: nuclei, charge and spin.

Positions are data that JAX can differentiate; everything else is fixed when a function is compiled.
"""

from __future__ import annotations

import jax
import numpy as np
from jax.core import Tracer

from nnks.geometries import lookup
from nnks.geometries.comment import write_comment
from nnks.geometries.elements import NUMBERS
from nnks.geometries.embed import embedded, identity_text, notices, short_name
from nnks.geometries.entry import hill_formula
from nnks.geometries.parse import read_written
from nnks.geometries.quantities import canonical_unit
from nnks.registry import InputError, shown
from nnks.types import Array, Float, Int, T, field, record, static
from nnks.units import BOHR_IN_ANGSTROM

__all__ = ["CLOSEST", "Molecule", "canonical_unit", "embedded", "identity_text", "lost_spin", "notices", "short_name"]

FEW = 500
"""Atoms up to which all distances between them are computed to find the smallest."""

CLOSEST = 0.1
"""Nuclei closer than this [Bohr] are taken for a mistake: their repulsion exceeds any chemical energy scale,
and at zero distance it is infinite."""


HIGHEST_CHARGE = 10_000
"""Charges of this size are taken for a mistake."""


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
            spec: a name of the library, the path of a file that ends in `.xyz`, atoms in PySCF's inline form
                `"O 0 0 0; H 0 0 0.96; H 0.93 0 -0.24"`, or the text of an xyz file.
            unit: of the coordinates in a file or inline, `"angstrom"` or `"bohr"`; the library knows its own.
            charge: of the molecule; None for what the xyz file's comment line states, else a neutral one.
            spin: n_up - n_down; None for what the comment line states, the ground state of a neutral molecule from
                the library, and otherwise for the lowest value that the number of electrons permits, 0 or 1.

        Raises:
            InputError: if no molecule can be made of this, with the place that is wrong.
        """
        unit = canonical_unit(unit)  # a wrong unit is refused even where the library does not need it
        if not spec.strip():
            raise InputError(
                "system.molecule is empty; expected a library name, an .xyz path, or inline atoms; write "
                "for example 'water'."
            )
        written = read_written(spec)
        if written is None:
            entry = lookup(spec.strip())
            geometry, name, hint = entry.build(), entry.name, entry.spin
        else:
            geometry, hint, stated = written.geometry(unit), None, written.comment
            name = stated.name or hill_formula(geometry.symbols)
            _agreed(unit, stated.unit, "unit", written.source)
            charge = _agreed(charge, stated.charge, "charge", written.source)
            spin = _agreed(spin, stated.spin, "spin", written.source)
            if spin is not None and spin == stated.spin:
                _check_stated_spin(sum(NUMBERS[s] for s in geometry.symbols) - (charge or 0), spin, written.source)
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
        comment = write_comment(self.name, self.charge, self.spin)
        return "\n".join([str(self.natoms), comment, *atoms]) + "\n"


def _agreed(asked: T | None, stated: T | None, what: str, source: str) -> T | None:
    """What a config and a file's comment line say together."""
    if asked is not None and stated is not None and asked != stated:
        raise InputError(
            f"{source} states {what} {stated} in its comment line, and system.{what} is {shown(asked)}; expected one "
            f"value; set system.{what} to {stated}, or correct the comment line."
        )
    return stated if asked is None else asked


def _check_stated_spin(electrons: int, spin: int, source: str) -> None:
    if electrons > 0 and (electrons - spin) % 2:
        raise InputError(
            f"{source} states spin {spin} in its comment line, which {electrons} electrons cannot have; expected "
            f"n_up - n_down, an {'odd' if electrons % 2 else 'even'} number (the multiplicity less one); correct "
            "charge, spin or multiplicity there."
        )


def _check_symbols(symbols: tuple[str, ...], name: str) -> None:
    for symbol in symbols:
        if symbol not in NUMBERS:
            raise InputError(
                f"molecule {shown(name)} has an atom {shown(symbol)}, which is not an element; expected symbols such "
                "as 'O' and 'Cl'; Molecule.from_spec also takes labels and nuclear charges."
            )


def _check_positions(positions: np.ndarray, symbols: tuple[str, ...], name: str) -> None:
    if positions.shape != (len(symbols), 3) or not symbols:
        raise InputError(
            f"molecule {shown(name)} has {len(symbols)} symbols and positions of shape {positions.shape}; "
            "expected at least one symbol and shape (atoms, 3); give one row [Bohr] for each symbol."
        )
    if not np.isfinite(positions).all():
        atom = int(np.flatnonzero(~np.isfinite(positions).all(axis=1))[0])
        raise InputError(
            f"molecule {shown(name)} has atom {atom + 1} ({symbols[atom]}) at {positions[atom].tolist()}; "
            "expected finite coordinates; check what computed them."
        )
    if len(symbols) > 1 and (closest := _closest(positions))[2] < CLOSEST:
        (a, b), distance = sorted(closest[:2]), closest[2]
        raise InputError(
            f"molecule {shown(name)} has atoms {a + 1} ({symbols[a]}) and {b + 1} ({symbols[b]}) at a distance of "
            f"{distance:.3g} Bohr; expected at least {CLOSEST} Bohr; check the coordinates and system.unit."
        )


def _closest(positions: Float[np.ndarray, "atoms 3"]) -> tuple[int, int, float]:
    """Two atoms that are closer to each other than all others are, and their distance [Bohr]."""
    if len(positions) <= FEW:
        distances = np.linalg.norm(positions[:, None] - positions, axis=-1)
        np.fill_diagonal(distances, np.inf)
        first, other = (int(n) for n in np.unravel_index(distances.argmin(), distances.shape))
        return first, other, float(distances[first, other])
    from scipy.spatial import KDTree  # takes a third of a second, which small molecules need not wait for

    distances, neighbors = KDTree(positions).query(positions, k=2)  # of each atom itself and the nearest other
    first = int(distances[:, 1].argmin())
    other = next(n for n in np.asarray(neighbors)[first].tolist() if n != first)  # atoms at one point come in any order
    return first, other, float(distances[first, 1])


def _check_electrons(electrons: int, charge: int, spin: int, name: str) -> None:
    if abs(charge) > HIGHEST_CHARGE:
        raise InputError(
            f"molecule {shown(name)} has charge {shown(charge)}; expected at most {HIGHEST_CHARGE} in size; correct "
            "system.charge."
        )
    if electrons < 1:
        raise InputError(
            f"molecule {shown(name)} with charge {shown(charge)} has {shown(electrons)} electrons; expected at least "
            f"one; use a system.charge of at most {charge + electrons - 1}."
        )
    if spin < 0 or spin > electrons or (electrons - spin) % 2:
        parity = "odd" if electrons % 2 else "even"
        raise InputError(
            f"molecule {shown(name)} has {electrons} electron{'s' if electrons > 1 else ''}, which cannot have "
            f"spin {shown(spin)} (n_up - n_down); use an {parity} system.spin such as {electrons % 2}, at most "
            f"{electrons}."
        )


SUBSHELLS = [
    "1s",
    "2s",
    "2p",
    "3s",
    "3p",
    "4s",
    "3d",
    "4p",
    "5s",
    "4d",
    "5p",
    "6s",
    "4f",
    "5d",
    "6p",
    "7s",
    "5f",
    "6d",
    "7p",
]
"""In the order in which neutral atoms fill them (Madelung's rule)."""

PLACES = {"s": 2, "p": 6, "d": 10, "f": 14}
"""Electrons that a subshell takes."""


def hund_spin(nelec: int) -> int:
    """n_up - n_down of an atom by Madelung's order of subshells and Hund's first rule; a handful of metals differ.

    Example:
        >>> [hund_spin(n) for n in (1, 6, 7, 8, 10, 26)]
        [1, 2, 3, 2, 0, 4]
    """
    for subshell in SUBSHELLS:
        capacity = PLACES[subshell[-1]]
        if nelec <= capacity:
            return min(nelec, capacity - nelec)
        nelec -= capacity
    return nelec % 2


def lost_spin(spec: str, molecule: Molecule) -> str:
    """The sentence for a spin that nobody gave and that is likely not the ground state's.

    Empty where there is nothing to say.

    The lowest spin is taken for charged molecules of the library, whose known spin is the neutral one's, and for atoms
    in coordinates, which obey Hund's rule instead.

    Args:
        spec: the config's `system.molecule`, which leaves the spin open.
        molecule: what was made of it.
    """
    written = read_written(spec)
    if written is not None and written.comment.spin is not None:
        return ""
    neutral = lookup(spec.strip()).spin if written is None else None
    if neutral is not None and molecule.charge == 0:
        return ""
    if molecule.natoms == 1:
        likely, why = hund_spin(sum(molecule.nelec)), "Hund's rule"
    elif neutral is not None and neutral > 1:
        likely, why = neutral, "the neutral molecule"
    else:
        return ""
    if likely == molecule.spin:
        return ""
    return (
        f"{molecule.name}{f' with charge {molecule.charge:+d}' if molecule.charge else ''} gets spin {molecule.spin}, "
        f"the lowest that its electrons permit, and {why} has {likely}; set system.spin (n_up - n_down) if that is not "
        "meant."
    )
