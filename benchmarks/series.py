"""How time and memory of one energy gradient grow along the carbon cages, beside one cycle of PySCF.

Run:      .venv/bin/python -m benchmarks.series [--molecules C20 C60 C80] [--bases sto-3g 6-31g]

Every system runs in a process of its own. nnks: the median of five gradients of the direct minimizer after compilation, and the process's peak memory.
PySCF: the median time of a cycle of density-fitted RKS. Same functional (lda,vwn), level-1 grid and fitting set (def2-universal-jfit) for both. The
exponent is the slope of a straight line through logarithms of time against basis functions. Writes results/benchmarks/series.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from nnks.reproduce.tasks import peak_memory

AUXILIARY, LEVEL, GRADIENTS = "def2-universal-jfit", 1, 5


def nnks_gradients(molecule: str, basis: str) -> list[float]:
    """Seconds of each gradient; the first, which compiles, is left out."""
    from nnks import build
    from nnks.config import default_config, override
    from nnks.training import begin

    changes = {
        "system.molecule": molecule,
        "system.basis": basis,
        "quadrature.level": LEVEL,
        "functional.hartree": "density_fitting",
        "functional.auxiliary": AUXILIARY,
        "optimizer.name": "direct",
        "optimizer.stability": False,
    }
    config = override(default_config(), changes)
    problem = build.make_problem(build.make_system(config))
    optimizer, key = build.make_optimizer(config, problem), build.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    step, seconds = optimizer.make_step(problem), []
    for _ in range(GRADIENTS + 1):
        before, started = int(state.evaluations), time.perf_counter()
        state, metrics = step(state)
        float(metrics["energy/total"])
        seconds.append((time.perf_counter() - started) / (int(state.evaluations) - before))
    return seconds[1:]


def pyscf_cycles(molecule: str, basis: str) -> list[float]:
    """Seconds of each cycle."""
    from pyscf import dft

    from nnks.interop.pyscf import auxiliary_mole, make_mole
    from nnks.molecule import Molecule

    mole = make_mole(Molecule.from_spec(molecule), basis)
    mf: Any = dft.RKS(mole, xc="lda,vwn").density_fit(auxbasis=auxiliary_mole(mole, AUXILIARY)._basis)
    mf.grids.level, mf.verbose, mf.chkfile, mf.max_cycle = LEVEL, 0, None, GRADIENTS
    marks: list[float] = []
    mf.callback = lambda env: marks.append(time.perf_counter())
    mf.kernel()
    return list(np.diff(marks))


def child(program: str, molecule: str, basis: str) -> None:
    seconds = nnks_gradients(molecule, basis) if program == "nnks" else pyscf_cycles(molecule, basis)
    from nnks.interop.pyscf import make_mole
    from nnks.molecule import Molecule

    functions = int(make_mole(Molecule.from_spec(molecule), basis).nao)
    peak = peak_memory()
    print("RESULT " + json.dumps({"seconds": statistics.median(seconds), "peak_GB": peak, "functions": functions}))


def launch(program: str, molecule: str, basis: str, limit: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.series", "--child", program, molecule, basis]
    row = {"program": program, "molecule": molecule, "basis": basis}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return row | {"failed": f"more than {limit:g} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}: out of memory"]
        return row | {"failed": reason[0]}
    return row | json.loads(lines[0].removeprefix("RESULT "))


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Slopes of log time and log memory over log functions, of each program and basis."""
    found = {}
    for program, basis in dict.fromkeys((row["program"], row["basis"]) for row in rows):
        own = [r for r in rows if (r["program"], r["basis"]) == (program, basis) and "seconds" in r]
        if len(own) < 2:
            continue
        size = np.log([r["functions"] for r in own])
        for name in ("seconds", "peak_GB"):
            found[f"{program}, {basis}, {name}"] = float(np.polyfit(size, np.log([r[name] for r in own]), 1)[0])
    return found


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        child(*sys.argv[2:5])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", nargs="+", default=["C20", "C60", "C80"])
    parser.add_argument("--bases", nargs="+", default=["sto-3g", "6-31g"])
    parser.add_argument("--programs", nargs="+", default=["nnks", "pyscf"])
    parser.add_argument("--limit", type=float, default=600, help="seconds for one process")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/series.json"))
    arguments = parser.parse_args()
    from benchmarks.common import print_table, store

    rows = []
    for basis in arguments.bases:
        for molecule in arguments.molecules:
            for program in arguments.programs:
                rows.append(launch(program, molecule, basis, arguments.limit))
                print(json.dumps(rows[-1]), flush=True)
    names = ("program", "molecule", "basis", "functions", "seconds", "peak_GB", "failed")
    print_table([{name: row.get(name) for name in names} for row in rows], str(exponents(rows)))
    store(arguments.out, {"level": LEVEL, "auxiliary": AUXILIARY, "exponents": exponents(rows)}, rows)


if __name__ == "__main__":
    main()
