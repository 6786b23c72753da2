"""Runs of stored sweeps once more: does this code reach the energies that an earlier one stored?

Run:      .venv/bin/python -m benchmarks.stored_numbers [--sweeps accuracy quickstart limit] [--most 0] [--store FILE]
Cost:     about 8 s a Gaussian run and a minute a neural one on two cores; all three sweeps an hour

Each run starts from its stored config, in a folder of its own, without a reference or W&B. What must agree is the final
energy: within 1e-9 Ha where the optimizer ends at a stationary point of Gaussian orbitals, and within 1e-6 Ha for
neural ones, whose training is a chain of many roundings. With `--most`, as many runs of each sweep are taken, spread
over it. With `--store`, the energies are written to a JSON file, and compared with those that are in it if it exists:
that is how two states of the code are compared on runs that have no stored energy of their own. Exit status 1 where an
energy differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import print_table
from nnks.ansatz import ANSATZE
from nnks.config import ConfigDict, override
from nnks.config.files import from_dict
from nnks.runs.experiment import run
from nnks.tracking.files import read_json, write_json
from nnks.tracking.store import list_runs

STORED = Path("results/stored")

GAUSSIAN, NEURAL = 1e-9, 1e-6
"""How far energies may be apart [Ha], of orbitals in a Gaussian basis and of others."""


def stored_runs(sweep: str, most: int) -> Iterator[tuple[str, ConfigDict, float]]:
    """Name, config and energy [Ha] of each run of a stored sweep, or of `most` that are spread over it."""
    records = sorted(list_runs(STORED / sweep), key=lambda record: str(record.path))
    stride = max(1, len(records) // most) if most else 1
    for record in records[::stride][: most or None]:
        energy = record.summary["energies"]["total"]
        changes = {
            "reference.pyscf": False,
            "reference.large_basis": "",
            "tracking.wandb": "disabled",
            "tracking.console": False,
        }
        yield f"{sweep}/{record.path.name}", override(from_dict(record.config), changes), energy


def tolerance(config: ConfigDict) -> float:
    """How far the energies of a run may be apart [Ha]."""
    return GAUSSIAN if hasattr(ANSATZE[config.ansatz.name].make, "coordinates") else NEURAL


def main() -> int:
    """Runs, compares, prints a table of what was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", nargs="+", default=["accuracy", "quickstart", "limit"], help="below results/stored")
    parser.add_argument("--most", type=int, default=0, help="runs of each sweep; 0 for all")
    parser.add_argument("--store", type=Path, help="a JSON file of energies, compared with if it exists, else written")
    options = parser.parse_args()
    former: dict[str, Any] = (read_json(options.store) or {}) if options.store else {}
    rows, energies, differs = [], {}, 0
    for sweep in options.sweeps:
        for name, config, stored in stored_runs(sweep, options.most):
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                summary = run(config, folder, quiet=True).values
            energies[name] = summary["energies"]["total"]
            difference = energies[name] - former.get(name, stored)
            same = abs(difference) <= tolerance(config)
            differs += not same
            rows.append(
                {
                    "run": name,
                    "label": summary["label"],
                    "energy [Ha]": energies[name],
                    "difference [Ha]": f"{difference:.1e}",
                    "same": "yes" if same else "NO",
                    "s": time.perf_counter() - started,
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    if options.store and not former:
        write_json(options.store, energies)
    print_table(rows, f"{len(rows)} runs, {differs} of which differ from what was stored")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
