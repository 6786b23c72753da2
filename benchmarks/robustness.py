"""How many hard cases converge from the default guess, with the default settings: nnks's direct minimizer beside PySCF.

Run:      .venv/bin/python -m benchmarks.robustness [--cases H4 Cr] [--workers 2]
Cost:     a quarter of an hour on two cores

Thirty cases: small gaps, stretched bonds, radicals, the C20 cage, atoms of transition metals. PySCF's calculation is
that of its defaults, 50 cycles of DIIS from the same guess; `stable` is the lowest solution that its second-order
solver reaches when every instability that its analysis finds is followed, also from broken symmetry; for the C20 cage,
which it does not converge in a quarter of an hour, from nnks's orbitals. A case counts as solved if it converged and is
not above that solution by more than 1e-6 Ha. Nothing is timed, so that cases are judged side by side, a core each. What
this version judged before on this machine is kept. Writes results/benchmarks/robustness.json.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import known_rows, print_table, store
from nnks import setup
from nnks.config import default_config, override
from nnks.interop.reference import confirmed, reference
from nnks.registry import InputError
from nnks.runs.programs import release_programs
from nnks.runs.references import same_basis
from nnks.training import Convergence, begin
from nnks.training.frame import make_frame

TOLERANCE = 1e-6
"""What an energy may lie above the stable solution [Ha]."""

STEPS = 200
"""Gradients after which a minimization counts as failed."""


CONFIRMED = ("C20 cage",)
"""Cases whose stable solution PySCF does not reach from its own guess in a quarter of an hour: it starts from nnks's
orbitals there."""


def case(molecule: str, basis: str = "6-31g", xc: str = "lda,vwn", **system: Any) -> dict[str, Any]:
    """Changes of the config."""
    changes = {"system.molecule": molecule, "system.basis": basis, "functional.xc": xc, "quadrature.level": 1}
    return changes | {f"system.{key}": value for key, value in system.items()}


CASES: dict[str, dict[str, Any]] = {
    # small gaps
    "C20 cage": case("C20", "sto-3g") | {"functional.hartree": "density_fitting"},
    "ozone": case("O 0 0 0; O 1.0885 0.6697 0; O -1.0885 0.6697 0", xc="pbe"),
    "C2": case("C 0 0 0; C 0 0 1.2425"),
    "B2 singlet": case("B 0 0 0; B 0 0 1.59"),
    "Si2 singlet": case("Si 0 0 0; Si 0 0 2.246", xc="pbe"),
    "CH2 singlet": case("C 0 0 0; H 0.8620 0.6990 0; H -0.8620 0.6990 0", restricted=True),
    "square H4": case("H 0 0 0; H 1.2 0 0; H 1.2 1.2 0; H 0 1.2 0"),
    "carbon singlet": case("C", restricted=True, spin=0),
    "oxygen singlet": case("O", restricted=True, spin=0),
    # stretched bonds
    "H2 x 4, restricted": case("H 0 0 0; H 0 0 2.9656"),
    "H2 x 4, unrestricted": case("H 0 0 0; H 0 0 2.9656", restricted=False),
    "N2 x 2": case("N 0 0 0; N 0 0 2.1954", xc="pbe"),
    "N2 x 2, unrestricted": case("N 0 0 0; N 0 0 2.1954", restricted=False),
    "LiF x 3": case("Li 0 0 0; F 0 0 4.6917"),
    "F2 x 2, unrestricted": case("F 0 0 0; F 0 0 2.8238", xc="pbe", restricted=False),
    "CO x 2.5": case("C 0 0 0; O 0 0 2.8208"),
    "H2O x 2.5": case("O 0 0 0; H 0 1.8930 1.4662; H 0 -1.8930 1.4662"),
    # radicals
    "OH": case("O 0 0 0; H 0 0 0.9697", xc="pbe"),
    "NO": case("N 0 0 0; O 0 0 1.1508"),
    "CN": case("C 0 0 0; N 0 0 1.1718", xc="pbe"),
    "NO2": case("N 0 0 0; O 1.0989 0.4653 0; O -1.0989 0.4653 0"),
    "ClO": case("Cl 0 0 0; O 0 0 1.5696"),
    # atoms of transition metals
    "Sc": case("Sc 0 0 0", "def2-svp", spin=1),
    "Ti": case("Ti 0 0 0", "def2-svp", spin=2),
    "V": case("V 0 0 0", "def2-svp", spin=3),
    "Cr": case("Cr 0 0 0", "def2-svp", spin=6),
    "Fe": case("Fe 0 0 0", "def2-svp", spin=4),
    "Co": case("Co 0 0 0", "def2-svp", spin=3),
    "Ni": case("Ni 0 0 0", "def2-svp", spin=2),
    "Cu": case("Cu 0 0 0", "def2-svp", spin=1, xc="pbe"),
}


def direct(changes: dict[str, Any]) -> dict[str, Any]:
    """Nnks with its defaults."""
    config = override(default_config(), {**changes, "optimizer.name": "direct"})
    started, system = time.perf_counter(), setup.make_system(config)
    problem = setup.make_problem(system)
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    step, convergence, converged, total = optimizer.make_step(problem), Convergence(1e-8, 1e-5), False, float("nan")
    while int(state.evaluations) < STEPS and not converged:
        state, metrics = step(state)
        metrics = {name: float(value) for name, value in metrics.items()}
        total, converged = metrics["energy/total"], convergence.reached(metrics)
    seconds = time.perf_counter() - started
    return {
        "system": system,
        "orbitals": make_frame(problem, state.params).canonical.mo_coeff,
        "total": total,
        "converged": converged,
        "gradients": int(state.evaluations),
        "seconds": seconds,
    }


def diis(system: setup.System) -> dict[str, Any]:
    """PySCF with its defaults, on the same points."""
    from nnks.interop.reference import default_field

    fitted = setup.hartree_method(system, system.config.functional.hartree, gaussian=True) == "density_fitting"
    mf = default_field(system.molecule, same_basis(system, fitted=fitted))
    started, total = time.perf_counter(), float(mf.kernel())
    return {
        "total": total,
        "converged": bool(mf.converged),
        "cycles": int(mf.cycles),
        "seconds": time.perf_counter() - started,
    }


def judge(name: str, cache: Path) -> dict[str, Any]:
    """One row."""
    ours = direct(CASES[name])
    system: setup.System = ours["system"]
    theirs = diis(system)
    fitted = setup.hartree_method(system, system.config.functional.hartree, gaussian=True) == "density_fitting"
    spec = same_basis(system, fitted=fitted)
    if name in CONFIRMED:
        stable = confirmed(system.molecule, spec, ours["orbitals"])
    else:
        stable = reference(system.molecule, spec, cache)
    lowest = stable["energies"]["total"]
    release_programs()
    return {
        "case": name,
        "stable_Ha": lowest,
        "nnks_above_mHa": 1e3 * (ours["total"] - lowest),
        "nnks_converged": ours["converged"],
        "nnks_solved": ours["converged"] and ours["total"] < lowest + TOLERANCE,
        "nnks_gradients": ours["gradients"],
        "pyscf_above_mHa": 1e3 * (theirs["total"] - lowest),
        "pyscf_converged": theirs["converged"],
        "pyscf_solved": theirs["converged"] and theirs["total"] < lowest + TOLERANCE,
        "pyscf_cycles": theirs["cycles"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--references", type=Path, default=Path("results/references"), help="cache of stable solutions")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/robustness.json"))
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        raise InputError(f"no case is called {', '.join(unknown)}; there are {', '.join(CASES)}.")
    rows = {row["case"]: row for row in known_rows(arguments.out)}
    wanted = [name for name in arguments.cases if name not in rows]
    for row in judged(wanted, arguments.references, arguments.workers):
        rows[row["case"]] = row
        print(row, flush=True)
        write(arguments.out, [rows[name] for name in CASES if name in rows])
    counts = write(arguments.out, [rows[name] for name in CASES if name in rows])
    print_table([rows[name] for name in CASES if name in rows], f"{len(rows)} hard cases: {counts}")


def judged(names: list[str], references: Path, workers: int) -> Iterator[dict[str, Any]]:
    """Rows as they come, from processes that have a core each."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # of the processes to come
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        for done in concurrent.futures.as_completed([pool.submit(judge, name, references) for name in names]):
            yield done.result()


def write(path: Path, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Stores the rows; how many cases each program converges and solves."""
    counts = {
        f"{program}_{what}": sum(row[f"{program}_{what}"] for row in rows)
        for program in ("nnks", "pyscf")
        for what in ("converged", "solved")
    }
    store(path, {"tolerance_Ha": TOLERANCE, "steps": STEPS} | counts, rows)
    return counts


if __name__ == "__main__":
    main()
