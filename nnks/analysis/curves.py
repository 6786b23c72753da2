"""How the energy of runs fell: a line a run, or the median of several seeds with the range around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.legends import dot, place_legend, reference_name
from nnks.analysis.style import FLOOR, GRAY, MOST_METHODS, MOST_PANELS, logarithmic, method_looks, new_figure, save
from nnks.analysis.table import Row, first, grouped, known
from nnks.analysis.text import in_figure
from nnks.analysis.wording import chemical
from nnks.tracking.course import Course
from nnks.tracking.record import RunRecord
from nnks.units import CHEMICAL_ACCURACY, MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any  # matplotlib is imported when a figure is drawn

MOST_POINTS = 1500  # a line in a figure shows no more
AXES = {"step": "step", "seconds": "time [s]"}

BAND = 3
"""Runs of a method and system from which on they are drawn as a median and a range."""


def convergence(rows: Sequence[Row], records: Sequence[RunRecord], against: str, path: Path) -> Path | None:
    """Draws |energy - best reference| of every run against `step` or `seconds`, one panel a system.

    A run is a thin line in its method's color, three or more of a method are their median and a band from the lowest to
    the highest; a dot marks the energy of the final evaluation, hollow where it lies below the reference; a cross marks
    where a failed or interrupted run stopped.

    Args:
        rows: what `run_rows(records)` returned.
        records: the runs, with their metrics.
        against: `step` or `seconds`.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has metrics to draw.
    """
    drawn, curves = [], {}
    for row, record in zip(rows, records, strict=True):
        curve = _curve(record.course, row["reference_best_Ha"], against)
        if curve is not None:
            drawn.append(row)
            curves[row["path"]] = curve
    if not drawn:
        return None
    style = method_looks(rows)
    systems = first(grouped(drawn, "system"), MOST_PANELS)
    figure, panels = new_figure(len(systems), width=5.2, height=3.6, columns=2)
    for axes, (system, group) in zip(panels, systems.items(), strict=True):
        bottom = _bottom(curves[row["path"]][1][-1] for row in group)
        for method, runs in grouped(group, "method").items():
            if len(runs) >= BAND:
                _draw_band(axes, [curves[row["path"]] for row in runs], style[method], bottom)
            for row in runs:
                _draw_curve(axes, curves[row["path"]], row, style[method], bottom, line=len(runs) < BAND)
        axes.set(yscale="log", xlabel=AXES[against])
        axes.set_ylim(bottom=bottom)
        axes.set_title(in_figure(chemical(system)), loc="left", fontweight="bold")
        axes.set_ylabel(f"distance from {reference_name(group[0])} [mHa]")
        _choose_x_scale(axes, [curves[row["path"]][0] for row in group])
        _mark_chemical_accuracy(axes)
    _legend(figure, {method: style[method] for method in first(grouped(drawn, "method"), MOST_METHODS)}, drawn)
    return save(figure, path)


def _curve(course: Course, reference: float, against: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(x, error [mHa]) of a run, thinned; None where there is nothing to draw."""
    if math.isnan(reference):
        return None
    # step 0 is drawn at 1: a logarithmic axis has no zero
    points = np.array([course.step + 1 if against == "step" else course.seconds, course.total])
    points = points[:, np.isfinite(points).all(axis=0)]
    if points.shape[1] == 0:
        return None
    keep = np.unique(np.linspace(0, points.shape[1] - 1, MOST_POINTS).astype(int))
    return points[0, keep], (points[1, keep] - reference) / MILLIHARTREE


def _bottom(ends: Iterable[float]) -> float:
    """The lower end of the error axis [mHa]: a little below the smallest last error that is not rounding.

    A curve that crosses the reference dips to zero on a logarithmic axis; that dip must not set the scale.
    """
    sizes = [abs(end) for end in ends if abs(end) > FLOOR]
    return 0.2 * min(sizes, default=FLOOR)


def _draw_curve(
    axes: Axes,
    curve: tuple[np.ndarray, np.ndarray],
    row: Mapping[str, Any],
    look: tuple[str, str],
    bottom: float,
    *,
    line: bool,
) -> None:
    (x, error), (color, dashes) = curve, look
    size = np.maximum(np.abs(error), bottom)
    if line:
        axes.plot(x, size, color=color, linestyle=dashes, linewidth=1.1, alpha=0.8)
    final = row["error_best_mHa"]
    if math.isfinite(final):
        face = color if final >= 0 else "white"
        dot = {
            "markersize": 5,
            "markerfacecolor": face,
            "markeredgecolor": color,
            "zorder": 4,
            "clip_on": False,
        }
        axes.plot(x[-1], max(abs(final), bottom), "o", **dot)
    else:
        axes.plot(x[-1], size[-1], "x", color=color, markersize=6, markeredgewidth=1.6, zorder=4)


def _draw_band(
    axes: Axes, curves: Sequence[tuple[np.ndarray, np.ndarray]], look: tuple[str, str], bottom: float
) -> None:
    """The median of runs at each place and their range; a run that has ended keeps its last error."""
    x = np.unique(np.concatenate([x for x, _ in curves]))
    x = x[np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).astype(int))]
    x = x[x >= max(own[0] for own, _ in curves)]
    sizes = np.stack([np.interp(x, own, np.maximum(np.abs(error), bottom)) for own, error in curves])
    color, dashes = look
    axes.fill_between(x, sizes.min(axis=0), sizes.max(axis=0), color=color, alpha=0.18, linewidth=0)
    axes.plot(x, np.median(sizes, axis=0), color=color, linestyle=dashes, linewidth=1.4)


def _choose_x_scale(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """A logarithmic axis where the lengths of the runs differ so much that the short ones would be a stroke."""
    ends = [x[-1] for x in curves]
    if min(ends) > 0 and max(ends) / min(ends) > 8:
        logarithmic(axes, min(float(np.min(x, where=x > 0, initial=max(ends))) for x in curves), max(ends))
    else:
        axes.set_xlim(left=0)


def _mark_chemical_accuracy(axes: Axes) -> None:
    level = CHEMICAL_ACCURACY / MILLIHARTREE
    low, high = axes.get_ylim()
    if low < level < high:
        axes.axhline(level, color=GRAY, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate(
            "1 kcal/mol",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=8,
            color=GRAY,
        )


def _legend(figure: Figure, style: Mapping[str, tuple[str, Any]], rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=c, linestyle=line, linewidth=2, label=in_figure(name)) for name, (c, line) in style.items()
    ]
    finals = known(row["error_best_mHa"] for row in rows)
    if finals:
        handles.append(dot("final evaluation", filled=True))
    if any(error < 0 for error in finals):
        handles.append(dot("final evaluation, below the reference", filled=False))
    if len(finals) < len(rows):
        handles.append(Line2D([], [], color=GRAY, marker="x", linestyle="", label="failed or interrupted"))
    place_legend(figure, handles)
