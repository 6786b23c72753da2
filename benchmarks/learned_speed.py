"""What does the basis limit cost: whole commands in a learned basis, beside nnks and PySCF in Gaussian bases.

Run:      .venv/bin/python -m benchmarks.learned_speed --basis BASIS [--molecules benzene glycine] [--rounds 3]
Cost:     half an hour on two idle cores

A command is what a user types, from its first second to its last, in turn with the others: `nnks run` with the programs
of an earlier one in its cache, and a script of PySCF (density-fitted, its own fitting set, its own guess). All are on
the points of the level, with no reference beside. Geometries (benchmarks/molecules/commands.xyz): benzene of the G2
set, the others of MMFF94 by RDKit. Writes results/benchmarks/learned_speed.json, with medians and the memory of the
largest process.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from nnks.basis.files import pinned
from nnks.geometries.files import frames
from nnks.molecule import Molecule
from nnks.units import MILLIHARTREE

STORE, MOLECULES = Path("results/benchmarks/learned_speed.json"), Path(__file__).parent / "molecules" / "commands.xyz"
LEARNED, PYSCF = "nnks, learned basis", "PySCF"
METHODS = (LEARNED, "nnks, cc-pvdz", "PySCF, cc-pvdz", "PySCF, cc-pvqz", "PySCF, pcseg-3")

SCRIPT = """
import json, sys
from pyscf import dft, gto
file, basis, xc, level = sys.argv[1:]
mf = dft.KS(gto.M(atom=file, basis=basis, verbose=0), xc=xc).density_fit()
mf.grids.level = int(level)
energy = mf.kernel()
print(json.dumps({"energy": energy if mf.converged else None, "functions": int(mf.mol.nao)}))
"""


def command_of(method: str, file: Path, asked: argparse.Namespace, results: str) -> list[str]:
    """What a user types."""
    kind, _, basis = method.partition(", ")
    if kind == PYSCF:
        return [sys.executable, "-c", SCRIPT, str(file), basis, asked.functional, str(asked.level)]
    changes = {
        "system.molecule": file,
        "functional.xc": asked.functional,
        "quadrature.level": asked.level,
        "optimizer.name": "direct",
        "reference.pyscf": False,
        "reference.large_basis": "",
    }
    if method == LEARNED:
        changes |= {"ansatz.name": "learned_basis"} | ({"ansatz.basis": asked.basis} if asked.basis else {})
    else:
        changes["system.basis"] = basis
    settings = [f"--config.{key}={value}" for key, value in changes.items()]
    return [str(Path(sys.executable).parent / "nnks"), "run", "--config=gaussian", f"--results={results}", *settings]


def once(method: str, file: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The seconds of a command, and the energy that it leaves."""
    with tempfile.TemporaryDirectory() as results:
        command, started = command_of(method, file, asked, results), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{method} ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
        if method.startswith(PYSCF):
            return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}
        (summary,) = (json.loads(path.read_text()) for path in Path(results).rglob("summary.json"))
        return {"seconds": seconds, "energy": summary["energies"]["total"], "converged": summary["converged"]}


def measure(text: str, asked: argparse.Namespace) -> dict[str, Any]:
    """All methods in turn, round after round; the first round fills caches and is not counted."""
    molecule = Molecule.from_spec(text)
    rows: dict[str, list[dict[str, Any]]] = {method: [] for method in asked.methods}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{molecule.name}.xyz"
        file.write_text(text)
        for round_ in range(asked.rounds + 1):
            for method in asked.methods:
                if round_ or not method.startswith(PYSCF):
                    row = once(method, file, asked)
                    rows[method] += [row] if round_ else []
    medians = {
        method: each[-1] | {"seconds": statistics.median(row["seconds"] for row in each)}
        for method, each in rows.items()
    }
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return {"molecule": str(molecule.name), "atoms": molecule.natoms, "methods": medians, "largest_process_GB": peak}


def main() -> None:
    """Measures molecule by molecule, and prints seconds, ratios and energies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--basis", default="", help="a set that comes with nnks, or a file")
    parser.add_argument("--molecules", nargs="*", default=["benzene", "glycine"])
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--functional", default="lda,vwn")
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    texts = {str(Molecule.from_spec(text).name): text for text in frames(MOLECULES)}
    rows = [measure(texts[name], asked) for name in asked.molecules]
    settings = {"level": asked.level, "xc": asked.functional, "rounds": asked.rounds}
    store(STORE, settings | {"basis": Path(pinned(asked.basis or "double-lda")).name}, rows)
    table = []
    for row in rows:
        own = row["methods"][LEARNED]
        for method, each in row["methods"].items():
            above = None if each["energy"] is None else (each["energy"] - own["energy"]) / MILLIHARTREE / row["atoms"]
            ratio = own["seconds"] / each["seconds"]
            table.append(
                {
                    "molecule": row["molecule"],
                    "method": method,
                    "seconds": each["seconds"],
                    "learned / this": ratio,
                    "above learned [mHa an atom]": above,
                }
            )
    print_table(table, "whole commands")


if __name__ == "__main__":
    main()
