"""How time and memory of one energy gradient grow along the carbon cages, beside one cycle of PySCF.

Run:      .venv/bin/python -m benchmarks.series [--all] [--molecules C20 C60 C80] [--bases sto-3g 6-31g] [--limit 900]

The measurements of `nnks reproduce scaling`, for a choice of systems and with a limit of time of one's own: every
system in a process of its own, the same functional, grid and fitting set for both programs; PySCF's cycles that
`benchmarks.convergence` has measured are taken over. Without `--all`, C180 in STO-3G and PySCF's C80 and C180 are left
out: twenty minutes. What this version measured before on this machine is kept. Writes series.json, and scaling.png with
lines of the fitted exponents.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from benchmarks.common import known_rows, machine, measured_here, print_table, store
from nnks.tracking.files import write_json
from nnks_paper import scaling
from nnks_paper.measure import Measurement, measure, read_measurement
from nnks_paper.study import Study, load_study

SLOWEST = (
    ("nnks-gradient", "C180", "sto-3g"),
    ("pyscf-df-cycle", "C80", "sto-3g"),
    ("pyscf-df-cycle", "C80", "6-31g"),
    ("pyscf-df-cycle", "C180", "sto-3g"),
    ("pyscf-df-cycle", "C180", "6-31g"),
)
"""What `--all` measures as well."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the slowest as well")
    parser.add_argument("--molecules", nargs="+", default=["C20", "C60", "C80", "C180"])
    parser.add_argument("--bases", nargs="+", default=["sto-3g", "6-31g"])
    parser.add_argument("--methods", nargs="+", default=list(scaling.NAMES), choices=list(scaling.NAMES))
    parser.add_argument("--limit", type=float, default=900, help="seconds for one process")
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    arguments = parser.parse_args()
    study = load_study("scaling", arguments.results, quick=False)
    wanted = [
        config
        for config in study.configs
        if config.system.molecule in arguments.molecules and config.system.basis in arguments.bases
    ]
    study = dataclasses.replace(study, configs=tuple(wanted))
    for old in study.measurements():
        timing = read_measurement(old, arguments.results)
        if timing is not None and not measured_here(timing):
            old.path(arguments.results).unlink()  # of another version or machine: no point of this line
    for declared in (m for m in study.measurements() if m.method in arguments.methods):
        asked = Measurement(declared.method, declared.config, arguments.limit)
        system = asked.config.system
        slow = (asked.method, system.molecule, system.basis) in SLOWEST
        if asked.stored(arguments.results) or (slow and not arguments.all):
            continue
        print(f"{asked.config.label}, {asked.method} ...", flush=True)
        if not taken_over(asked, arguments.results):
            measure(asked, arguments.results)
        write(study, arguments.results)
    rows, timing = write(study, arguments.results)
    print_table(rows, f"exponents of time: {timing}; not measured: {study.unfinished()}")


def taken_over(asked: Measurement, results: Path) -> bool:
    """Stores PySCF's cycle as `benchmarks.convergence` measured it on the same system, if it did."""
    system = f"{asked.config.system.molecule}/{asked.config.system.basis}/{asked.config.quadrature.level}"
    rows = known_rows(results / "convergence.json") if asked.method == "pyscf-df-cycle" else []
    row = next((row for row in rows if (row["method"], row["system"]) == ("pyscf-df", system)), {})
    if "cycle_s" not in row:
        return False
    timing = {"functions": row["functions"], "seconds": [row["cycle_s"]], "peak_GB": row["peak_GB"]}
    asked.path(results).parent.mkdir(parents=True, exist_ok=True)
    write_json(asked.path(results), asked.about | timing | {"from": "convergence.json", "environment": machine()})
    return True


def write(study: Study, results: Path) -> tuple[list[dict[str, Any]], dict[str, float | None]]:
    """Stores what is measured so far, with its figure; its rows and exponents."""
    points = scaling.collect(study)
    rows = [dataclasses.asdict(point) for point in points]
    exponents = {f"{method}, {basis}": scaling.exponent(own) for (method, basis), own in scaling.groups(points).items()}
    commits = sorted({str(timing["environment"]["commit"])[:7] for _, timing in study.timings()})
    store(results / "series.json", {"exponents": exponents, "unfinished": study.unfinished(), "commits": commits}, rows)
    if points:
        scaling.draw(points, results / "scaling.png")
    return rows, exponents


if __name__ == "__main__":
    main()
