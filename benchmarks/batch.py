"""What 32 runs cost as one program, beside one run, and whether their numbers are those of single runs.

Run:      .venv/bin/python -m benchmarks.batch [--members 32] [--steps 200]
Cost:     a minute and a half on two cores

Three sweeps of Adam on H2 from random orbitals, each in a process of its own: one seed, 32 seeds trained together, 32
seeds one by one (`--batch=off`). The first two are run with an empty cache of compiled programs (cold) and again with
what that left (warm); seconds are those of the whole process, imports, building and final evaluations included. Writes
results/stored/benchmarks/batch.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import print_table, store
from nnks.tracking.store import list_runs

CONFIG = '''"""H2 from random orbitals."""
from nnks.ablation import Ablation
from nnks.config import default_config

ABLATION = Ablation(claim="Seeds.", axes={{"optimizer.name": ("adam",)}}, seeds=range({members}))


def get_config():
    c = default_config()
    c.experiment, c.system.molecule, c.quadrature.level = "batch", "H2", 1
    c.ansatz = {{"name": "lcgto", "guess": "random"}}
    c.optimizer = {{"name": "adam", "learning_rate": 0.03}}
    c.reference.pyscf, c.reference.large_basis = False, ""
    c.training.checkpoint_steps, c.training.steps = 0, {steps}
    return c
'''


def sweep(folder: Path, members: int, steps: int, cache: Path, batch: str = "auto") -> float:
    """Seconds of the process."""
    folder.mkdir(parents=True)
    config = folder / "config.py"
    config.write_text(CONFIG.format(members=members, steps=steps))
    command = [
        sys.executable,
        "-m",
        "nnks.cli",
        "sweep",
        f"--config={config}",
        f"--results={folder}",
        f"--batch={batch}",
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"NNKS_CACHE": str(cache)})
    return time.perf_counter() - started


def totals(folder: Path) -> dict[int, float]:
    """Final energies [Ha] by seed."""
    return {run.seed: run.summary["energies"]["total"] for run in list_runs(folder / "batch") if run.summary}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("results/stored/benchmarks/batch.json"))
    arguments = parser.parse_args()
    n, steps = arguments.members, arguments.steps
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        rows = []
        for cache in ("cold", "warm"):
            one = sweep(here / f"one-{cache}", 1, steps, here / "cache-one")
            together = sweep(here / f"together-{cache}", n, steps, here / "cache-together")
            rows.append({"cache": cache, "one_s": one, "together_s": together, "ratio": together / one})
        singles = sweep(here / "singles", n, steps, here / "cache-one", batch="off")
        energies, expected = totals(here / "together-warm"), totals(here / "singles")
        assert len(energies) == len(expected) == n
        apart = max(abs(energies[seed] - energy) for seed, energy in expected.items())
    about = {"members": n, "steps": steps, "one_by_one_s": singles, "largest_difference_Ha": apart}
    store(arguments.out, about, rows)
    print_table(rows, f"{n} runs as one program: {about}")


if __name__ == "__main__":
    main()
