"""The cells and sentences of a report: methods, references and runs as text."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from nnks.analysis.table import Row, grouped, known
from nnks.analysis.text import number, signed
from nnks.analysis.wording import chemical, reference_words
from nnks.tracking.console import EQUAL
from nnks.tracking.record import RunRecord
from nnks.units import MILLIHARTREE


def nearest(methods: Sequence[Row]) -> str:
    """Which method is nearest to the best reference in how many of the systems."""
    key = "error_best_mHa_median"
    groups = grouped([m for m in methods if math.isfinite(m[key])], "system")
    if not groups:
        return "No run has finished."
    nearest = [min(group, key=lambda m: abs(m[key])) for group in groups.values()]
    if all(abs(m[key]) < EQUAL for group in groups.values() for m in group):
        return f"Every method is equal to {reference_words(nearest[0]['reference_best'])} within {EQUAL:g} mHa."
    counts = {name: len(group) for name, group in grouped(nearest, "method").items()}
    best = max(counts, key=lambda name: counts[name])
    farthest = max(abs(m[key]) for m in nearest if m["method"] == best)
    of = f" for {counts[best]} of {len(groups)} molecules" if len(groups) > 1 else ""
    return f"Nearest to the reference{of}: {best}, within {farthest:.2g} mHa."


def times_apart(rows: Sequence[Row], records: Sequence[RunRecord]) -> dict[tuple[str, str], tuple[float, float]]:
    """Of each system and method: median seconds of training without compiling, and the most that compiling took."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row, record in zip(rows, records, strict=True):
        if math.isfinite(row["seconds"]):
            times.setdefault((row["system"], row["method"]), []).append((row["seconds"], record.course.compiling))
    return {key: _apart(each) for key, each in times.items()}


def _apart(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Seconds of training and of compiling; where it is not known which are which, the shortest run compiled least."""
    compiling = known(each for _, each in times)
    if len(compiling) < len(times):
        return min(seconds for seconds, _ in times), math.nan
    return statistics.median(seconds - each for seconds, each in times), max(compiling)


def closest(methods: Sequence[Row]) -> list[str]:
    """For each system, which method came closest to its reference."""
    return [_sentence(chemical(name), group) for name, group in grouped(methods, "system").items()]


def _sentence(system: str, methods: Sequence[Row]) -> str:
    """Which method came closest, in words."""
    key = "error_best_mHa_median"
    ended = sorted((m for m in methods if math.isfinite(m[key])), key=lambda m: abs(m[key]))
    if not ended:
        return f"{system}: no run has finished."
    best, worst = ended[0], ended[-1]
    reference = reference_words(best["reference_best"])
    if abs(worst[key]) < EQUAL:
        return f"{system}: every method is equal within {EQUAL:g} mHa to {reference}."
    text = f"{system}: closest to {reference} is {best['method']}, {signed(best[key])} mHa (median of {best['n']})"
    if len(ended) > 1:
        text += f"; farthest is {worst['method']}, {signed(worst[key])} mHa"
    return text + "."


def method_cells(row: Row, times: tuple[float, float] | None) -> dict[str, str]:
    """A row of the table of methods: medians over seeds."""
    spread = row["error_best_mHa_max"] - row["error_best_mHa_min"]
    seconds, compiling = times or (math.nan, math.nan)
    return {
        "molecule": chemical(row["system"]),
        "method": row["method"],
        "energy [Ha]": number(row["energy_total_median"], ".6f"),
        "error of quadrature [mHa]": _quadrature(row["quadrature_error_max"]),
        "vs PySCF, same basis [mHa]": signed(row["error_same_mHa_median"]),
        "vs best reference [mHa]": signed(row["error_best_mHa_median"]),
        "range over seeds [mHa]": number(spread, ".3f") if row["n"] > 1 else "",
        "seeds": str(row["n"]),
        "converged": f"{row['converged']}/{row['runs']}",
        "parameters": number(row["parameters_median"], ".0f"),
        "steps": number(row["steps_median"], ".0f"),
        "time without compiling [s]": number(seconds, ".1f"),
        "compiling [s]": number(compiling, ".1f"),
    }


def _quadrature(error: float | int) -> str:
    """An error of the grid [Ha] in mHa: one digit is known of it."""
    return number(abs(error) / MILLIHARTREE, ".0e" if abs(error) < 1e-6 else ".2g")


def reference_rows(rows: Sequence[Row]) -> list[dict[str, str]]:
    """A row a reference and molecule."""
    energies: dict[tuple[str, str], float] = {}
    for row in rows:
        for role in ("same", "large", "exact"):
            if row[f"reference_{role}"]:
                energies[row["system"], row[f"reference_{role}"]] = row[f"reference_{role}_Ha"]
    return [
        {"molecule": chemical(system), "reference": reference_words(name), "energy [Ha]": number(energy, ".6f")}
        for (system, name), energy in sorted(energies.items())
    ]


def run_cells(row: Row, folder: Path) -> dict[str, str]:
    """A row of the table of runs."""
    return {
        "run": Path(row["path"]).relative_to(folder).as_posix(),
        "molecule": chemical(row["system"]),
        "label": row["label"],
        "seed": str(row["seed"]),
        "status": row["status"],
        "energy [Ha]": number(row["energy_total"], ".7f"),
        "error of quadrature [mHa]": _quadrature(row["quadrature_error"]),
        "vs best [mHa]": signed(row["error_best_mHa"]),
        "electrons": number(row["electrons"], ".6f"),
        "steps": number(row["steps"], ".0f"),
        "time [s]": number(row["seconds"], ".1f"),
    }
