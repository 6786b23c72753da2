"""Sweeps that are killed at random times and started again until they are finished, beside one that was left alone.

Run:      .venv/bin/python -m benchmarks.kills [--kills 100] [--seed 0] [--modes "SIGKILL, 1 process" ...]
Cost:     about 15 s a kill on two cores

The sweep has every kind of optimizer, minibatches with a moving average and with a control variate, runs that are
trained together, and one that W&B records. A mode is a signal and a number of processes: SIGKILL, SIGTERM to the main
process alone, SIGINT to all of them as a terminal sends it. After a sweep is finished, its energies and rows (without
times) must be those of the unbroken one, bit for bit, with one folder a run and no file that is not a run's. The sweep
is benchmarks/kills_sweep.py. Writes results/benchmarks/kills.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.kills_sweep import RUNS

MODES = {
    f"{name}, {workers} process{'es' if workers > 1 else ''}": (name, workers)
    for workers in (1, 2)
    for name in ("SIGKILL", "SIGTERM", "SIGINT")
}
"""The signal and `--workers` of each."""

SWEEP = Path(__file__).with_name("kills_sweep.py")

FILES = {"config.json", "environment.json", "metrics.jsonl", "summary.json", "slice.npz", "checkpoints", "wandb"}
"""What a finished run consists of."""


@dataclasses.dataclass
class Counts:
    """What one mode did."""

    mode: str
    kills: int = 0
    sweeps: int = 0
    saved: int = 0
    early: int = 0
    unsaid: int = 0
    tracebacks: int = 0
    orphans: int = 0
    refused: int = 0
    copies: int = 0
    leftovers: int = 0
    steps_twice: int = 0
    differences: int = 0

    @property
    def bad(self) -> int:
        """All that must not be."""
        names = (
            "unsaid",
            "tracebacks",
            "orphans",
            "refused",
            "copies",
            "leftovers",
            "steps_twice",
            "differences",
        )
        return sum(getattr(self, name) for name in names)


@dataclasses.dataclass
class Campaign:
    """The sweep, started again and again.

    Attributes:
        folder: of all results.
        token: that every process of it carries in its environment.
        last: what the last process said.
    """

    folder: Path
    token: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
    last: str = ""

    def start(self, results: Path, workers: int) -> subprocess.Popen[str]:
        """The sweep in a session of its own; compiled programs are kept from one to the next."""
        root = str(Path(__file__).parents[1])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        extra = {"KILLS": self.token, "NNKS_CACHE": str(self.folder / "cache"), "PYTHONPATH": path}
        command = [sys.executable, "-m", "nnks.cli", "sweep", f"--config={SWEEP}", f"--results={results}"]
        return subprocess.Popen(
            [*command, f"--workers={workers}"],
            env=os.environ | extra,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> int:
        """Waits for a sweep; its exit status."""
        self.last = process.communicate(timeout=600)[0]
        return process.returncode

    def orphans(self, grace: float = 5.0) -> int:
        """Processes that are left some seconds after the main one, which end now."""
        import psutil

        def alive() -> Iterator[psutil.Process]:
            for each in psutil.process_iter():
                try:
                    if each.environ().get("KILLS") == self.token and each.status() != psutil.STATUS_ZOMBIE:
                        yield each
                except (psutil.Error, OSError):
                    continue

        until = time.monotonic() + grace
        while (left := list(alive())) and time.monotonic() < until:
            time.sleep(0.1)
        for each in left:
            each.kill()
        return len(left)


def kill(campaign: Campaign, counts: Counts, results: Path, after: float, *, trained: bool = False) -> bool:
    """One start and, unless the sweep is finished before, one signal; whether it was finished.

    Args:
        campaign: what starts processes.
        counts: of the mode, which are counted up.
        results: of the sweep.
        after: seconds until the signal.
        trained: whether they are counted from the first step that is recorded.
    """
    name, workers = MODES[counts.mode]
    started, process = time.time_ns(), campaign.start(results, workers)
    try:
        while trained and process.poll() is None and not recorded_since(results, started):
            time.sleep(0.01)
        process.wait(after)
    except subprocess.TimeoutExpired:
        number = signal.Signals[name]
        counts.kills += 1
        os.killpg(process.pid, number) if name == "SIGINT" else process.send_signal(number)
        status = campaign.finish(process)
        early = status == -number and name != "SIGKILL"  # before Python had come to nnks
        counts.early += early
        if name != "SIGKILL" and not early and status:
            counts.saved += "saved" in campaign.last
            counts.unsaid += status != 128 + number or "the same command continues" not in campaign.last
        counts.tracebacks += not early and "Traceback" in campaign.last
        counts.orphans += campaign.orphans()
        return status == 0
    status = campaign.finish(process)
    counts.tracebacks += "Traceback" in campaign.last
    counts.refused += status != 0
    return status == 0


def recorded_since(results: Path, moment: int) -> bool:
    """Whether a run has recorded a step since then."""
    stats = [path.stat() for path in results.glob("*/*/metrics.jsonl")]
    return any(stat.st_size and stat.st_mtime_ns > moment for stat in stats)


def stored(results: Path) -> dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Rows without times, and energies, of every run by its label."""
    from nnks.tracking import list_runs

    energies = {}
    for run in list_runs(results):
        rows = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.metrics]
        summary = run.summary or {}
        kept = {k: summary.get(k) for k in ("energies", "steps", "stopped", "evaluations", "status")}
        energies[run.config["label"]] = rows, kept
    return energies


def compare(counts: Counts, results: Path, truth: Path) -> None:
    """Counts what differs between a sweep that was killed and one that was not."""
    from nnks.tracking import list_runs

    counts.sweeps += 1
    one, other = stored(results), stored(truth)
    counts.differences += sum(one.get(label) != other[label] for label in other)
    folder = next(path for path in results.iterdir() if path.is_dir() and path.name != "references")
    counts.copies += sum(path.is_dir() for path in folder.iterdir()) - len(RUNS)
    inside = [path for run in list_runs(results) for path in run.path.iterdir() if path.name not in FILES]
    beside = [path for path in folder.iterdir() if not path.is_dir() and path.name != "experiment.json"]
    counts.leftovers += len(inside) + len(beside)
    for run in list_runs(results):
        if (run.path / "wandb").is_dir():
            steps = recorded(run.path)
            counts.steps_twice += steps != [row["step"] for row in run.metrics]


def recorded(run: Path) -> list[int]:
    """The steps that an upload of a run to W&B would hold, as W&B's own program reads them."""
    import json

    steps = []
    for path in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        items = [json.loads(line).get("history", {}).get("item", {}) for line in text.splitlines()]
        steps += [item["step"] for item in items if "step" in item]
    return steps


def run_mode(campaign: Campaign, mode: str, kills: int, chance: random.Random) -> Counts:
    """As many kills as asked for, and the sweep that the last one left, to its end."""
    counts = Counts(mode)
    truth = campaign.folder / f"unbroken-{MODES[mode][1]}"
    if campaign.finish(campaign.start(truth, MODES[mode][1])):
        raise SystemExit(campaign.last)
    while counts.kills < kills:
        results = campaign.folder / f"{MODES[mode][0]}-{MODES[mode][1]}-{counts.sweeps}"
        done, starts = False, 0
        while not done:
            starts += 1
            last = counts.kills >= kills or counts.refused > 3
            # every other kill comes while runs are trained, the others at any time, the later ones later: a sweep is to
            # end
            trained = not last and starts % 2 == 0
            after = 600.0 if last else chance.uniform(0.0, 2.0) if trained else chance.uniform(0.2, 8.0 + 2.0 * starts)
            done = kill(campaign, counts, results, after, trained=trained)
            print(f"{mode}: {counts.kills} kills, after {after:.1f} s, {counts.bad} bad", flush=True)
            if last:
                break
        compare(counts, results, truth)
    return counts


def main() -> None:
    from benchmarks.common import print_table, store

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="of all modes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/kills.json"))
    parser.add_argument("--keep", type=Path, help="folder of the sweeps, kept; a temporary one if not given")
    arguments = parser.parse_args()
    chance, rows = random.Random(arguments.seed), []
    with tempfile.TemporaryDirectory() as temporary:
        campaign = Campaign(arguments.keep or Path(temporary))
        for n, mode in enumerate(arguments.modes):
            kills = arguments.kills * (n + 1) // len(arguments.modes) - arguments.kills * n // len(arguments.modes)
            counts = run_mode(campaign, mode, kills, chance)
            rows.append(dataclasses.asdict(counts) | {"bad": counts.bad})
            store(arguments.out, {"seed": arguments.seed, "runs": list(RUNS)}, rows)
    print_table(rows, f"{sum(row['kills'] for row in rows)} kills, {sum(row['bad'] for row in rows)} bad")
    raise SystemExit(any(row["bad"] for row in rows))


if __name__ == "__main__":
    main()
