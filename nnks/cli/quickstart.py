"""`nnks quickstart`: the first command, which answers its question in a table of a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from nnks.cli.arguments import Arguments
from nnks.registry import InputError, shown
from nnks.runs.plan import finished_run
from nnks.sweep import load_sweep, run_sweep
from nnks.tracking import RunFolder
from nnks.tracking.cache import check_backend, use_compilation_cache
from nnks.tracking.record import EXACT, REFERENCE, REFERENCE_LARGE, REFERENCE_SAME, called
from nnks.units import MILLIHARTREE

SHORT, FULL = "quickstart", "quickstart_full"
"""The config of the command, and that of `--full`."""

EQUAL = 1e-6
"""Difference [Ha] below which two energies in one basis are equal."""

NEAR = 1e-4
"""Difference [Ha] from the limit that nobody tells from none: the largest Gaussian bases know it no better."""

OPTIONS = "its options are --full and --results=DIR"


def command(arguments: list[str]) -> int:
    """Runs the quickstart, writes its page, and prints what it says."""
    full, results = _options(arguments)
    use_compilation_cache()
    check_backend()
    sweep = load_sweep(FULL if full else SHORT)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{sweep.title} {len(sweep.configs)} calculations, each beside PySCF.", markup=False)
    written = " ".join(("nnks quickstart", *arguments))
    outcome = run_sweep(sweep, results, command=written, notify=lambda line: console.print(line, markup=False))
    rows = lowest([run for config in sweep.configs if (run := finished_run(config, results))])
    if rows:
        from nnks.analysis import write_report

        page = write_report(Path(results) / sweep.name).html
        console.print(_table(rows))
        console.print(f"page: {page}", markup=False)
        console.print(
            "next: nnks run --config=neural --config.system.molecule=NH3   (nnks --help says more)", markup=False
        )
    return 1 if outcome.failed or outcome.left else 0


def _options(arguments: list[str]) -> tuple[bool, str]:
    """Whether all runs are wanted, and the results folder.

    Raises:
        InputError: for an option that is none of this command's.
    """
    parser = Arguments("quickstart")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--results", default="results")
    try:
        options = parser.read(arguments)
    except InputError as error:
        raise InputError(
            f"{' '.join(map(shown, arguments))} cannot be followed by nnks quickstart; {OPTIONS}."
        ) from error
    if not options.results:
        raise InputError(f"--results of nnks quickstart names no folder; {OPTIONS}.")
    return options.full, options.results


def lowest(runs: Sequence[RunFolder]) -> list[tuple[str, ...]]:
    """The answer of each molecule and kind of orbitals: that of its lowest run, whatever the basis and the seed."""
    best: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}
    for run in runs:
        if (row := answer(run)) is not None:
            key, energy = (row[0], str(run.record.config["ansatz"]["name"])), float(row[2])
            if key not in best or energy < best[key][0]:
                best[key] = energy, row
    return [row for _, row in best.values()]


def answer(run: RunFolder) -> tuple[str, str, str, str, str] | None:
    """Of a finished run: the molecule, its orbitals, its energy [Ha], its error [mHa], and what that says.

    The error is that above the exact energy, or above the largest Gaussian basis that was computed; None for a run
    without energies.
    """
    from nnks.analysis.names import in_words
    from nnks.analysis.wording import chemical

    summary, config = run.record.summary or {}, run.record.config
    total = (summary.get("energies") or {}).get("total")
    if total is None or not config:
        return None
    references: dict[str, float] = summary.get(REFERENCE) or {}
    limit = references.get(EXACT, references.get(str(summary.get(REFERENCE_LARGE))))
    same = references.get(str(summary.get(REFERENCE_SAME)))
    basis = str(called("system.basis", config["system"]["basis"]))
    name = str(config["ansatz"]["name"])
    largest = str(summary.get(REFERENCE_LARGE, "")).removeprefix("pyscf/")
    error = "" if limit is None else f"{(total - limit) / MILLIHARTREE:+.2f}"
    return (
        chemical(str(called("system.molecule", config["system"]["molecule"]))),
        in_words(name, basis),
        f"{total:.6f}",
        error,
        _says(total, same, limit, largest, summary.get("quadrature_error") or 0.0),
    )


def _says(total: float, same: float | None, limit: float | None, largest: str, error: float) -> str:
    """A few words on an energy beside PySCF's in its own basis and in the largest one [Ha]."""
    if same is not None and abs(total - same) < EQUAL:
        return "PySCF's energy"
    if limit is None or same is None:
        return ""
    if abs(total - limit) < max(NEAR, error):
        return "the basis limit"
    if total < limit:
        return f"below {largest}"
    lacking, gained = (same - limit) / MILLIHARTREE, (same - total) / MILLIHARTREE
    return f"{gained:.1f} of the {lacking:.1f} mHa" if gained > 0 else "above its own basis"


def _table(rows: list[tuple[Any, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Orbitals beside PySCF's largest affordable basis")
    columns = {"": "left", "orbitals": "left", "E [Ha]": "right", "error [mHa]": "right", "reaches": "left"}
    for column, side in columns.items():
        table.add_column(column, justify=side, no_wrap=True)  # pyright: ignore[reportArgumentType]
    for row in rows:
        table.add_row(*row)
    return table
