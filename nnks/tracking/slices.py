"""Slices through the density and the highest occupied orbital, in a run's folder."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from nnks.types import Float

FILE = "slice.npz"
"""In a run's folder."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """Values on a plane; rows go along its second axis.

    Attributes:
        x: positions along the first axis [Bohr].
        y: positions along the second axis [Bohr].
        density: of all electrons [Bohr^-3].
        orbital: the highest occupied one, of the first spin that has any [Bohr^-3/2]; its largest value is positive.
        height: of the plane that the orbital is shown on above that of the density [Bohr]; not zero where it has a node there.
        nuclei: where they lie on the plane, and how far from it [Bohr].
        charges: theirs.
    """

    x: Float[np.ndarray, " columns"]
    y: Float[np.ndarray, " rows"]
    density: Float[np.ndarray, "rows columns"]
    orbital: Float[np.ndarray, "rows columns"]
    height: float | np.ndarray
    nuclei: Float[np.ndarray, "atoms 3"]
    charges: Float[np.ndarray, " atoms"]

    def save(self, folder: Path) -> Path:
        """Writes the slice into a run's folder, in single precision."""
        arrays: dict[str, Any] = {
            name: np.asarray(value, np.float32) for name, value in dataclasses.asdict(self).items()
        }
        np.savez_compressed(folder / FILE, **arrays)
        return folder / FILE


def read_slice(folder: Path) -> Slice | None:
    """The slice of a run; None where none is stored, or not a readable one."""
    path = folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Slice(**{field.name: stored[field.name] for field in dataclasses.fields(Slice)})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
