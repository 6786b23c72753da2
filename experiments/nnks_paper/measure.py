"""Timings in processes of their own, one after the other, each stored under what was asked for."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nnks.config import ConfigDict, to_dict
from nnks.tracking.environment import environment
from nnks.tracking.files import read_json, write_json
from nnks.tracking.record import config_hash

FOLDER = "timings"
"""Below the results; items share what they have in common."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A method's calculation of one config, which may take `limit` seconds, all repetitions included."""

    method: str
    config: ConfigDict
    limit: float

    @property
    def name(self) -> str:
        """Of the stored file."""
        system = self.config.system
        return f"{self.method}-{system.molecule}-{system.basis}-{config_hash(to_dict(self.config))}"

    @property
    def about(self) -> dict[str, str]:
        """What a stored result begins with."""
        system = self.config.system
        return {"method": self.method, "molecule": system.molecule, "basis": system.basis}

    def path(self, results: Path) -> Path:
        """Of the stored file."""
        return results / FOLDER / f"{self.name}.json"

    def stored(self, results: Path) -> bool:
        """Whether it need not be done: it succeeded, or ran into a limit that was no shorter."""
        timing = read_json(self.path(results))
        return timing is not None and ("failed" not in timing or timing.get("limit_s", 0.0) >= self.limit)


def read_measurement(measurement: Measurement, results: Path) -> dict[str, Any] | None:
    """What is stored, or None."""
    return read_json(measurement.path(results))


def measure(measurement: Measurement, results: Path) -> dict[str, Any]:
    """Runs a calculation in a process of its own and stores what it found, or that it ran out of time.

    A calculation that breaks otherwise is stored without a limit, so that the next call tries it again.
    """
    path = measurement.path(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config, out = Path(folder) / "config.json", Path(folder) / "out.json"
        write_json(config, to_dict(measurement.config))
        command = [sys.executable, "-m", "nnks_paper.tasks", measurement.method, str(config), str(out)]
        started = time.perf_counter()
        try:
            # PySCF's scratch files go with the folder, also when a process is stopped in the middle
            scratch = os.environ | {"TMPDIR": folder, "PYSCF_TMPDIR": folder}
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=measurement.limit, check=False, env=scratch
            )
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}: out of memory"]
            timing = read_json(out) or {"failed": lines[-1]}
        except subprocess.TimeoutExpired:
            timing = read_json(out) or {}  # numbers up to there were written as they came
            if not (timing.get("converged") or len(timing.get("seconds", [])) > 1):  # else only repetitions are missing
                timing |= {"failed": f"more than {measurement.limit:g} s", "limit_s": measurement.limit}
        spent = time.perf_counter() - started
    machine = json.loads(json.dumps(environment())) | {"load": os.getloadavg()}
    machine.pop("command", None)
    write_json(path, measurement.about | timing | {"total_s": spent, "environment": machine})
    return read_json(path) or {}
