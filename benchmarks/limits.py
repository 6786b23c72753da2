"""Computes the energies near the basis limit that come with nnks: `nnks/interop/limits.json`.

Every molecule of the library that has an affordable large basis, with each functional of `FUNCTIONALS`, the cheapest
first. An entry is stored as soon as it is computed, and what is in the table is kept: the script can be ended at any
time, and goes on where it was.

    python -m benchmarks.limits                    # all that is missing
    python -m benchmarks.limits --molecules=H2,He  # of these
    python -m benchmarks.limits --list             # what is missing
    python -m benchmarks.limits --fit              # the factors of `nnks.interop.reference_cost`, from the seconds in
    the table
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from nnks.geometries import LIBRARY
from nnks.interop.large_basis import large_bases, large_spec
from nnks.interop.pyscf import becke_grid, make_mole
from nnks.interop.reference import ReferenceSpec, asked_of, reference
from nnks.interop.reference_cost import parts
from nnks.interop.shipped import TABLE, key_of
from nnks.molecule import Molecule
from nnks.tracking.files import plain, read_json, write_json

FUNCTIONALS = ("lda,vwn", "pbe,pbe", "lda,")
"""The default, the usual gradient-corrected one, and exchange only, as in the paper."""

ABOUT = {
    "what": "PySCF's energies [Ha] in the largest affordable basis, on the grid of level 5, "
    "of the stable solution of lowest energy found",
    "script": "benchmarks/limits.py",
    "converged": "conv_tol 1e-11 Ha, conv_tol_grad 3e-7, stability analysis followed",
    "seconds": "processor seconds of one calculation, all threads together",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=",".join(LIBRARY), help="names of the library with commas between them")
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    entries = (read_json(arguments.out) or {"entries": []})["entries"]
    if arguments.fit:
        return fit(entries)
    known = {key_of(entry["asked"]) for entry in entries}
    for name, molecule, spec in sorted(wanted(arguments.molecules.split(",")), key=cost):
        if key_of(asked_of(molecule, spec)) in known:
            continue
        if arguments.list:
            print(f"{name:8s} {spec.xc:8s} {spec.basis:10s} {make_mole(molecule, spec.basis).nao} functions")
            continue
        entries.append({"molecule": name} | computed(molecule, spec))
        write_json(arguments.out, ABOUT | {"entries": entries}, sealed=True)
        print(
            f"{name:8s} {spec.xc:8s} {spec.basis:10s} {entries[-1]['energies']['total']:.8f} Ha",
            entries[-1]["seconds"],
            flush=True,
        )


def wanted(names: list[str]) -> Iterator[tuple[str, Molecule, ReferenceSpec]]:
    """What the table is to hold."""
    for name in names:
        molecule = Molecule.from_spec(name)
        for basis in large_bases(molecule, "auto"):
            for xc in FUNCTIONALS:
                yield name, molecule, large_spec(molecule, basis, xc, molecule.spin == 0)


def cost(one: tuple[str, Molecule, ReferenceSpec]) -> float:
    """What orders them: functions and atoms, the default functional first."""
    _, molecule, spec = one
    return (
        make_mole(molecule, spec.basis).nao ** 2
        * molecule.natoms
        * (1 + (molecule.spin > 0))
        * (1 + 3 * (spec.xc != FUNCTIONALS[0]))
    )


def computed(molecule: Molecule, spec: ReferenceSpec) -> dict[str, Any]:
    """An entry, computed now: of another functional the table may know it already, of this one it does not."""
    return plain(reference(molecule, spec))


def fit(entries: list[dict[str, Any]]) -> None:
    """Prints the factors of which the sum's relative error is least, none negative, and how far estimates are off."""
    rows = []
    for entry in entries:
        asked = entry["asked"]
        spec = ReferenceSpec(**{field.name: asked[field.name] for field in dataclasses.fields(ReferenceSpec)})
        mole = make_mole(Molecule.from_spec(entry["molecule"]), spec.basis)
        points = becke_grid(mole, spec.level, spec.pruning, divided=False).size
        rows.append(parts(mole, points, spec) / entry["seconds"])
    factors, _ = nnls(np.array(rows), np.ones(len(rows)))
    off = np.array(rows) @ factors
    print(
        f"{len(rows)} calculations, factors {factors}: {off.min():.2f} to {off.max():.2f} of what they took, median "
        f"{np.median(off):.2f}"
    )


if __name__ == "__main__":
    main()
