"""Slices through the density and the highest occupied orbital, in a run's folder."""

from __future__ import annotations

import dataclasses
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float  # not by way of nnks.types, which imports JAX: readers of runs do without it

from nnks.tracking.files import Damaged, printable, replacing
from nnks.tracking.notices import notice
from nnks.tracking.record import SLICE, RunRecord

AXES, NUCLEI = 1024, 10_000
"""Points along an axis and nuclei beyond which a file is none of the store's."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """Values on a plane; rows go along its second axis.

    Attributes:
        x: positions along the first axis [Bohr].
        y: positions along the second axis [Bohr].
        density: of all electrons [Bohr^-3].
        orbital: the highest occupied one, of the first spin that has any [Bohr^-3/2]; its largest value is positive.
        height: of the plane that the orbital is shown on above that of the density [Bohr]; not zero where it has a node
            there.
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
        with replacing(folder / SLICE) as stream:
            np.savez_compressed(stream, **arrays)
        return folder / SLICE


def read_slice(record: RunRecord) -> Slice | None:
    """The slice of a run; None where none is stored, or a damaged one, which is said."""
    path = record.path / SLICE
    try:
        with record.open(path) as stream, zipfile.ZipFile(stream) as archive:
            values = {field.name: _array(archive, field.name) for field in dataclasses.fields(Slice)}
        return _checked(values)
    except FileNotFoundError:
        return None
    except Damaged as error:
        reason = str(error)
    # whatever zipfile, zlib and NumPy make of other bytes than were written
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        reason = "its data are not what was saved"
    notice(f"'{printable(str(path))}' is damaged ({reason}) and is not used.")
    return None


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array of an archive, once it is known that it is small; its bytes are held against the archive's checksum."""
    member = f"{name}.npy"
    if archive.getinfo(member).file_size > 4 * AXES**2 + 1024:
        raise Damaged(f"{name} is too large")
    with archive.open(member) as stream:
        return np.lib.format.read_array(io.BytesIO(stream.read()), allow_pickle=False)


def _checked(values: dict[str, np.ndarray]) -> Slice:
    rows, columns, atoms = (values[name].size for name in ("y", "x", "charges"))
    shapes = {"x": (columns,), "y": (rows,), "density": (rows, columns), "orbital": (rows, columns), "height": ()}
    shapes |= {"nuclei": (atoms, 3), "charges": (atoms,)}
    for name, value in values.items():
        if value.shape != shapes[name] or value.dtype.kind != "f" or not np.isfinite(value).all():
            raise Damaged(f"{name} is not what it was")
    if not (1 < rows <= AXES and 1 < columns <= AXES and 0 < atoms <= NUCLEI):
        raise Damaged("it is empty or too large")
    return Slice(**values)
