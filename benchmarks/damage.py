"""Stores whose files are damaged, and what `nnks sweep`, `report` and `ls` make of them.

Run:      .venv/bin/python -m benchmarks.damage [--damages 300] [--seed 0] [--out results/benchmarks/damage.json]
Cost:     about 5 s a damage on two cores

A sweep of three optimizers (benchmarks/damage_sweep.py) is stored twice: finished, and as a killed process leaves it.
Each damage is done to one file of a copy. The sweep is then run again, reported and listed. Its energies must be those
of the undamaged one, bit for bit. A row of metrics must be as it was, or be missing with a line that names the file.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nnks.tracking.cache import VARIABLE

SWEEP = Path(__file__).with_name("damage_sweep.py")
STATES = ("finished", "interrupted")
OUTCOMES = ("recovered", "refused", "wrong", "traceback")


def flip(data: bytes, chance: random.Random) -> bytes:
    """One bit of one byte is another."""
    if not data:
        return b"\x01"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    """The end is missing."""
    return data[: chance.randrange(max(1, len(data)))]


KINDS: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "flipped": flip,
    "cut": cut,
    "emptied": lambda data, chance: b"",
    "deleted": lambda data, chance: None,
    "a list": lambda data, chance: b"[]",
    "a number": lambda data, chance: b"5",
    "null": lambda data, chance: b"null",
    "binary": lambda data, chance: chance.randbytes(300),
    "nested": lambda data, chance: b'{"a":' * 5000,
    "a folder": lambda data, chance: None,
}
"""What takes the place of a file's bytes; None for nothing."""

FILES = {
    "checkpoint": "*/*/checkpoints/*/**/*",
    "metrics": "*/*/metrics.jsonl",
    "config": "*/*/config.json",
    "summary": "*/*/summary.json",
    "environment": "*/*/environment.json",
    "slice": "*/*/slice.npz",
    "experiment": "*/experiment.json",
    "reference": "references/*.json",
}
"""Patterns of the files that are damaged."""


@dataclasses.dataclass
class Trial:
    """One damage and what came of it.

    Attributes:
        state: of the store.
        file: that was damaged, in the store.
        kind: of damage.
        outcome: one of `OUTCOMES`.
        why: what is not as it should be; empty for nothing.
        said: the standard error of the three commands.
    """

    state: str
    file: str
    kind: str
    outcome: str = ""
    why: str = ""
    said: str = ""


def call(*arguments: str) -> tuple[int | str, str]:
    """A command's exit status (the name of what it raised) and standard error."""
    from nnks.cli import main

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            status: int | str = main(list(arguments))
        except Exception as error:
            status = f"Traceback: {type(error).__name__}: {error}"
    if status in (129, 130, 143):  # a signal to the campaign, which the command has answered
        raise KeyboardInterrupt(said.getvalue())
    return status, said.getvalue()


def sweep(results: Path) -> tuple[int | str, str]:
    """The sweep, with its results in a folder, and its cache of references there, too."""
    os.environ[VARIABLE] = str(results)
    return call("sweep", f"--config={SWEEP}", f"--results={results}")


def make_stores(folder: Path) -> dict[str, Path]:
    """The sweep in each of `STATES`."""
    finished, interrupted = (folder / state for state in STATES)
    status, said = sweep(finished)
    if status != 0:
        raise SystemExit(said)
    shutil.copytree(finished, interrupted)
    for run in sorted(interrupted.glob("*/*/summary.json")):
        interrupt(run.parent)
    return {"finished": finished, "interrupted": interrupted}


def interrupt(run: Path) -> None:
    """Makes of a finished run what a kill three steps before its end leaves: an older checkpoint, and half a line."""
    for name in ("summary.json", "slice.npz"):
        (run / name).unlink(missing_ok=True)
    metrics = run / "metrics.jsonl"
    lines = metrics.read_bytes().splitlines(keepends=True)
    last = max(0, len(lines) - 3)  # direct minimization takes few steps
    metrics.write_bytes(b"".join(lines[:last]) + lines[last][:20])
    saved = sorted((run / "checkpoints").iterdir(), key=lambda path: int(path.name))
    if len(saved) > 1:
        shutil.rmtree(saved[-1])


def stored(results: Path) -> dict[str, tuple[dict[int, Any], Any]]:
    """Rows by step, without times, and energies of every finished run by its label."""
    from nnks.tracking import list_runs

    numbers = {}
    for run in list_runs(results):
        if (
            run.summary and run.summary.get("status") == "finished"
        ):  # its label is in the config, too, which may be damaged
            rows = {row["step"]: {k: v for k, v in row.items() if not k.startswith("time/")} for row in run.metrics}
            numbers[run.summary["label"]] = rows, run.summary.get("energies")
    return numbers


def damage(path: Path, kind: str, chance: random.Random) -> None:
    """Puts something else in the place of a file."""
    data = KINDS[kind](path.read_bytes(), chance)
    path.unlink()
    if kind == "a folder":
        path.mkdir()
        (path / "inside").write_text("x")
    elif data is not None:
        path.write_bytes(data)


def choose(results: Path, what: str, chance: random.Random) -> Path | None:
    """A file of a kind; None where the store has none."""
    files = sorted(path for path in results.glob(FILES[what]) if path.is_file())
    return chance.choice(files) if files else None


def attempt(store: Path, work: Path, file: Path, kind: str, truth: dict[str, Any], chance: random.Random) -> Trial:
    """Damages one file of a copy and runs the three commands on it.

    Args:
        store: the undamaged results.
        work: a folder for the copy, which is removed.
        file: in the store.
        kind: of damage.
        truth: what `stored` says of the undamaged sweep.
        chance: for what the kind leaves open.
    """
    trial = Trial(store.name, file.relative_to(store).as_posix(), kind)
    results = Path(tempfile.mkdtemp(dir=work)) / "results"
    shutil.copytree(store, results)
    damage(results / trial.file, kind, chance)
    answers = [sweep(results)]
    answers += [call("report", str(results / SWEEP.stem)), call("ls", str(results))]
    with contextlib.redirect_stderr(io.StringIO()):
        numbers = stored(results)
    shutil.rmtree(results.parent)
    trial.said = "".join(said for _, said in answers).replace(str(results), "results")
    trial.outcome, trial.why = judge(answers, numbers, truth, trial)
    return trial


def judge(answers: list[tuple[int | str, str]], numbers: Any, truth: Any, trial: Trial) -> tuple[str, str]:
    """The outcome of a trial, and why it is not "recovered"."""
    broken = ("Traceback", "internal error")
    if bad := [f"{status}: {said}" for status, said in answers if any(mark in f"{status}{said}" for mark in broken)]:
        return "traceback", bad[0]
    for label, (rows, energies) in numbers.items():
        known, total = truth.get(label, ({}, None))
        if energies != total:
            return "wrong", f"{label}: energies {energies}, not {total}"
        if changed := [step for step, row in rows.items() if row != known.get(step)]:
            return "wrong", f"{label}: rows {changed}"
        if len(rows) < len(known) and "metrics.jsonl" not in trial.said:
            return "wrong", f"{label}: {len(known) - len(rows)} rows are missing without a word"
    if refusals := [said for status, said in answers if status != 0]:
        lines = [line for said in refusals for line in said.splitlines() if line.startswith("nnks: ")]
        return ("refused", lines[-1]) if lines else ("traceback", f"no sentence: {refusals}")
    missing = truth.keys() - numbers.keys()
    return ("wrong", f"{sorted(missing)} are missing without a word") if missing else ("recovered", "")


def trials(stores: dict[str, Path], work: Path, number: int, chance: random.Random) -> Iterator[Trial]:
    """Damages by chance, every kind and every file as often."""
    truth = stored(stores["finished"])
    cases = [(what, kind) for what in FILES for kind in KINDS]
    chance.shuffle(cases)
    done = 0
    while done < number:
        for what, kind in cases:
            store = stores[chance.choice(STATES)]
            if done < number and (file := choose(store, what, chance)):
                done += 1
                yield attempt(store, work, file, kind, truth, chance)


def count(done: list[Trial]) -> list[dict[str, Any]]:
    """A row for each kind of file, and one for all."""
    rows = []
    for what in (*FILES, "all"):
        some = [trial for trial in done if what in ("all", kind_of(trial.file))]
        counts = {outcome: sum(trial.outcome == outcome for trial in some) for outcome in OUTCOMES}
        rows.append({"file": what, "tried": len(some), **counts})
    return rows


def kind_of(file: str) -> str:
    """The key of `FILES` that a file of a store belongs to."""
    if file.startswith("references/"):
        return "reference"
    return "checkpoint" if "/checkpoints/" in file else Path(file).stem


def main() -> None:
    from benchmarks.common import print_table, store

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/damage.json"))
    arguments = parser.parse_args()
    done: list[Trial] = []
    with tempfile.TemporaryDirectory() as folder:
        stores = make_stores(Path(folder))
        for trial in trials(stores, Path(folder), arguments.damages, random.Random(arguments.seed)):
            done.append(trial)
            print(f"{len(done)}: {trial.state}, {trial.file}, {trial.kind}: {trial.outcome} {trial.why}", flush=True)
            bad = [dataclasses.asdict(each) for each in done if each.outcome in ("wrong", "traceback")]
            refused = [dataclasses.asdict(each) for each in done if each.outcome == "refused"]
            store(arguments.out, {"seed": arguments.seed}, count(done), bad=bad, refused=refused)
    print_table(count(done), f"{len(done)} damages")
    raise SystemExit(any(trial.outcome in ("wrong", "traceback") for trial in done))


if __name__ == "__main__":
    main()
