"""Time to a converged Kohn-Sham energy in a Gaussian basis: nnks's minimizer and SCF, PySCF with and without fitting.

Run:      .venv/bin/python -m benchmarks.convergence [--systems H2O/6-31g/3 C6H6/def2-tzvp/3] [--limit 300]

Every calculation runs in a process of its own, one after the other. A row gives, in seconds:

- warm:  from building the molecule to an energy within 1e-6 Ha per atom of its own converged value, imports and
         compilation excluded (the median of later repetitions in the process);
- total: of the whole process, imports and compilation included, with an empty cache of compiled programs (`cold`) and
  with a filled one.

All have the same points, functional (lda,vwn) and, where they fit the Coulomb energy, the same fitting set. PySCF's
time starts before its grid is built, and its convergence threshold is its default; an energy is told to be a saddle's
where another method found a lower one. A calculation that takes longer than the limit is stopped, and its time given as
a bound. What this version measured before on this machine is kept. Writes results/benchmarks/convergence.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nnks_paper.tasks import peak_memory

STARTED = time.time()
PER_ATOM = 1e-6
"""Distance from the converged energy that is asked for [Ha per atom]."""

SYSTEMS = (
    "H2O/sto-3g/3",
    "H2O/6-31g/3",
    "H2O/def2-tzvp/3",
    "C6H6/sto-3g/3",
    "C6H6/6-31g/3",
    "C6H6/def2-tzvp/3",
    "C10H8/sto-3g/3",
    "C10H8/6-31g/3",
    "C10H8/def2-tzvp/3",
    "C20/sto-3g/1",
    "C20/6-31g/1",
    "C60/6-31g/1",
)
"""By default; with C60 in STO-3G and C20 in def2-TZVP as well they take a quarter of an hour longer."""

METHODS = ("nnks", "nnks-scf", "pyscf-df", "pyscf")
LARGEST = {"pyscf": 99, "nnks-scf": 150}
"""Basis functions up to which PySCF runs without fitting, and nnks its SCF: beyond they take too long for a
benchmark."""


def nnks_once(molecule: str, basis: str, level: int, *, scf: bool) -> dict[str, Any]:
    """One calculation: its energies over time."""
    from benchmarks.common import minimize
    from nnks import setup
    from nnks.config import default_config, override
    from nnks.training import Convergence

    changes = {
        "system.molecule": molecule,
        "system.basis": basis,
        "quadrature.level": level,
        "functional.hartree": "density_fitting",
        "optimizer.name": "direct",
    }
    config, started = override(default_config(), changes), time.perf_counter()
    if scf:
        result = setup.scf_baseline(setup.make_system(config))
        spent = time.perf_counter() - started
        return {"history": [(spent, result.energies["total"])], "converged": result.converged, "cycles": result.cycles}
    atoms = setup.make_system(config).molecule.natoms
    minimum = minimize(config, Convergence(0.1 * PER_ATOM * atoms, float("inf")))
    return {"history": minimum.history, "converged": minimum.converged, "cycles": minimum.evaluations}


def pyscf_once(molecule: str, basis: str, level: int, *, fitted: bool) -> dict[str, Any]:
    """PySCF's own calculation with its defaults."""
    from pyscf import dft

    from nnks.interop.coulomb import auxiliary_mole
    from nnks.interop.pyscf import make_mole
    from nnks.molecule import Molecule

    history, started = [], time.perf_counter()
    mole = make_mole(Molecule.from_spec(molecule), basis)
    mf: Any = dft.RKS(mole, xc="lda,vwn")
    if fitted:
        mf = mf.density_fit(auxbasis=auxiliary_mole(mole)._basis)
    mf.grids.level, mf.verbose, mf.chkfile = level, 0, None
    mf.callback = lambda env: history.append((time.perf_counter() - started, float(env["e_tot"])))
    total = float(mf.kernel())
    return {
        "history": [*history, (time.perf_counter() - started, total)],
        "converged": bool(mf.converged),
        "cycles": mf.cycles,
    }


def child(method: str, system: str, repeats: int) -> None:
    """Runs in a process of its own and prints what it found as JSON."""
    molecule, basis, level = system.split("/")
    if method.startswith("nnks"):
        import jax

        jax.config.update("jax_compilation_cache_dir", os.environ["NNKS_BENCH_CACHE"])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    runs, first = [], STARTED
    for n in range(repeats + 1):
        if method.startswith("nnks"):
            runs.append(nnks_once(molecule, basis, int(level), scf=method == "nnks-scf"))
        else:
            runs.append(pyscf_once(molecule, basis, int(level), fitted=method == "pyscf-df"))
        if n == 0:
            first = time.time()
            # one repetition of a long calculation says as much as three, and what compiles nothing needs none
            if first - STARTED > 10:
                repeats = min(repeats, 1) if method.startswith("nnks") else 0
        if n >= repeats:
            break
    peak = peak_memory()
    print(
        "RESULT "
        + json.dumps({"runs": runs, "total": first - STARTED, "peak_GB": peak, "size": _size(molecule, basis)})
    )


def _size(molecule: str, basis: str) -> list[int]:
    from nnks.interop.pyscf import make_mole
    from nnks.molecule import Molecule

    mole = make_mole(Molecule.from_spec(molecule), basis)
    return [mole.natm, int(mole.nao)]


def launch(method: str, system: str, repeats: int, limit: float, cache: str) -> dict[str, Any] | None:
    """A child's result; None if it ran into the limit or out of memory."""
    command = [sys.executable, "-m", "benchmarks.convergence", "--child", method, system, str(repeats)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=limit,
            env=os.environ | {"NNKS_BENCH_CACHE": cache},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        print(f"{method} {system}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(lines[0].removeprefix("RESULT "))


def reached(run: dict[str, Any], atoms: int) -> float:
    """Seconds after which a run's energy stays within `PER_ATOM` of its last one."""
    final, seconds = run["history"][-1][1], run["history"][-1][0]
    for spent, energy in reversed(run["history"]):
        if abs(energy - final) > PER_ATOM * atoms:
            break
        seconds = spent
    return seconds


def measure(method: str, system: str, repeats: int, limit: float) -> dict[str, Any]:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as cache:
        own = method.startswith("nnks")
        cold = launch(method, system, 0 if own else repeats, limit, cache)
        row = {"system": system, "method": method, "limit_s": limit}
        if cold is None:
            return row | {"converged": False, "out_of_time": True}
        measured = (launch(method, system, repeats, limit, cache) or cold) if own else cold
    atoms, functions = cold["size"]
    runs = measured["runs"]
    later = runs[1:] or runs
    return (
        row
        | {
            "functions": functions,
            "atoms": atoms,
            "warm_s": statistics.median(reached(run, atoms) for run in later),
            "total_cold_s": cold["total"],
            "total_s": measured["total"],
            "cycles": runs[-1]["cycles"],
            "converged": runs[-1]["converged"],
            "peak_GB": measured["peak_GB"],
            "energy_Ha": runs[-1]["history"][-1][1],
        }
        | cycle_time(runs[-1]["history"], own)
    )


def cycle_time(history: list[list[float]], own: bool) -> dict[str, float]:
    """The median time between PySCF's cycles, which the series of cages takes over."""
    if own or len(history) < 4:
        return {}
    # the last entry is the end, not a cycle
    return {"cycle_s": statistics.median(b[0] - a[0] for a, b in itertools.pairwise(history[:-1]))}


def compare(rows: list[dict[str, Any]]) -> None:
    """Adds ratios to PySCF's fitted calculation, and whose energy is a saddle's."""
    for system in dict.fromkeys(row["system"] for row in rows):
        own = [row for row in rows if row["system"] == system and "energy_Ha" in row]
        base = next((row for row in own if row["method"] == "pyscf-df"), None)  # none if it ran out of time
        fitted = [row["energy_Ha"] for row in own if row["method"] != "pyscf"]
        for row in own:
            if base is not None:
                row["ratio_warm"] = row["warm_s"] / base["warm_s"]
                row["ratio_total"] = row["total_s"] / base["total_s"]
            if row["method"] != "pyscf":
                row["above_lowest_mHa"] = 1e3 * (row["energy_Ha"] - min(fitted))


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, help="molecule/basis/grid level")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--limit", type=float, default=600, help="seconds for one process")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/convergence.json"))
    arguments = parser.parse_args()
    from benchmarks.common import known_rows, print_table, store

    before = known_rows(arguments.out)
    rows = [row for row in before if row["system"] not in arguments.systems]
    for system, method in itertools.product(arguments.systems, arguments.methods):
        molecule, basis, _ = system.split("/")
        if _size(molecule, basis)[1] > LARGEST.get(method, math.inf):
            continue
        known = [row for row in before if (row["system"], row["method"]) == (system, method)]
        if known and (not known[0].get("out_of_time") or known[0]["limit_s"] >= arguments.limit):
            rows.append(known[0])
        else:
            rows.append(measure(method, system, arguments.repeats, arguments.limit))
            print(json.dumps(rows[-1]), flush=True)
        compare(rows)
        store(arguments.out, {"per_atom_Ha": PER_ATOM, "repeats": arguments.repeats, "limit_s": arguments.limit}, rows)
    names = (
        "system",
        "method",
        "functions",
        "warm_s",
        "ratio_warm",
        "total_cold_s",
        "total_s",
        "ratio_total",
        "cycles",
        "converged",
        "above_lowest_mHa",
        "peak_GB",
    )
    print_table([{name: row.get(name) for name in names} for row in rows], "Time to 1e-6 Ha per atom")


if __name__ == "__main__":
    main()
