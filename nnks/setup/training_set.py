"""What several molecules are trained on: each as it is given, displaced copies of it, and how much each counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from nnks.config import ConfigDict, default_config, override
from nnks.geometries.comment import write_comment
from nnks.geometries.files import is_xyz_text, lines_of
from nnks.molecule import Molecule, short_name
from nnks.registry import InputError, shown
from nnks.setup.several import singles
from nnks.units import ANGSTROM

WEIGHT = re.compile(r"(?<![\w.\-=])weight\s*[=:]\s*(\S+)", re.IGNORECASE)
"""In the comment line of a geometry."""


def training_set(config: ConfigDict) -> list[ConfigDict]:
    """A config of each molecule that is trained on: those that are named, each with its displaced copies after it.

    Raises:
        InputError: for a length of displacements that nothing reads.
    """
    t, given = config.training, default_config().training.displacement
    if not t.displaced and t.displacement != given:
        raise InputError(
            f"training.displacement is {t.displacement}, which nothing would read: no copies are displaced; set "
            f"training.displaced to how many of each molecule, or leave training.displacement at {given}."
        )
    configs = []
    for index, single in enumerate(singles(config)):
        copies = _displaced(single, index, t.displaced, t.displacement)
        configs += [single, *(override(single, {"system.molecule": text}) for text in copies)]
    return configs


def _displaced(config: ConfigDict, index: int, count: int, length: float) -> Iterator[str]:
    """A molecule's displaced copies as texts of xyz files; an atom alone has none.

    Every coordinate of every atom is moved by a normal number, whose standard deviation is `length` [Angstrom]. The
    numbers are those of the run's seed and of the molecule's place, so that a resumed run has the same.
    """
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    if molecule.natoms == 1:
        return
    rng = np.random.default_rng((config.training.seed, index))
    unit = 1.0 if s.unit == "bohr" else ANGSTROM
    for copy in range(count):
        moves = length * ANGSTROM * rng.normal(size=(molecule.natoms, 3))
        moved = (np.asarray(molecule.positions) + moves) / unit
        rows = [f"{a} {x:.6f} {y:.6f} {z:.6f}" for a, (x, y, z) in zip(molecule.symbols, moved, strict=True)]
        comment = write_comment(f"{short_name(s.molecule)}-{copy + 1}", molecule.charge, molecule.spin)
        weight = weight_of(s.molecule)
        yield "\n".join([str(molecule.natoms), f"{comment} weight={weight}" if weight != 1 else comment, *rows])


def weight_of(molecule: str) -> float:
    """How much a molecule counts: `weight=2` in the comment line of its xyz text, else 1.

    Raises:
        InputError: for what is no positive number.
    """
    stated = WEIGHT.search(lines_of(molecule.strip())[1]) if is_xyz_text(molecule) else None
    if stated is None:
        return 1.0
    try:
        weight = float(stated[1])
    except ValueError:
        weight = np.nan
    if not 0 < weight < np.inf:
        raise InputError(
            f"the comment line of {short_name(molecule)} says weight={shown(stated[1])}; expected a positive number, "
            "by which the molecule's energy counts in the training."
        )
    return weight


def weights_of(configs: Sequence[ConfigDict]) -> list[float]:
    """How much each molecule counts."""
    return [weight_of(config.system.molecule) for config in configs]
