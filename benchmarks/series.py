"""How time and memory of one energy gradient grow along the carbon cages, beside one cycle of PySCF.

Run:      .venv/bin/python -m benchmarks.series [--molecules C20 C60 C80] [--bases sto-3g 6-31g] [--limit 600]

The measurements of `nnks reproduce scaling`, for a choice of systems and with a limit of time of one's own: every system in a process of its own,
the same functional, grid and fitting set for both programs. What was measured before in the same results is kept. Writes series.json, and
scaling.png with lines of the fitted exponents.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from nnks.reproduce import scaling
from nnks.reproduce.measure import Measurement, measure
from nnks.reproduce.study import Study, load_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", nargs="+", default=["C20", "C60", "C80", "C180"])
    parser.add_argument("--bases", nargs="+", default=["sto-3g", "6-31g"])
    parser.add_argument("--methods", nargs="+", default=list(scaling.NAMES), choices=list(scaling.NAMES))
    parser.add_argument("--limit", type=float, default=600, help="seconds for one process")
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    arguments = parser.parse_args()
    study = load_study("scaling", arguments.results, quick=False)
    wanted = [
        config
        for config in study.configs
        if config.system.molecule in arguments.molecules and config.system.basis in arguments.bases
    ]
    study = dataclasses.replace(study, configs=tuple(wanted))
    for declared in (m for m in study.measurements() if m.method in arguments.methods):
        asked = Measurement(declared.method, declared.config, arguments.limit)
        if not asked.stored(arguments.results):
            print(f"{asked.config.label}, {asked.method} ...", flush=True)
            measure(asked, arguments.results)
            write(study, arguments.results)
    rows, found = write(study, arguments.results)
    print_table(rows, f"exponents of time: {found}; not measured: {study.unfinished()}")


def write(study: Study, results: Path) -> tuple[list[dict[str, Any]], dict[str, float | None]]:
    """Stores what is measured so far, with its figure; its rows and exponents."""
    points = scaling.collect(study)
    rows = [dataclasses.asdict(point) for point in points]
    found = {f"{method}, {basis}": scaling.exponent(own) for (method, basis), own in scaling.groups(points).items()}
    store(results / "series.json", {"exponents": found, "unfinished": study.unfinished()}, rows)
    if points:
        scaling.draw(points, results / "scaling.png")
    return rows, found


if __name__ == "__main__":
    main()
