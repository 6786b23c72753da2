"""How long `nnks run --dry-run` takes, as a whole command: Python, imports, plan and print.

    python -m benchmarks.dry_run [--repeats=5]

Prints the least wall time and the least processor time of some repeats, and for comparison what importing JAX alone
takes. Nothing is computed in a dry run, so that most of it is imports: where Python may not write bytecode, nnks is
compiled every time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

MOLECULES = ("H2", "water", "benzene", "C20", "C60")
RECIPES = ("gaussian", "residual")


def measured(command: list[str], repeats: int) -> tuple[float, float]:
    """The least wall time and processor time of a command [s]."""
    wall, busy = [], []
    for _ in range(repeats):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.perf_counter() - start)
        busy.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(wall), min(busy)


def main() -> None:
    """Prints a row for each command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    commands = {"import jax": ["-c", "import jax"]}
    for ansatz in RECIPES:
        for molecule in MOLECULES:
            changes = [f"--config.system.molecule={molecule}"]
            if ansatz != "gaussian":
                changes += [f"--config.ansatz.name={ansatz}", "--config.optimizer.name=natural_gradient"]
            commands[f"{molecule}, {ansatz}"] = ["-m", "nnks.cli", "run", "--config=gaussian", *changes, "--dry-run"]
    print(f"{'':24s} {'wall [s]':>9s} {'processor [s]':>14s}")
    for name, command in commands.items():
        wall, busy = measured(command, repeats)
        print(f"{name:24s} {wall:9.2f} {busy:14.2f}", flush=True)


if __name__ == "__main__":
    main()
