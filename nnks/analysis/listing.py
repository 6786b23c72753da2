"""Stored runs by any of their values: columns of the table of runs, keys of the config, keys of the summary."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nnks.analysis.names import molecule_name
from nnks.analysis.table import Row, run_rows
from nnks.config import flatten
from nnks.registry import InputError
from nnks.tracking.record import RunRecord
from nnks.tracking.store import list_runs

COLUMNS = {
    "experiment": "experiment",
    "run": "run",
    "path": "path",
    "label": "label",
    "molecule": "molecule",
    "system": "system",
    "ansatz": "ansatz",
    "orthogonalizer": "orthogonalizer",
    "optimizer": "optimizer",
    "sampler": "sampler",
    "basis": "basis",
    "xc": "xc",
    "hartree": "hartree",
    "seed": "seed",
    "status": "status",
    "converged": "converged",
    "energy": "energy_total",
    "reference": "reference_best",
    "error": "error_best_mHa",
    "steps": "steps",
    "evaluations": "evaluations",
    "seconds": "seconds",
    "parameters": "parameters",
    "electrons": "electrons",
    "reason": "reason",
}
"""Short names of what every run has, and the keys of `run_rows` that they stand for; `molecule` is shortened, and
`system` tells those of one name apart that differ in geometry, charge, spin or functional."""

UNITS = {"energy": "Ha", "error": "mHa", "seconds": "s"}

SHOWN = ("experiment", "run", "molecule", "ansatz", "optimizer", "seed", "status", "energy", "error", "seconds")
"""Columns of `nnks ls`."""

CONFIG, SUMMARY = "config.", "summary."
"""What may stand before a key to say where it is from, if a column or the other file has the same key."""


class StoredRun:
    """A run with its values by key. A key is a column, else a dotted key of the config, else of the summary.

    Args:
        record: the run.
        row: what `run_rows` says of it.
    """

    def __init__(self, record: RunRecord, row: Row):
        self.record = record
        self.row = row

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The config's values by dotted key."""
        return dict(flatten(self.record.config))

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """The summary's values by dotted key; empty for a run that has not ended."""
        return dict(flatten(self.record.summary or {}))

    def __contains__(self, key: str) -> bool:
        """Whether the run has this key."""
        if key.startswith((CONFIG, SUMMARY)):
            return key.removeprefix(CONFIG) in self.config or key.removeprefix(SUMMARY) in self.summary
        return key in COLUMNS or key in self.config or key in self.summary

    def __getitem__(self, key: str) -> Any:
        """The value, or None for what the run does not have."""
        if key == "molecule":
            return molecule_name(self.row["molecule"])
        if key in COLUMNS:
            value = self.row[COLUMNS[key]]
        elif key.startswith(CONFIG):
            value = self.config.get(key.removeprefix(CONFIG))
        elif key.startswith(SUMMARY):
            value = self.summary.get(key.removeprefix(SUMMARY))
        else:
            value = self.config.get(key, self.summary.get(key))
        return None if isinstance(value, float) and math.isnan(value) else value


def stored_runs(folder: str | Path) -> list[StoredRun]:
    """All runs below a folder, by path; errors are relative to the best reference that any of them knows.

    Only `config.json` and `summary.json` are read.

    Raises:
        InputError: if the folder does not exist or holds no runs.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"the folder '{folder}' does not exist; give one that holds runs, such as results.")
    records = list_runs(folder)
    if not records:
        raise InputError(f"the folder '{folder}' holds no runs; run `nnks run` first, or give another folder.")
    return [StoredRun(record, row) for record, row in zip(records, run_rows(records, distinct=False), strict=True)]


def check_keys(runs: Sequence[StoredRun], keys: Iterable[str]) -> None:
    """Refuses a key that no run has.

    Raises:
        InputError: with the keys that are spelled alike.
    """
    for key in keys:
        if not any(key in run for run in runs):
            known: dict[str, None] = dict.fromkeys(COLUMNS)
            for run in runs:
                known |= dict.fromkeys(run.config) | dict.fromkeys(run.summary)
            near = alike(key, known)
            hint = f"did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
            raise InputError(
                f"'{key}' is no key of the {len(runs)} stored runs; {hint}keys are those of the config (system.basis), "
                f"of the summary (virial), and {', '.join(COLUMNS)}."
            )


def alike(key: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known keys that look like this one as a whole or in their last part."""
    known = list(known)
    last: dict[str, list[str]] = {}
    for name in known:
        last.setdefault(name.rpartition(".")[2], []).append(name)
    near = difflib.get_close_matches(key, known, most, 0.75)
    for part in difflib.get_close_matches(key.rpartition(".")[2], last, most, 0.75):
        near += last[part]
    return list(dict.fromkeys(near))[:most]


def ordered(runs: Sequence[StoredRun], key: str) -> list[StoredRun]:
    """Runs by the value of a key, numbers before text; from the largest if `-` stands before the key.

    Unknown values are last.
    """
    name, falling = key.removeprefix("-"), key.startswith("-")
    have = [run for run in runs if run[name] is not None]

    def rank(run: StoredRun) -> tuple[bool, float, str]:
        value = run[name]
        text = not isinstance(value, (int, float))
        return text, 0.0 if text else float(value), str(value)

    return sorted(have, key=rank, reverse=falling) + [run for run in runs if run[name] is None]
