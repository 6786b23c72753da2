"""Time to a converged energy with Gaussian orbitals: nnks's L-BFGS beside PySCF's RKS, same basis, grid and Hartree method.

Run:      .venv/bin/python benchmarks/gaussian.py [--molecules H2O C6H6] [--basis 6-31g] [--level 3] [--repeats 3]

Both run in this process on one machine, in turn, and the table gives medians and the ratio. PySCF's time is that of
`kernel()` from building the grid on; nnks's is that of building the problem and minimizing, `cold` with compilation and
`warm` without (a second problem of the same shapes in one process). Both use the cores that they find; set OMP_NUM_THREADS
for PySCF's. Energies differ by a few nHa to µHa because PySCF's defaults leave out points of low density. Writes
results/stored/benchmarks/gaussian.json.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from nnks import build
from nnks.config import default_config, override
from nnks.evaluation import evaluate
from nnks.tracking import environment
from nnks.tracking.files import write_json
from nnks.training import Convergence, initial_state, iterate


def minimize(config):
    """Builds and minimizes as `nnks run` does; returns seconds, evaluations and the total [Ha]."""
    started = time.perf_counter()
    system = build.make_system(config)
    problem = build.make_problem(system)
    optimizer, key = build.make_optimizer(config, problem), build.run_key(config)
    params = problem.model.ansatz.init_params(key)
    state = initial_state(params, optimizer.init(problem, params, key), key)
    convergence = Convergence(1e-8, 1e-4)
    for progress in iterate(optimizer.make_step(problem), state, until=config.training.steps):
        state = progress.state
        if convergence.reached(progress.metrics):
            break
    seconds = time.perf_counter() - started
    return seconds, int(state.evaluations), evaluate(system, problem, state.params).energies["total"]


def pyscf(config):
    """PySCF's own calculation with its defaults, to the same threshold."""
    from pyscf import dft

    mole = build.make_system(config).mole
    started = time.perf_counter()
    mf = dft.RKS(mole, xc=config.functional.xc)
    if config.functional.hartree == "density_fitting":
        mf = mf.density_fit()
    mf.grids.level, mf.conv_tol, mf.verbose, mf.chkfile = config.quadrature.level, 1e-8, 0, None
    total = mf.kernel()
    return time.perf_counter() - started, mf.cycles, float(total)


def compare(molecule: str, hartree: str, arguments: argparse.Namespace) -> dict:
    """Both programs in turn, several times."""
    config = override(
        default_config(),
        {
            "system.molecule": molecule,
            "system.basis": arguments.basis,
            "quadrature.level": arguments.level,
            "functional.hartree": hartree,
        },
    )
    runs = [(minimize(config), pyscf(config)) for _ in range(arguments.repeats + 1)]
    ours, theirs = [r[0] for r in runs], [r[1] for r in runs]
    warm, other = (statistics.median(x[0] for x in side[1:]) for side in (ours, theirs))
    return {
        "molecule": molecule,
        "hartree": hartree,
        "nnks_cold_s": ours[0][0],
        "nnks_warm_s": warm,
        "pyscf_s": other,
        "ratio_warm": warm / other,
        "evaluations": ours[-1][1],
        "cycles": theirs[-1][1],
        "difference_mHa": 1e3 * (ours[-1][2] - theirs[-1][2]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", nargs="+", default=["H2O", "C6H6"])
    parser.add_argument("--basis", default="6-31g")
    parser.add_argument("--level", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/stored/benchmarks/gaussian.json"))
    arguments = parser.parse_args()
    rows = [compare(m, h, arguments) for m in arguments.molecules for h in ("exact", "density_fitting")]
    table = Table(*rows[0], title=f"{arguments.basis}, level {arguments.level}, median of {arguments.repeats}")
    for row in rows:
        table.add_row(*(f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values()))
    Console(width=140).print(table)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    settings = {"basis": arguments.basis, "level": arguments.level, "repeats": arguments.repeats}
    write_json(arguments.out, {"settings": settings, "rows": rows, "environment": environment()})


if __name__ == "__main__":
    main()
