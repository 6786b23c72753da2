"""How near the basis limit does a learned basis come on molecules that it never saw, beside Gaussian bases?

Run:      .venv/bin/python -m benchmarks.learned_basis [--basis FILE.npz] [--molecules HCOOH CH3CHO ...]
          [--bases cc-pvdz cc-pvtz cc-pvqz pcseg-3] [--level 3]
Cost:     one to five minutes a molecule on two cores, most of it PySCF in the large bases, which is cached

Molecules are those of the G2 set (as ASE has them) without the ones that the basis was trained on. The basis is used as
it is; its energy is that of Poisson's equation on the grid of the level. PySCF's energies are those that a run compares
itself with, on level 5. Errors are above the last of the bases, for each atom. Writes
results/benchmarks/learned_basis.json, a molecule at a time, and prints the table.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import nnks
from benchmarks.common import print_table, store
from nnks.basis.files import load_set
from nnks.config import default_config, override
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule
from nnks.tracking.files import read_json
from nnks.units import MILLIHARTREE

STORE = Path("results/benchmarks/learned_basis.json")

UNSEEN = (
    *("HCOOH", "CH3CHO", "C3H4_C2v", "C3H4_D2d", "CH3CH2OH", "C3H8", "COF2"),
    *("H2CCHF", "CH3OCH3", "NCCN", "H2CCO", "H3CNH2", "C3H6_D3h", "CF4"),
)
"""Of the G2 set, closed shells of up to eleven atoms."""

BASES = ("cc-pvdz", "cc-pvtz", "cc-pvqz", "pcseg-3")


def geometry(name: str) -> str:
    """The xyz text of a molecule of the G2 set."""
    from ase.build import molecule

    atoms = molecule(name)
    rows = (f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True))
    spin = round(abs(float(atoms.get_initial_magnetic_moments().sum())))
    return "\n".join([str(len(atoms)), f"name={name} spin={spin}", *rows])


def measure(name: str, basis: str, bases: list[str], level: int, results: str) -> dict[str, Any]:
    """The energies of a molecule [Ha], with functions and seconds."""
    config = override(
        default_config(),
        {
            "system.molecule": geometry(name),
            "system.basis": "cc-pvdz",
            "quadrature.level": level,
            "ansatz": {"name": "learned_basis", "basis": basis},
            "optimizer.name": "direct",
            "reference.pyscf": False,
            "reference.large_basis": ",".join(bases),
            "reference.seconds": 3600.0,
            "tracking.wandb": "disabled",
            "tracking.console": False,
        },
    )
    summary = nnks.run(config, results)
    molecule = Molecule.from_spec(geometry(name))
    functions = {each: make_mole(molecule, each).nao for each in bases}
    functions["learned"] = sum(
        layout.size * molecule.symbols.count(layout.symbol) for layout in load_set(basis)[0].layouts
    )
    energies = {each: summary.reference.get(f"pyscf/{each}") for each in bases}
    return {
        "molecule": name,
        "atoms": molecule.natoms,
        "energies": energies | {"learned": summary.energies["total"]},
        "functions": functions,
        "quadrature_error": summary.values["quadrature_error"],
        "seconds": summary.values["seconds"],
        "converged": summary.converged,
    }


def errors(row: dict[str, Any], bases: list[str]) -> dict[str, float | None]:
    """Errors above the last basis for each atom [mHa]."""
    energies, limit = row["energies"], row["energies"][bases[-1]]
    return {
        name: None if energies.get(name) is None else (energies[name] - limit) / MILLIHARTREE / row["atoms"]
        for name in ("learned", *bases[:-1])
    }


def main() -> None:
    """Measures what is not stored yet, and prints all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--basis", default="double-lda")
    parser.add_argument("--molecules", nargs="*", default=UNSEEN)
    parser.add_argument("--bases", nargs="*", default=list(BASES))
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--to", default=str(STORE))
    asked = parser.parse_args()
    trained = {each["name"] for each in load_set(asked.basis)[1].get("molecules", ())}
    rows = {row["molecule"]: row for row in (read_json(Path(asked.to)) or {}).get("rows", [])}
    for name in asked.molecules:
        if name in trained:
            raise SystemExit(f"{name} is one of the molecules that {asked.basis} was trained on.")
        if name not in rows:
            with tempfile.TemporaryDirectory() as results:
                rows[name] = measure(name, asked.basis, asked.bases, asked.level, results)
            store(Path(asked.to), {"basis": asked.basis, "level": asked.level}, list(rows.values()))
    shown = [rows[name] for name in asked.molecules]
    table = [
        {"molecule": r["molecule"], "functions": r["functions"]["learned"], **errors(r, asked.bases)} for r in shown
    ]
    print_table(table, f"error above {asked.bases[-1]} an atom [mHa]")
    known = [e["learned"] for e in (errors(r, asked.bases) for r in shown) if e["learned"] is not None]
    print(
        f"learned: median {statistics.median(known):.3f}, largest {max(known):.3f} mHa an atom, {len(known)} molecules"
    )


if __name__ == "__main__":
    main()
