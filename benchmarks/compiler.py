"""What the flags of `nnks/compiler.py` gain: seconds of a gradient, and areas of memory that its program maps.

Run:      .venv/bin/python -m benchmarks.compiler [--rounds 3]
Cost:     five minutes on two idle cores

Each case is a process, with the flags and without, in turn. A step is the energy and its gradient on the full grid,
the median of five after the one that compiles. Writes results/benchmarks/compiler.json and prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STORE = Path("results/benchmarks/compiler.json")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "benzene, lcgto": ("gaussian", {"system.molecule": "benzene"}),
    "water, residual": ("gaussian", {"system.molecule": "water", "ansatz.name": "residual"}),
    "water, neural_basis": ("neural", {"system.molecule": "water"}),
    "formaldehyde, learned_basis": (
        "learned_basis",
        {"system.molecules": "", "system.molecule": "H2CO", "training.molecules": None},
    ),
}


def measure(case: str, flags: bool) -> dict[str, float]:
    """A case in this process."""
    import jax

    if not flags:  # XLA reads none after a device has been asked for
        jax.block_until_ready(jax.numpy.ones(1))
    from nnks import compiler

    if not flags:
        compiler.FEW_PIECES.clear()  # before a program is declared with them
    from nnks import setup
    from nnks.config import load_config
    from nnks.training.passes import gradient

    name, changes = CASES[case]
    config = load_config(name, changes)
    problem = setup.make_problem(setup.make_system(config))
    params, key = problem.init_params(setup.run_key(config)), jax.random.key(0)
    jax.clear_caches()
    before, started = compiler.areas(), time.perf_counter()
    (_, evaluated), _ = jax.block_until_ready(gradient(problem, params, key, 0))
    compiling, params, seconds = time.perf_counter() - started, evaluated.remember(params), []
    for _ in range(5):
        started = time.perf_counter()
        jax.block_until_ready(gradient(problem, params, key, 0))
        seconds.append(time.perf_counter() - started)
    return {"step_s": statistics.median(seconds), "first_s": compiling, "areas": compiler.areas() - before}


def main() -> None:
    """Starts the processes, in turn, and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.child[0], asked.child[1] == "with")))
        return
    from benchmarks.common import print_table, store  # which imports nnks, and so sets the flags

    plain = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}  # which this process has set
    measured: dict[tuple[str, str], list[dict[str, float]]] = {}
    for _ in range(asked.rounds):
        for case in CASES:
            for kind in ("with", "without"):
                command = [sys.executable, "-m", "benchmarks.compiler", "--child", case, kind]
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=plain)
                measured.setdefault((case, kind), []).append(json.loads(done.stdout.splitlines()[-1]))
    rows = [
        {"case": case, "flags": kind, **{name: statistics.median(run[name] for run in runs) for name in runs[0]}}
        for (case, kind), runs in measured.items()
    ]
    store(STORE, {"rounds": asked.rounds}, rows)
    print_table(rows, "a gradient with the flags of nnks/compiler.py, and without")


if __name__ == "__main__":
    main()
