"""Runs as tables: one row a run, or one row a method with the spread over its seeds.

Rows are plain dictionaries, which figures and reports read; `runs_table` and `seed_table` hand them out as pandas
DataFrames.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnks.analysis.names import System, method_name, method_names, molecule_of, setting, system_key, system_names
from nnks.energies import STANDARD, TOTAL, in_order
from nnks.tracking.record import (
    DOUBTS,
    EXACT,
    FINISHED,
    REFERENCE_LARGE,
    REFERENCE_SAME,
    VIOLATIONS,
    RunRecord,
    called,
)
from nnks.tracking.trust import known_references
from nnks.units import MILLIHARTREE

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any  # pandas is imported when a table is made

Row = dict[str, Any]

SETTINGS = {
    "ansatz": "ansatz.name",
    "basis": "system.basis",
    "xc": "functional.xc",
    "hartree": "functional.hartree",
    "optimizer": "optimizer.name",
    "orthogonalizer": "orthogonalizer.name",
    "sampler": "sampler.name",
}
"""Columns that come straight from the config."""

NUMBERS = ("steps", "evaluations", "seconds", "parameters", "electrons", "quadrature_error")
"""Columns that come straight from the summary."""

ROLES = ("same", "large", "exact", "best")
"""References by what they are for; `best` is the most trusted one that is known."""

LOWEST = "lowest run"
"""What stands in for the best reference of a system that has none."""


def runs_table(records: Sequence[RunRecord]) -> DataFrame:
    """`run_rows` as a pandas DataFrame."""
    import pandas

    return pandas.DataFrame(run_rows(records))


def seed_table(records: Sequence[RunRecord]) -> DataFrame:
    """`seed_rows` as a pandas DataFrame."""
    import pandas

    return pandas.DataFrame(seed_rows(run_rows(records)))


def run_rows(records: Sequence[RunRecord], *, distinct: bool = True) -> list[Row]:
    """One row a run, in the order given; what a run lacks is nan or None.

    Args:
        records: the runs.
        distinct: whether `method` tells configs apart that share a label: thousands of configs are then completed and
            hashed.

    Keys: `experiment`, `run`, `path`, `label`, `system`, `molecule`, `method`, those of `SETTINGS`, `seed`,
    `config_hash`, `status`, `reason`, `converged`, those of `NUMBERS` (seconds [s]), `violations`, `doubts`,
    `energy_<term>` [Ha], and for each of `ROLES` the name `reference_<role>`, its energy `reference_<role>_Ha` and
    `error_<role>_mHa`; also `error_mHa:<name>` for every reference by name. Errors are energy - reference [mHa].
    A reference that one run knows serves every run of the same system. Where a system has none, the lowest
    final energy stands in for `best`.
    """
    keys = [system_key(record.config) for record in records]
    names = system_names(keys)
    shared: dict[System, dict[str, float]] = {}
    large: dict[System, str] = {}
    for key, record in zip(keys, records, strict=True):
        shared[key] = {**_references(record), **shared.get(key, {})}
        name = (record.summary or {}).get(REFERENCE_LARGE)
        if name in shared[key]:
            large[key] = name
    rows = []
    methods = method_names(records) if distinct else [method_name(record) for record in records]
    for key, record, method in zip(keys, records, methods, strict=True):
        references = {**shared[key], **_references(record)}
        rows.append(_row(record, names[key], method, references, large.get(key)))
    _compare_with_lowest(rows)
    return rows


def _references(record: RunRecord) -> dict[str, float]:
    return known_references(record.summary or {})


def best_reference(references: Mapping[str, Any], large: str | None, same: str | None) -> str | None:
    """The name of the most trusted reference: exact, then the large basis, then the same basis."""
    return next((name for name in (EXACT, large, same) if name in references), None)


def _row(record: RunRecord, system: str, method: str, references: Mapping[str, float], large: str | None) -> Row:
    summary = record.summary or {}
    energies = summary.get("energies") or {}
    total = energies.get("total")
    row: Row = {
        "experiment": record.experiment,
        "run": record.name,
        "path": str(record.path),
        "label": summary.get("label") or method,
        "system": system,
        "molecule": molecule_of(record.config),
        "method": method,
        **{column: called(path, setting(record.config, path)) for column, path in SETTINGS.items()},
        "seed": record.seed,
        "config_hash": record.config_hash,
        "status": record.status,
        "reason": summary.get("reason") or "",
        "converged": bool(summary.get("converged")),
        **{key: _number(summary.get(key)) for key in NUMBERS},
        "violations": list(summary.get(VIOLATIONS) or []),
        "doubts": list(summary.get(DOUBTS) or []),
        **{
            f"energy_{term}": _number(energies.get(term))
            for term in in_order(dict.fromkeys((TOTAL, *STANDARD)), energies)
        },
    }
    same = summary.get(REFERENCE_SAME)
    roles = {"same": same, "large": summary.get(REFERENCE_LARGE) or large, "exact": EXACT}
    roles["best"] = best_reference(references, roles["large"], same)
    for role, name in roles.items():
        reference = references.get(name) if name else None
        row[f"reference_{role}"] = name if reference is not None else None
        row[f"reference_{role}_Ha"] = _number(reference)
        row[f"error_{role}_mHa"] = _error(total, reference)
    row.update({f"error_mHa:{name}": _error(total, reference) for name, reference in references.items()})
    return row


def _compare_with_lowest(rows: list[Row]) -> None:
    for group in grouped(rows, "system").values():
        energies = known(row["energy_total"] for row in group if not row["doubts"])
        if energies and all(row["reference_best"] is None for row in group):
            for row in group:
                row["reference_best"], row["reference_best_Ha"] = LOWEST, min(energies)
                row["error_best_mHa"] = (row["energy_total"] - min(energies)) / MILLIHARTREE


def seed_rows(rows: Sequence[Row]) -> list[Row]:
    """One row a method and system: the spread over its finished seeds.

    Args:
        rows: what `run_rows` returned.

    Returns:
        Rows with `experiment`, `system`, `method`, `runs` (stored), `n` (finished, their energy not doubted),
        `unfinished`, `doubted`, `converged`, the reference names, and `<key>_median`, `_min`, `_max` for the total
        energy [Ha], the errors [mHa] and the `NUMBERS`; nan where nothing finished.
    """
    measured = ["energy_total", *(f"error_{role}_mHa" for role in ROLES), *NUMBERS]
    result = []
    for (experiment, system, method), group in grouped(rows, "experiment", "system", "method").items():
        ended = [row for row in group if row["status"] == FINISHED]
        finished = [row for row in ended if not row["doubts"]]
        result.append(
            {
                "experiment": experiment,
                "system": system,
                "method": method,
                "runs": len(group),
                "n": len(finished),
                "unfinished": len(group) - len(ended),
                "doubted": len(ended) - len(finished),
                "converged": sum(row["converged"] for row in finished),
                **{f"reference_{role}": (finished or group)[0][f"reference_{role}"] for role in ROLES},
            }
        )
        for key in measured:
            values = known(row[key] for row in finished)
            for name, reduce in (("median", statistics.median), ("min", min), ("max", max)):
                result[-1][f"{key}_{name}"] = reduce(values) if values else math.nan
    return result


def grouped(rows: Iterable[Row], *keys: str) -> dict[Any, list[Row]]:
    """Rows by the value of a key, or the tuple of the values of several, in order of appearance."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        value = row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)
        groups.setdefault(value, []).append(row)
    return groups


def first(groups: Mapping[Any, Any], most: int) -> dict[Any, Any]:
    """The first of many groups: no figure shows hundreds."""
    return dict(itertools.islice(groups.items(), most))


def known(values: Iterable[float]) -> list[float]:
    """The values that are not nan."""
    return [value for value in values if not math.isnan(value)]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _error(energy: float | int | None, reference: float | int | None) -> float:
    if energy is None or reference is None:
        return float("nan")
    return (energy - reference) / MILLIHARTREE
