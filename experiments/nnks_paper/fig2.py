"""Figure 2: energy against wall-clock time on carbon clusters, direct minimization beside self-consistency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnks_paper.report import Report, Table, milli, number
from nnks_paper.study import Study
from nnks_paper.timing import stability
from nnks_paper.timing_runs import NAMES, Timed, collect

FLOOR = 1e-7
"""Smaller distances [Ha] are drawn here."""


def report(study: Study, figures: Path) -> Report:
    """Table, verdicts and figure."""
    timings = collect(study)
    drawn = [t for t in timings if t.history]
    figure = draw(drawn, figures / "fig2.png") if drawn else None
    caption = (
        "Energy above the lowest that any method reached, against seconds from building the molecule; "
        "nnks without compilation, solid, and with it, dotted."
    )
    findings = [stability(timings), stability(timings, "nnks-scf")]
    return Report(
        "fig2",
        study.title,
        study.quick,
        [table(timings)],
        findings,
        figure.name if figure else "",
        caption,
        study.unfinished(),
    )


def lowest(timings: Sequence[Timed], system: str) -> float:
    """The lowest final energy of a system [Ha]: of converged calculations where there are any."""
    own = [t for t in timings if t.system == system and t.energy is not None]
    return min(t.energy for t in ([t for t in own if t.converged] or own) if t.energy is not None)


def table(timings: Sequence[Timed]) -> Table:
    """How far each method is above the lowest energy as time goes by."""
    rows = []
    for t in timings:
        if not t.history:
            rows.append([t.system, NAMES[t.method], *[""] * 4, t.failed])
            continue
        low, end = lowest(timings, t.system), t.history[-1]
        swing = max(e for _, e in t.history[-5:]) - min(e for _, e in t.history[-5:])
        state = "yes" if t.converged else f"no {t.failed}".strip()
        rows.append(
            [t.system, NAMES[t.method], number(end[0], ".1f"), number(end[1]), milli(end[1] - low), milli(swing), state]
        )
    header = [
        "system",
        "method",
        "seconds",
        "last energy [Ha]",
        "above the lowest [mHa]",
        "range of the last five [mHa]",
        "converged",
    ]
    return Table(
        "How they ended",
        header,
        rows,
        "lda,vwn, level 1, the same fitting set. The JAX SCF is one compiled loop: its end alone is known.",
    )


def draw(timings: Sequence[Timed], path: Path) -> Path:
    """One panel a system."""
    from nnks.analysis.style import logarithmic, looks, new_figure, save

    systems = list(dict.fromkeys(t.system for t in timings))
    style = looks(list(NAMES.values()))
    figure, panels = new_figure(len(systems), width=5.2, height=3.6, columns=2)
    for axes, system in zip(panels, systems, strict=True):
        low = lowest(timings, system)
        for t in (t for t in timings if t.system == system):
            color = style[NAMES[t.method]][0]
            marker = "-" if len(t.history) > 1 else "o"
            axes.plot(*_curve(t.history, low), marker, color=color, linewidth=1.4, label=NAMES[t.method])
            if len(t.cold) > 1 and t.cold != t.history:
                axes.plot(*_curve(t.cold, low), ":", color=color, linewidth=1.2)
        seconds = [s for t in timings if t.system == system for s, _ in (*t.history, *t.cold)]
        if seconds:
            logarithmic(axes, min(seconds), max(seconds))
        axes.set(yscale="log", xlabel="seconds", ylabel="E − lowest [Ha]", title=system)
        axes.legend(fontsize=8)
    return save(figure, path)


def _curve(history: Sequence[tuple[float, float]], low: float) -> tuple[list[float], list[float]]:
    return [s for s, _ in history], [max(e - low, FLOOR) for _, e in history]
