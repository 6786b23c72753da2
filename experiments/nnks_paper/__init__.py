"""The paper in one command: runs, stored and resumed, then tables, figures and verdicts from what is stored."""

from __future__ import annotations

import dataclasses
import importlib
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nnks.registry import InputError, suggest

ITEMS = ("table1", "table2", "table3", "expressivity", "scaling", "timing", "fig2", "fig3")
"""Each has a config file `configs/paper/<name>.py`, which declares its runs, and a module here with
`report(study, figures)`."""

ALL, FIGURES, PAGE = "all", "reproduction", "reproduction.md"
DOCUMENTS = Path(__file__).parents[2] / "docs"
"""Where the page of `all` goes in a checkout, for the default results."""


def reproduce(
    item: str,
    results: str | Path,
    *,
    quick: bool = False,
    page: Path | None = None,
    changes: dict[str, Any] | None = None,
    only_report: bool = False,
    notify: Callable[[str], None] = print,
) -> bool:
    """Runs what is missing of an item, or of all, and reports it.

    Args:
        item: of `ITEMS`, or `all`.
        results: the folder that runs, timings and reports are stored in.
        quick: the short version, for a check of minutes.
        page: where the page of `all` is written; `<results>/reproduction.md` if not given.
        changes: to every run, as on the command line.
        only_report: run nothing, report what is stored.
        notify: receives sentences on progress.

    Returns:
        Whether every run and report succeeded.

    Raises:
        InputError: for an unknown item, a config that cannot be run, or an unwritable folder.
    """
    from nnks.tracking import check_writable
    from nnks_paper import page as pages
    from nnks_paper.study import load_study

    if item not in (*ITEMS, ALL):
        raise InputError(f"'{item}' is no item of the paper; {suggest(item, (*ITEMS, ALL))}.")
    names = ITEMS if item == ALL else (item,)
    results = check_writable(results)
    figures = results / FIGURES
    studies = [load_study(name, results, quick=quick, changes=changes) for name in names]
    if not only_report:
        estimate(studies, notify)
    good = True
    for study in studies:
        good &= _run(study, only_report, notify)
        try:
            report = importlib.import_module(f"nnks_paper.{study.name}").report(study, figures)
        except Exception as error:  # whatever breaks here must not keep the other items from being run
            notify(f"{study.name}: no report: {type(error).__name__}: {error}\n{traceback.format_exc()}")
            good = False
            continue
        command = f"nnks reproduce {study.name}" + (" --quick" if quick else "")
        report = dataclasses.replace(report, command=command, cost=cost(study))
        pages.store(report, figures)
        pages.show(report)
    if item == ALL:
        written = pages.write_page(pages.stored(figures, ITEMS), page or results / PAGE, figures, quick=quick)
        notify(f"page: {written}")
    notify(f"tables and figures: {figures}")
    return good


def estimate(studies: Sequence[Any], notify: Callable[[str], None]) -> None:
    """Says what would be run, and about how long that takes on two cores."""
    seconds = 0.0
    for study in studies:
        missing = study.missing()
        spent = study.seconds(missing)
        seconds += spent
        what = "systems to time" if study.measured else "runs"
        notify(
            f"{study.name + ':':14s} {len(missing)} of {len(study.configs)} {what} missing, about {spent / 60:.1f} min"
        )
    notify(f"about {seconds / 60:.0f} min on two cores in all; an interrupted call continues where it stopped.")


def _run(study: Any, only_report: bool, notify: Callable[[str], None]) -> bool:
    """Runs or times what is missing; says whether all of it is there."""
    if only_report:
        return not study.missing()
    if study.measured:
        from nnks_paper.measure import measure

        for measurement in study.measurements():
            if not measurement.stored(study.results):
                notify(f"{study.name}: {measurement.config.label}, {measurement.method} ...")
                timing = measure(measurement, study.results)
                notify(f"  {timing.get('failed') or 'done'} after {timing['total_s']:.0f} s")
        return True
    from nnks.sweep import run_sweep

    command = f"nnks reproduce {study.name}"
    outcome = run_sweep(study.sweep(), study.results, command=command, notify=notify, batch=not study.alone)
    return not outcome.failed


def cost(study: Any) -> str:
    """What the stored runs took, in a sentence."""
    if study.measured:
        seconds = [timing.get("total_s", 0.0) for _, timing in study.timings()]
        return f"{len(seconds)} timings took {sum(seconds):.0f} s."
    seconds = [(record.summary or {}).get("seconds", 0.0) for _, record in study.runs()]
    return (
        f"Training of {len(seconds)} runs took {sum(seconds):.0f} s, without building, references and final evaluation."
    )
