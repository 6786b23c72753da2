"""How long 1,000 stored runs take to list, filter, read with all steps, and export.

    python -m benchmarks.store [--runs=1000] [--steps=60]

The runs are made for this: the config of every run is complete, summaries and steps have the keys and the digits of
real ones, energies are drawn at random. Files are in the system's cache, as after the runs themselves; `nnks ls` is a
process of its own, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnks.analysis.conditions import select
from nnks.analysis.export import metrics_frame, runs_frame, write_frame
from nnks.analysis.listing import stored_runs
from nnks.config import default_config, override, to_dict
from nnks.energies import STANDARD, TOTAL
from nnks.tracking.record import config_hash
from nnks.tracking.store import list_runs

MOLECULES = ("H2", "He", "LiH", "water", "N2", "CH4", "CO", "benzene", "NH3", "O2")
ANSATZE = ("lcgto", "residual", "neural_basis", "local_scaling", "gaussian_learned")
SEEDS = 5
REPEATS = 3


def make_runs(folder: Path, runs: int, steps: int) -> None:
    """Stores runs as `nnks sweep` would, spread over five experiments."""
    draw = random.Random(0)
    members = [to_dict(override(default_config(), {"ansatz.name": name})) for name in ANSATZE]
    environment = {"commit": "0" * 40, "versions": {name: "1.0.0" for name in ("nnks", "jax", "numpy", "pyscf")}}
    for n in range(runs):
        config: dict[str, Any] = json.loads(json.dumps(members[n % len(members)]))
        config["system"]["molecule"] = MOLECULES[n // len(members) % len(MOLECULES)]
        config["training"] |= {"seed": n // 50 % SEEDS, "steps": 100 + n // 250}
        config["experiment"] = f"experiment-{n % 5}"
        seed = config["training"]["seed"]
        path = folder / config["experiment"] / f"20260101-{config_hash(config)}-s{seed}"
        (path / "checkpoints").mkdir(parents=True)
        energies = {term: -100.0 * draw.random() for term in (TOTAL, *STANDARD)}
        references = {f"pyscf/{basis}": -100.0 * draw.random() for basis in ("6-31g", "cc-pvqz", "pcseg-4")}
        summary = {
            "config_hash": config_hash(config),
            "seed": seed,
            "label": f"{config['system']['molecule']} / {config['ansatz']['name']} / 6-31g",
            "status": "finished",
            "energies": energies,
            "converged": True,
            "seconds": draw.random(),
            "orbital_energies": [[-draw.random() for _ in range(5)]],
            "reference": references,
            "reference_terms": {name: energies for name in references},
            "reference_same": "pyscf/6-31g",
            "reference_large": "pyscf/pcseg-4",
        } | {key: draw.random() for key in ("electrons", "virial", "orthonormality", "quadrature_error")}
        numbers = (
            *(f"energy/{term}" for term in (TOTAL, *STANDARD)),
            "grad/norm",
            "time/step_s",
            "time/elapsed_s",
            "energy/change",
        )
        lines = [json.dumps({"step": step + 1} | {name: draw.random() for name in numbers}) for step in range(steps)]
        (path / "config.json").write_text(json.dumps(config, indent=1))
        (path / "environment.json").write_text(json.dumps(environment, indent=1))
        (path / "summary.json").write_text(json.dumps(summary | {"steps": steps, "evaluations": steps + 2}, indent=1))
        (path / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def seconds(task: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor seconds, the least of a few repeats: what other work adds to the first is not the store's."""
    walls, processors = [], []
    for _ in range(REPEATS):
        started, before = time.perf_counter(), sum(os.times()[:4])  # own and children's, user and system
        task()
        walls.append(time.perf_counter() - started)
        processors.append(sum(os.times()[:4]) - before)
    return min(walls), min(processors)


def measure(folder: Path, target: Path) -> dict[str, tuple[float, float]]:
    """Wall and processor seconds of each task."""
    conditions = ["ansatz.name=residual", "training.seed<3", "molecule=w*"]
    listed = ["-m", "nnks.cli", "ls", str(folder), "--where", *conditions, "--sort=error"]
    return {
        "read configs and summaries": seconds(lambda: [(run.config, run.summary) for run in list_runs(folder)]),
        "the table of runs, references shared": seconds(lambda: stored_runs(folder)),
        "filter by three values": seconds(lambda: select(stored_runs(folder), conditions)),
        "nnks ls, a process": seconds(
            lambda: subprocess.run([sys.executable, *listed], check=True, capture_output=True)
        ),
        "read all steps": seconds(lambda: [run.metrics for run in list_runs(folder)]),
        "export runs to CSV": seconds(lambda: write_frame(runs_frame(stored_runs(folder)), target / "a.csv")),
        "export runs to Parquet": seconds(lambda: write_frame(runs_frame(stored_runs(folder)), target / "a.parquet")),
        "export steps to Parquet": seconds(
            lambda: write_frame(metrics_frame(stored_runs(folder)), target / "b.parquet")
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "results"
        make_runs(folder, options.runs, options.steps)
        listed = list_runs(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print(
            f"{len(listed)} runs of {options.steps} steps, {size:.0f} MB; least of {REPEATS}, wall and processor [s]; "
            f"load {os.getloadavg()[0]:.1f}"
        )
        for task, (wall, processor) in measure(folder, Path(temporary)).items():
            print(f"  {task:40s} {wall:6.2f} {processor:6.2f}")


if __name__ == "__main__":
    main()
