"""How near the basis limit does a learned basis come on molecules that it never saw, beside Gaussian bases?

Run:      .venv/bin/python -m benchmarks.learned_basis --basis BASIS [--molecules unseen|radicals|ions|larger|FILE.xyz]
          [--bases sto-3g ... pcseg-3] [--functional lda,vwn] [--level 3]
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nnks
from benchmarks.common import kohn_sham, print_table, store
from nnks.basis.files import load_set, pinned
from nnks.config import default_config, override
from nnks.geometries.files import frames
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule
from nnks.tracking.files import read_json
from nnks.units import MILLIHARTREE

FOLDER, STORE = Path(__file__).parent / "molecules", Path("results/benchmarks")
BASES = ("sto-3g", "cc-pvdz", "pcseg-1", "cc-pvtz", "pcseg-2", "cc-pvqz", "pcseg-3")
REFERENCE_LEVEL, REFERENCE_FIT = 3, "even_tempered"


def gaussians(molecule: Molecule, bases: Sequence[str], xc: str) -> dict[str, dict[str, Any]]:
    """PySCF's energies [Ha] and the numbers of functions, by basis; no energy where it did not converge.

    Each starts from the density in the one before.
    """
    rows: dict[str, dict[str, Any]] = {}
    density = None
    for basis in bases:
        mole = make_mole(molecule, basis)
        solved = kohn_sham(mole, xc, REFERENCE_LEVEL, fitted=True, auxiliary=REFERENCE_FIT, start=density)
        rows[basis] = {"energy": solved.total if solved.converged else None, "functions": mole.nao}
        density = solved.density if solved.converged else None
    return rows


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


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """What the benchmarks of a learned basis are asked."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0] if doc else "")
    parser.add_argument("--basis", help="a set that comes with nnks, or a file; without one, Gaussian bases alone")
    parser.add_argument("--functional", default="lda,vwn")
    parser.add_argument("--level", type=int, default=3)
    return parser


class Measurements:
    """Rows by name, stored after each; what is stored already is not measured again.

    Args:
        asked: the basis, the functional and the level.
        to: the file.
        bases: Gaussian ones.
    """

    def __init__(self, asked: argparse.Namespace, to: Path, bases: Sequence[str]):
        self.asked, self.to, self.bases = asked, to, bases
        stored = read_json(to) or {"rows": [], "settings": {}}
        self.rows: dict[str, dict[str, Any]] = {row["name"]: row for row in stored["rows"]}
        self.settings = {"level": asked.level, "xc": asked.functional}
        known = {key: stored["settings"].get(key) for key in ("basis", *self.settings)}
        if asked.basis:
            self.settings["basis"] = Path(pinned(asked.basis)).name  # with its digest
        elif known["basis"]:
            self.settings["basis"] = known["basis"]
        if any("learned" in row for row in self.rows.values()) and known != self.settings:
            raise SystemExit(
                f"{to} was measured with {known}, and not with {self.settings}; remove it, or name another."
            )

    def measure(self, name: str, text: str, **about: Any) -> dict[str, Any]:
        """The row of a molecule, whose geometry is the text of an xyz file."""
        molecule, asked = Molecule.from_spec(text), self.asked
        row = self.rows.setdefault(name, {"name": name, "atoms": molecule.natoms})
        row |= {"heavy": int((molecule.charges > 1).sum()), **about}
        row |= gaussians(molecule, [basis for basis in self.bases if basis not in row], asked.functional)
        if asked.basis and "learned" not in row:
            row["learned"] = learned(text, asked.basis, asked.functional, asked.level)
        self.store()
        return row

    def store(self, **more: Any) -> None:
        """Writes the rows."""
        store(self.to, self.settings, list(self.rows.values()), **more)


def errors(row: Mapping[str, Any], bases: Sequence[str]) -> dict[str, float | None]:
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
        {"molecule": row["name"], "functions": row["learned"]["functions"], **each}
        for row, each in zip(rows, above, strict=True)
    ]
    print_table(table, f"error above {bases[-1]} an atom [mHa]")
    for name in ("learned", *bases[:-1]):
        known = [error for each in above if (error := each.get(name)) is not None]
        if known:
            median, largest = statistics.median(known), max(known)
            print(f"{name}: median {median:.3f}, largest {largest:.3f} mHa an atom, of {len(known)} molecules")


def main() -> None:
    """Measures what is not stored yet, and prints all."""
    parser = arguments(__doc__)
    parser.add_argument("--molecules", default="unseen")
    parser.add_argument("--bases", nargs="*", default=list(BASES))
    parser.add_argument("--to")
    asked = parser.parse_args()
    path = Path(asked.molecules) if asked.molecules.endswith(".xyz") else FOLDER / f"{asked.molecules}.xyz"
    to = Path(asked.to or STORE / f"learned_basis-{path.stem}-{asked.functional.split(',')[0]}.json")
    about = load_set(asked.basis)[1] if asked.basis else {"molecules": []}
    trained = {each["name"] for each in about["molecules"]} | set(about.get("validation", ()))
    measured = Measurements(asked, to, asked.bases)
    for text in sorted(frames(path), key=lambda text: sum(Molecule.from_spec(text).charges > 1)):
        name = str(Molecule.from_spec(text).name)
        if name in trained:
            raise SystemExit(f"{name} is one of the molecules that {asked.basis} was trained on.")
        measured.measure(name, text)
    if asked.basis:
        report([row for row in measured.rows.values() if "learned" in row], asked.bases)


if __name__ == "__main__":
    main()
