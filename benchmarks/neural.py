"""How long does the neural recipe train until it beats Gaussians in cc-pVQZ, and until it is at the basis limit?

Run:      .venv/bin/python benchmarks/neural.py [--molecules H2O] [--xc lda,vwn pbe,pbe] [--pyscf-threads 2]
Cost:     eight processor minutes for water in both functionals; nine minutes on two cores that did other work, too

The recipe is `configs/neural.py`, unchanged. It runs twice in this process: `cold` with compilation, `warm` without.
Seconds count from the config on, so that building the grid, the integrals and the first guess is part of them; the
final evaluation is not. A target is reached when the energy of a step, on the training grid, first lies below it:
PySCF's energy in cc-pVQZ, and 0.1 mHa above PySCF's in pcseg-4. The column `final_Ha` is the energy on the final grid
with Poisson's equation, which is what a run reports; `above_pcseg4_mHa` is its distance from pcseg-4. PySCF's seconds
are those of `kernel()` from building its grid of level 5 on; in pcseg-4 its Coulomb energy is fitted in a large
even-tempered set, which is faster than four-center integrals and changes the energy by microhartrees. Writes
results/stored/benchmarks/neural.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.common import Minimized, Solved, kohn_sham, minimize, print_table, store
from nnks.config import load_config
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule

LEVEL = 5
"""PySCF's grid for both bases."""

WITHIN = 1e-4
"""What counts as at the limit: above pcseg-4 by less than this [Ha]."""


def compare(name: str, xc: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """PySCF in both bases, then the recipe twice; rows of the table, and the energies of every step."""
    molecule = Molecule.from_spec(name)
    quadruple = kohn_sham(make_mole(molecule, "cc-pvqz"), xc, LEVEL)
    limit = kohn_sham(make_mole(molecule, "pcseg-4"), xc, LEVEL, fitted=True, auxiliary="even_tempered")
    config = load_config("neural", {"system.molecule": name, "functional.xc": xc})
    cold, warm = minimize(config), minimize(config)
    final = warm.evaluate()
    total = final.energies["total"]

    def gaussian(basis: str, solution: Solved) -> dict[str, Any]:
        reached = solution.seconds if solution.total < limit.total + WITHIN else None
        program = f"PySCF {basis}"
        quick = solution.seconds if solution.total <= quadruple.total else None
        return _row(name, xc, program, quick, reached, solution, solution.total, solution.total - limit.total)

    def neural(program: str, minimum: Minimized) -> dict[str, Any]:
        below = minimum.first_below(quadruple.total), minimum.first_below(limit.total + WITHIN)
        return _row(name, xc, program, *below, minimum, total, total - limit.total)

    rows = [
        gaussian("cc-pVQZ", quadruple),
        gaussian("pcseg-4, fitted", limit),
        neural("nnks neural, warm", warm),
        neural("nnks neural, cold", cold),
    ]
    details = {
        "molecule": name,
        "xc": xc,
        "build_s": warm.build_s,
        "steps": warm.history,
        "evaluations": warm.evaluations,
        "parameters": warm.parameters,
        "converged": warm.converged,
        "quadrature_error_mHa": None if final.quadrature_error is None else 1e3 * final.quadrature_error,
    }
    return rows, details


def _row(
    name: str,
    xc: str,
    program: str,
    quadruple: float | None,
    limit: float | None,
    solution: Minimized | Solved,
    total: float,
    above: float,
) -> dict[str, Any]:
    return {
        "molecule": name,
        "xc": xc,
        "program": program,
        "to_cc-pVQZ_s": quadruple,
        "to_limit_s": limit,
        "build_s": getattr(solution, "build_s", None),
        "all_s": solution.seconds,
        "cpu_s": solution.cpu_s,
        "final_Ha": total,
        "above_pcseg4_mHa": 1e3 * above,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", nargs="+", default=["H2O"])
    parser.add_argument("--xc", nargs="+", default=["lda,vwn", "pbe,pbe"])
    parser.add_argument("--pyscf-threads", type=int, default=None, help="default: as many as PySCF finds")
    parser.add_argument("--out", type=Path, default=Path("results/stored/benchmarks/neural.json"))
    arguments = parser.parse_args()
    from pyscf import lib

    threads = lib.num_threads(arguments.pyscf_threads)
    rows, details = [], []
    for name in arguments.molecules:
        for xc in arguments.xc:
            compared, more = compare(name, xc)
            print_table(compared, f"{name}, {xc}: {more['evaluations']} evaluations, PySCF with {threads} threads")
            rows, details = [*rows, *compared], [*details, more]
    settings = {"recipe": "neural", "pyscf_level": LEVEL, "pyscf_threads": threads, "limit_within_mHa": 1e3 * WITHIN}
    store(arguments.out, settings, rows, neural=details)


if __name__ == "__main__":
    main()
