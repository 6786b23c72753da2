"""How near the basis limit does a learned basis come on molecules that it never saw, beside Gaussian bases?

Run:      .venv/bin/python -m benchmarks.learned_basis --basis BASIS [--molecules unseen|radicals|larger|FILE.xyz]
          [--bases cc-pvdz cc-pvtz cc-pvqz pcseg-3] [--functional lda,vwn] [--level 3]
Cost:     of the 44 unseen molecules about an hour on two cores, most of it PySCF in the large bases

Molecules are in benchmarks/molecules: of the G2 set (as ASE has them), and others near a minimum; none that the basis
was trained on is measured. The basis is used as it is; its energy is that of Poisson's equation on the grid of the
level. PySCF's energies are on level 3, with a fitted Coulomb energy in an even-tempered set (at most 0.02 mHa an atom).
Errors are above the last of the bases, for each atom. Writes learned_basis-MOLECULES-FUNCTIONAL.json in
results/benchmarks, a molecule at a time, and prints the table.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import nnks
from benchmarks.common import kohn_sham, print_table, store
from nnks.basis.files import load_set
from nnks.config import default_config, override
from nnks.geometries.files import frames
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule
from nnks.tracking.files import read_json
from nnks.units import MILLIHARTREE

FOLDER, STORE = Path(__file__).parent / "molecules", Path("results/benchmarks")
BASES = ("cc-pvdz", "cc-pvtz", "cc-pvqz", "pcseg-3")
REFERENCE_LEVEL, REFERENCE_FIT = 3, "even_tempered"


def gaussian(molecule: Molecule, basis: str, xc: str) -> dict[str, Any]:
    """PySCF's energy [Ha], the number of functions and the seconds; no energy if it did not converge."""
    mole = make_mole(molecule, basis)
    solved = kohn_sham(mole, xc, REFERENCE_LEVEL, fitted=True, auxiliary=REFERENCE_FIT)
    energy = solved.total if solved.converged else None
    return {"energy": energy, "functions": mole.nao, "seconds": solved.seconds, "cpu_s": solved.cpu_s}


def learned(text: str, basis: str, xc: str, level: int) -> dict[str, Any]:
    """The energy in the basis as it is [Ha], its quadrature error, the number of functions, and the seconds."""
    changes = {
        "system.molecule": text,
        "system.basis": "cc-pvdz",
        "quadrature.level": level,
        "functional.xc": xc,
        "ansatz": {"name": "learned_basis", "basis": basis},
        "optimizer.name": "direct",
        "reference.pyscf": False,
        "reference.large_basis": "",
        "tracking.wandb": "disabled",
        "tracking.console": False,
    }
    with tempfile.TemporaryDirectory() as results:
        summary = nnks.run(override(default_config(), changes), results)
    symbols = Molecule.from_spec(text).symbols
    sizes = {layout.symbol: layout.size for layout in load_set(basis)[0].layouts}
    return {
        "energy": summary.energies["total"],
        "functions": sum(sizes[symbol] for symbol in symbols),
        "seconds": summary.values["seconds"],
        "quadrature_error": summary.values["quadrature_error"],
        "converged": summary.converged,
    }


def errors(row: dict[str, Any], bases: list[str]) -> dict[str, float | None]:
    """Errors above the last basis for each atom [mHa]."""
    limit = row[bases[-1]]["energy"]
    known = {name: row[name]["energy"] for name in ("learned", *bases[:-1]) if name in row}
    return {
        name: None if energy is None or limit is None else (energy - limit) / MILLIHARTREE / row["atoms"]
        for name, energy in known.items()
    }


def report(rows: list[dict[str, Any]], bases: list[str]) -> None:
    """The table, and what it says in a line."""
    above = [errors(row, bases) for row in rows]
    table = [
        {"molecule": row["molecule"], "functions": row["learned"]["functions"], **each}
        for row, each in zip(rows, above, strict=True)
    ]
    print_table(table, f"error above {bases[-1]} an atom [mHa]")
    for name in ("learned", *bases[:-1]):
        known = [each[name] for each in above if each.get(name) is not None]
        if known:
            median, largest = statistics.median(known), max(known)
            print(f"{name}: median {median:.3f}, largest {largest:.3f} mHa an atom, of {len(known)} molecules")


def main() -> None:
    """Measures what is not stored yet, and prints all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--basis", help="a set that comes with nnks, or a file; without one, Gaussian bases alone")
    parser.add_argument("--molecules", default="unseen")
    parser.add_argument("--functional", default="lda,vwn")
    parser.add_argument("--bases", nargs="*", default=list(BASES))
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--to")
    asked = parser.parse_args()
    path = Path(asked.molecules) if asked.molecules.endswith(".xyz") else FOLDER / f"{asked.molecules}.xyz"
    to = Path(asked.to or STORE / f"learned_basis-{path.stem}-{asked.functional.split(',')[0]}.json")
    trained = {each["name"] for each in load_set(asked.basis)[1]["molecules"]} if asked.basis else set()
    rows = {row["molecule"]: row for row in (read_json(to) or {}).get("rows", [])}
    for text in sorted(frames(path), key=lambda text: sum(Molecule.from_spec(text).charges > 1)):
        molecule = Molecule.from_spec(text)
        if molecule.name in trained:
            raise SystemExit(f"{molecule.name} is one of the molecules that {asked.basis} was trained on.")
        row = rows.setdefault(molecule.name, {"molecule": molecule.name, "atoms": molecule.natoms})
        row |= {basis: gaussian(molecule, basis, asked.functional) for basis in asked.bases if basis not in row}
        if asked.basis and "learned" not in row:
            row["learned"] = learned(text, asked.basis, asked.functional, asked.level)
        about = {"basis": asked.basis and Path(asked.basis).name, "level": asked.level, "xc": asked.functional}
        store(to, about, list(rows.values()))
    if asked.basis:
        report([row for row in rows.values() if "learned" in row], asked.bases)


if __name__ == "__main__":
    main()
