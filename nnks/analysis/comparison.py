"""Two or more stored runs side by side: what differs in their configs, and what that changed."""

from __future__ import annotations

import dataclasses
import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.analysis.names import system_key
from nnks.analysis.table import Row, run_rows
from nnks.config import flatten
from nnks.energies import in_order
from nnks.registry import InputError
from nnks.tracking.console import ordered_references
from nnks.tracking.packed import Pack
from nnks.tracking.progress import outcome
from nnks.tracking.record import DOUBTS, FINISHED, RunRecord
from nnks.tracking.store import is_run, list_runs
from nnks.units import MILLIHARTREE

MISSING = "–"
"""What a table shows for a value that a run does not have."""

UNTOLD = ("tracking", "label", "experiment")
"""Sections and keys of a config that do not change a result."""

MOMENTARY = ("started", "command")
"""What differs between any two runs on the same machine."""

COURSE: Mapping[str, tuple[str, str]] = {
    "parameters": ("parameters", "d"),
    "steps": ("steps", "d"),
    "evaluations": ("evaluations of the energy", "d"),
    "seconds": ("seconds of training", ".2f"),
    "electrons": ("electrons on the grid", ".6f"),
    "virial": ("virial ratio", ".6f"),
    "orthonormality": ("error of orthonormality", ".1e"),
    "quadrature_error": ("error of the quadrature [Ha]", ".1e"),
}
"""Summary keys, with their names and forms."""


@dataclasses.dataclass(frozen=True)
class Section:
    """A table as text: the first column names the rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What runs differ in.

    Attributes:
        letters: A, B, ...: what the tables call the runs.
        records: the runs.
        rows: what `run_rows` says of them.
        sections: the tables, without those that would be empty.
        same: whether the runs compute the same system, so that differences of energies mean something.
    """

    letters: tuple[str, ...]
    records: tuple[RunRecord, ...]
    rows: tuple[Row, ...]
    sections: tuple[Section, ...]
    same: bool


def find_stored(text: str, results: str | Path) -> RunRecord:
    """A run by its folder, or by its name or the beginning of it below a results folder.

    Raises:
        InputError: if there is none, or more than one.
    """
    if is_run(Path(text)):
        return RunRecord(Path(text))
    packed = [run for run in Pack(Path(text).parent).records() if run.path == Path(text)]
    if packed:
        return packed[0]
    if Path(text).is_dir():
        inside = len(list_runs(text))
        raise InputError(
            f"'{text}' is not a run but a folder of {inside}; give the folders of runs, as `nnks ls {text}` shows."
        )
    matches = [run for run in list_runs(results) if run.name.startswith(text)] if text else []
    exact = [run for run in matches if run.name == text]
    matches = exact or matches
    if len(matches) != 1:
        several = (
            f"names {len(matches)} runs, such as '{matches[0].path}' and '{matches[1].path}'"
            if matches
            else "names no run"
        )
        raise InputError(f"'{text}' {several} below '{results}'; give the folder of one run, as `nnks ls` shows it.")
    return matches[0]


def compare(records: Sequence[RunRecord]) -> Comparison:
    """The runs side by side, differences being from the first.

    Raises:
        InputError: for less than two runs, or one run twice.
    """
    if len({record.path.resolve() for record in records}) < max(2, len(records)):
        raise InputError(f"a comparison takes two or more different runs and got {len(records)}; see `nnks ls`.")
    if len(records) > len(string.ascii_uppercase):
        raise InputError(f"a comparison of {len(records)} runs is no table; give at most 26, or use `nnks report`.")
    letters = tuple(string.ascii_uppercase[: len(records)])
    rows = tuple(run_rows(records, distinct=False))
    same = len({system_key(record.config) for record in records}) == 1
    sections = (
        _runs(letters, records, rows),
        _differing("Settings that differ", letters, [_settings(record) for record in records]),
        _differing("Environment that differs", letters, [_environment(record) for record in records]),
        _energies(letters, records, same),
        _references(letters, records, rows),
        _orbitals(letters, records, same),
        _course(letters, records),
    )
    return Comparison(letters, tuple(records), rows, tuple(s for s in sections if s.rows), same)


def _runs(letters: Sequence[str], records: Sequence[RunRecord], rows: Sequence[Row]) -> Section:
    lines = [
        (letter, str(record.path), str(row["label"]), row["system"], str(row["seed"]), _status(record))
        for letter, record, row in zip(letters, records, rows, strict=True)
    ]
    return Section("Runs", ("", "run", "label", "system", "seed", "status"), tuple(lines))


def _status(record: RunRecord) -> str:
    summary = record.summary or {}
    if record.status == FINISHED:
        return outcome(summary) + (", its energy in doubt" if summary.get(DOUBTS) else "")
    return f"{record.status}: {summary['reason']}" if summary.get("reason") else record.status


def _settings(record: RunRecord) -> dict[str, Any]:
    return {k: v for k, v in flatten(record.config) if k.partition(".")[0] not in UNTOLD}


def _environment(record: RunRecord) -> dict[str, Any]:
    return {k: v for k, v in flatten(record.environment) if k not in MOMENTARY}


def _differing(title: str, letters: Sequence[str], values: Sequence[Mapping[str, Any]]) -> Section:
    """The keys that not all runs have with the same value."""
    keys = dict.fromkeys(key for each in values for key in each)
    rows = []
    for key in sorted(keys, key=lambda key: (key.partition(".")[0], not key.endswith(".name"), key)):
        shown = [str(each[key]) if key in each else MISSING for each in values]
        if len(set(shown)) > 1:
            rows.append((key, *shown))
    return Section(title, ("key", *letters), tuple(rows))


def _energies(letters: Sequence[str], records: Sequence[RunRecord], same: bool) -> Section:
    energies = [(record.summary or {}).get("energies") or {} for record in records]
    terms = [term for term in in_order(*energies) if any(each.get(term) is not None for each in energies)]
    note = (
        ""
        if same
        else "The runs compute different systems: differences of their energies say nothing and are left out."
    )
    lines = {term: [each.get(term) for each in energies] for term in terms}
    return _beside("Energies of the final evaluation", "term", letters, lines, same, note)


def _beside(
    title: str, first: str, letters: Sequence[str], lines: Mapping[str, Sequence[Any]], same: bool, note: str = ""
) -> Section:
    """Energies [Ha] of all runs, and the differences from the first [mHa] where they mean something."""
    columns = [first, *(f"{letter} [Ha]" for letter in letters)]
    columns += [f"{letter} − {letters[0]} [mHa]" for letter in letters[1:]] if same else []
    rows = []
    for name, values in lines.items():
        cells = [name, *(_form(value, ".7f") for value in values)]
        rows.append((*cells, *(_difference(value, values[0]) for value in values[1:])) if same else tuple(cells))
    return Section(title, tuple(columns), tuple(rows), note)


def _references(letters: Sequence[str], records: Sequence[RunRecord], rows: Sequence[Row]) -> Section:
    """Each known reference of each system, and how far every run of that system is from it."""
    known: dict[tuple[str, str], float] = {}
    for record, row in zip(records, rows, strict=True):
        for name, energy in ordered_references(record.summary or {}).items():
            known.setdefault((row["system"], name), energy)
    several = len({system for system, _ in known}) > 1
    lines = []
    for (system, name), energy in known.items():
        own = [row["energy_total"] if row["system"] == system else None for row in rows]
        shown = f"{system}: {name}" if several else name
        lines.append((shown, _form(energy, ".7f"), *(_difference(total, energy) for total in own)))
    columns = ("reference", "[Ha]", *(f"{letter} − reference [mHa]" for letter in letters))
    return Section("References", columns, tuple(lines))


def _orbitals(letters: Sequence[str], records: Sequence[RunRecord], same: bool) -> Section:
    spectra = [(record.summary or {}).get("orbital_energies") or [] for record in records]
    channels = max(map(len, spectra), default=0)
    lines: dict[str, list[Any]] = {}
    for spin in range(channels):
        levels = [each[spin] if spin < len(each) else [] for each in spectra]
        for n in range(max(map(len, levels))):
            name = f"{n + 1}" if channels == 1 else f"{('up', 'down')[spin]} {n + 1}"
            lines[name] = [own[n] if n < len(own) else None for own in levels]
    mixed = len({len(each) for each in spectra if each}) > 1
    note = "A run with one spin channel stands in the rows of the first." if mixed else ""
    return _beside("Orbital energies", "orbital", letters, lines, same, note)


def _course(letters: Sequence[str], records: Sequence[RunRecord]) -> Section:
    summaries = [record.summary or {} for record in records]
    lines = [
        (name, *(_form(each.get(key), form) for each in summaries))
        for key, (name, form) in COURSE.items()
        if any(each.get(key) is not None for each in summaries)
    ]
    paces = [_pace(each) for each in summaries]
    if any(paces):
        lines.append(("milliseconds a step, compilation included", *(_form(pace, ".1f") for pace in paces)))
    return Section("Course of the training", ("", *letters), tuple(lines))


def _pace(summary: Mapping[str, Any]) -> float | None:
    seconds, steps = summary.get("seconds"), summary.get("steps")
    return 1e3 * seconds / steps if seconds and steps else None


def _form(value: Any, form: str) -> str:
    if value is None or not math.isfinite(value):
        return MISSING
    return format(int(value) if form == "d" else value, form)


def _difference(energy: float | int | None, other: float | int | None) -> str:
    """The difference of two energies [Ha] in mHa."""
    if energy is None or other is None or not math.isfinite(energy - other):
        return MISSING
    return format((energy - other) / MILLIHARTREE, "+.4f")
