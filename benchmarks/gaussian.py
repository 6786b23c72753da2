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
from pathlib import Path

from benchmarks.common import kohn_sham, minimize, print_table, store
from nnks import build
from nnks.config import default_config, override
from nnks.training import Convergence


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
    fitted, mole = hartree == "density_fitting", build.make_system(config).mole
    ours, theirs = [], []
    for _ in range(arguments.repeats + 1):
        ours.append(minimize(config, Convergence(1e-8, 1e-4)))
        theirs.append(kohn_sham(mole, config.functional.xc, arguments.level, fitted=fitted))
    warm, other = (statistics.median(x.seconds for x in side[1:]) for side in (ours, theirs))
    return {
        "molecule": molecule,
        "hartree": hartree,
        "nnks_cold_s": ours[0].seconds,
        "nnks_warm_s": warm,
        "pyscf_s": other,
        "ratio_warm": warm / other,
        "evaluations": ours[-1].evaluations,
        "cycles": theirs[-1].cycles,
        "difference_mHa": 1e3 * (ours[-1].evaluate().energies["total"] - theirs[-1].total),
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
    print_table(rows, f"{arguments.basis}, level {arguments.level}, median of {arguments.repeats}")
    store(arguments.out, {"basis": arguments.basis, "level": arguments.level, "repeats": arguments.repeats}, rows)


if __name__ == "__main__":
    main()
