"""How long whole commands take, and where the seconds of a small run go.

    flock LOCK python -m benchmarks.overhead [--repeats=5] [--results=results/benchmarks] [--page]

Every command is a process of its own; they are started in turn, so that what else the machine does meets all of them,
and their medians are stored. Caches of compiled programs and of references are filled before, in folders of this
benchmark's own; the cold run has an empty one. `--page` writes `docs/speed.md` from what is stored, and measures
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from nnks.analysis.text import markdown_table
from nnks.tracking.files import read_json, replace_text

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("--config=gaussian", "--config.system.molecule=H2", "--config.system.basis=6-31g", "--again")
PYSCF = """
from pyscf import dft, gto
mf = dft.RKS(gto.M(atom="H 0 0 0; H 0 0 1.4", basis="6-31g", unit="Bohr", verbose=0), xc="lda,vwn")
mf.conv_tol = 1e-8
mf.kernel()
"""

GOALS = {"nnks --help": 0.2, "nnks run, caches filled": 3.5, "nnks report, 30 runs": 5.0}
"""Seconds that commands may take on a machine which does nothing else."""

PHASES = """
import json, sys, time
started = last = time.perf_counter()
spent = {}
def until(name):
    global last
    now = time.perf_counter()
    spent[name] = spent.get(name, 0.0) + now - last
    last = now
import jax; until("import JAX")
import nnks.runs.experiment, nnks.config; nnks.config.default_config(); until("import flax, optax and nnks")
import pyscf.dft; until("import PySCF")
import orbax.checkpoint; until("import orbax")
programs = {}
def listen(event, seconds, **_):
    programs.setdefault(event, []).append(seconds)
jax.monitoring.register_event_duration_secs_listener(listen)
import nnks.runs.experiment as experiment
from nnks.cli import main
def phase(owner, name, before, after):
    call = getattr(owner, name)
    def timed(*arguments, **named):
        until(before)
        out = call(*arguments, **named)
        until(after)
        return out
    setattr(owner, name, timed)
phase(experiment, "plan", "read the config", "build the problem and its first guess")
phase(experiment.Run, "open", "make the run's folder", "begin or restore the state")
phase(experiment.Run, "_train", "begin or restore the state", "train")
phase(experiment, "evaluate", "store and print", "evaluate the final energy")
main(sys.argv[1:])
until("store and print")
part = {event.rsplit("/", 1)[-1]: sum(seconds) for event, seconds in programs.items()}
made = {
    "trace": part["jaxpr_trace_duration"],
    "lower": part["jaxpr_to_mlir_module_duration"],
    "load or compile": part["backend_compile_duration"],
}
made["programs"] = len(programs["/jax/core/compile/backend_compile_duration"])
print(json.dumps({"phases": spent, "programs": made}), file=sys.stderr)
"""
"""A run that tells its phases: the same modules and functions, timed where one hands over to the next."""


def timed(command: Sequence[str], environment: Mapping[str, str]) -> tuple[dict[str, float], str]:
    """Wall and processor seconds of a command of Python, and what it wrote on standard error."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall_s": wall, "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}, done.stderr


def measure(repeats: int, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of commands, and the phases of a small run; medians."""
    nnks, results = ("-m", "nnks.cli"), f"--results={folder / 'runs'}"
    warm = os.environ | {"NNKS_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    sweep = shutil.copytree(ROOT / "results" / "stored" / "quickstart_full", folder / "quickstart_full")
    commands = {
        "nnks --help": (*nnks, "--help"),
        "nnks run, caches filled": (*nnks, "run", *SMALL, results),
        "nnks run, caches filled, without W&B": (*nnks, "run", *SMALL, results, "--config.tracking.wandb=disabled"),
        "nnks run, no compiled programs": (*nnks, "run", *SMALL, results),
        "nnks report, 30 runs": (*nnks, "report", str(sweep)),
        "PySCF, the same energy": ("-c", PYSCF),
        "phases": ("-c", PHASES, "run", *SMALL, results),
    }
    for name in ("nnks run, caches filled", "nnks run, caches filled, without W&B", "phases", "PySCF, the same energy"):
        timed(commands[name], warm)
    timings: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    told: list[dict[str, Any]] = []
    for n in range(repeats):
        for name, command in commands.items():
            cold = {"NNKS_CACHE": str(folder / f"cold{n}")} if "no compiled" in name else {}
            seconds, said = timed(command, warm | cold)
            timings[name].append(seconds)
            if name == "phases":
                told.append(json.loads(said.splitlines()[-1]))
    rows = [
        {"command": name} | {key: statistics.median(each[key] for each in times) for key in times[0]}
        for name, times in timings.items()
        if name != "phases"
    ]
    middle = {
        group: {key: statistics.median(each[group][key] for each in told) for key in told[0][group]}
        for group in told[0]
    }
    return rows, middle


def page(stored: Mapping[str, Any]) -> str:
    """The text of `docs/speed.md`."""
    environment, programs = stored["environment"], stored["programs"]
    commands = [
        {
            "command": row["command"],
            "goal [s]": f"{GOALS[row['command']]:g}" if row["command"] in GOALS else "-",
            "wall [s]": f"{row['wall_s']:.2f}",
            "processor [s]": f"{row['cpu_s']:.2f}",
        }
        for row in stored["rows"]
    ]
    phases = [{"phase": name, "wall [s]": f"{seconds:.2f}"} for name, seconds in stored["phases"].items()]
    made = [
        {"of all programs": name, "seconds": f"{programs[name]:.2f}"} for name in ("trace", "lower", "load or compile")
    ]
    load = f"load {environment['load'][0]:.1f} at the end"
    return TEXT.format(
        repeats=stored["settings"]["repeats"],
        commands=markdown_table(commands),
        phases=markdown_table(phases),
        count=f"{programs['programs']:g}",
        made=markdown_table(made),
        machine=f"{environment['device']}, {environment['cpus']} cores ({environment['processor']}), {load}, "
        f"{environment['started'][:10]}",
    )


TEXT = """# Where the seconds go

Written by `python -m benchmarks.overhead --page` from `results/benchmarks/overhead.json`.
Every number is a median of {repeats} processes, which were started in turn.
Processor seconds do not tell what else a machine does; wall seconds hold for one as idle as its load says.

*{machine}.*

## Commands

The run is H2 in 6-31G with every default: four steps, two references from the cache, an offline recording for W&B.
Its first process in a user's cache folder finds no compiled programs; every later one does.

{commands}

The goals are for a machine that does nothing else.

## A small run

The phases of `nnks run` follow each other in one process.
W&B starts in a second process while the first one builds and trains, so that a run only waits for its end.

{phases}

## Programs

Such a run has {count} programs, which JAX traces, lowers, and loads from the cache of compiled ones.
Tracing and lowering are Python's work and cannot be cached.
These seconds are parts of the phases above.

{made}

## What keeps it so

- `nnks --help` imports nothing but Python's own modules, and `nnks report` no JAX.
- Every compiled program is kept on disk, small ones too: a second run compiles nothing.
- What is not differentiated is NumPy's work: an array operation outside a compiled function is a program of its own.
- A run collects garbage seldom, because imports and traces make millions of objects that stay.
- Modules that PySCF and SciPy import for others are loaded when something of them is used.
- A flag of XLA keeps sums out of a library that is slow in double precision (jaxlib 0.10.2; measured in
  `results/benchmarks/compiler.json`). A flag of your own in `XLA_FLAGS` is kept beside it.
- `tests/test_overhead.py` counts modules and programs, and measures no seconds.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    path = options.results / "overhead.json"
    if not options.page:
        with tempfile.TemporaryDirectory() as folder:
            rows, middle = measure(options.repeats, Path(folder))
        print_table(rows, "whole commands, medians")
        store(path, {"repeats": options.repeats, "run": " ".join(SMALL)}, rows, **middle)
    stored = read_json(path)
    assert stored is not None, f"{path} does not exist"
    print(f"wrote {replace_text(ROOT / 'docs' / 'speed.md', page(stored))}")


if __name__ == "__main__":
    main()
