"""The two figures of every report: how the energy fell, and where it ended."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.style import GRAY, looks, new_figure, save
from nnks.analysis.table import LOWEST, Row, grouped, known
from nnks.tracking.store import RunRecord
from nnks.units import CHEMICAL_ACCURACY, MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any  # matplotlib is imported when a figure is drawn

FLOOR = 1e-5  # [mHa]; smaller errors are rounding and would stretch the axis
MOST_POINTS = 1500  # a line in a figure shows no more
AXES = {"step": "step", "seconds": "time [s]"}


def convergence(rows: Sequence[Row], records: Sequence[RunRecord], against: str, path: Path) -> Path | None:
    """Draws |energy - best reference| of every run against `step` or `seconds`, one panel a system.

    A run is a thin line in its method's color; a dot marks the energy of the final evaluation, hollow where it
    lies below the reference; a cross marks where a failed or interrupted run stopped.

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
        curve = _curve(record.metrics, row["reference_best_Ha"], against)
        if curve is not None:
            drawn.append(row)
            curves[row["path"]] = curve
    if not drawn:
        return None
    style = looks([row["method"] for row in rows])
    systems = grouped(drawn, "system")
    figure, panels = new_figure(len(systems), width=5.2, height=3.6, columns=2)
    for axes, (system, group) in zip(panels, systems.items(), strict=True):
        bottom = _bottom(curves[row["path"]][1][-1] for row in group)
        for row in group:
            _draw_curve(axes, curves[row["path"]], row, style[row["method"]], bottom)
        axes.set(yscale="log", xlabel=AXES[against])
        axes.set_ylim(bottom=bottom)
        axes.set_title(system, loc="left", fontweight="bold")
        axes.set_ylabel(f"|E − {_reference_name(group[0])}| [mHa]")
        _choose_x_scale(axes, [curves[row["path"]][0] for row in group])
        _mark_chemical_accuracy(axes)
    _legend(figure, {method: style[method] for method in grouped(drawn, "method")}, drawn)
    return save(figure, path)


def _curve(metrics: list[dict[str, Any]], reference: float, against: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(x, error [mHa]) of a run, thinned; None where there is nothing to draw."""
    if math.isnan(reference):
        return None
    first = 1  # step 0 is drawn at 1: a logarithmic axis has no zero
    x = [line["step"] + first for line in metrics] if against == "step" else _elapsed(metrics)
    y = [(line.get("energy/total", math.nan) - reference) / MILLIHARTREE for line in metrics]
    points = np.array([x, y], dtype=float).reshape(2, -1)
    points = points[:, np.isfinite(points).all(axis=0)]
    if points.shape[1] == 0:
        return None
    keep = np.unique(np.linspace(0, points.shape[1] - 1, MOST_POINTS).astype(int))
    return points[0, keep], points[1, keep]


def _elapsed(metrics: list[dict[str, Any]]) -> list[float]:
    """Seconds since the start at each line: as recorded, or the sum of the steps' times."""
    if any("time/elapsed_s" in line for line in metrics):
        return [line.get("time/elapsed_s", math.nan) for line in metrics]
    if any("time/step_s" in line for line in metrics):
        return list(np.cumsum([line.get("time/step_s", 0.0) for line in metrics]))
    return [math.nan] * len(metrics)


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
) -> None:
    (x, error), (color, line) = curve, look
    size = np.maximum(np.abs(error), bottom)
    axes.plot(x, size, color=color, linestyle=line, linewidth=1.1, alpha=0.8)
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


def _choose_x_scale(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """A logarithmic axis where the lengths of the runs differ so much that the short ones would be a stroke."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ends = [x[-1] for x in curves]
    if min(ends) > 0 and max(ends) / min(ends) > 8:
        axes.set_xscale("log")
        few = max(ends) / min(x[0] for x in curves if x[0] > 0) < 300  # decades alone would be one or two labels
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
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


def final_errors(rows: Sequence[Row], path: Path) -> Path | None:
    """Draws the final energy error of each method, one panel a system.

    Seeds are dots, the median is a bar, PySCF in the method's own basis is a gray triangle, and the best
    reference is the line at zero. The axis is linear around zero and logarithmic beyond.

    Args:
        rows: what `run_rows` returned.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has a final energy.
    """
    ended = [row for row in rows if math.isfinite(row["error_best_mHa"])]
    if not ended:
        return None
    style = looks([row["method"] for row in rows])
    systems = grouped(ended, "system")
    most = max(len(grouped(group, "method")) for group in systems.values())
    figure, panels = new_figure(len(systems), width=5.2, height=1.5 + 0.36 * most, columns=2)
    for axes, (system, group) in zip(panels, systems.items(), strict=True):
        _draw_errors(axes, group, style)
        axes.set_title(system, loc="left", fontweight="bold")
    _error_legend(figure, ended)
    return save(figure, path)


def _draw_errors(axes: Axes, rows: Sequence[Row], style: Mapping[str, tuple[str, Any]]) -> None:
    methods = grouped(rows, "method")
    shown: list[float] = []
    for place, (method, group) in enumerate(methods.items()):
        color = style[method][0]
        errors = [row["error_best_mHa"] for row in group]
        spread = np.linspace(-0.16, 0.16, len(errors)) if len(errors) > 1 else np.zeros(1)
        axes.plot(errors, place + spread, "o", color=color, markersize=5, alpha=0.75, markeredgewidth=0, zorder=3)
        if len(errors) > 1:
            median = statistics.median(errors)
            axes.plot([median] * 2, [place - 0.32, place + 0.32], color=color, linewidth=2.2, zorder=4)
        same = {_same_basis(row) for row in group if _has_same_basis(row)}
        axes.plot(list(same), [place + 0.36] * len(same), "^", color=GRAY, markersize=6, zorder=2)
        shown += [*errors, *same]
    axes.axvline(0.0, color="black", linewidth=1.0)
    axes.set_yticks(range(len(methods)), list(methods))
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"E − {_reference_name(rows[0])} [mHa]")
    _symmetric_log(axes, shown)


def _has_same_basis(row: Row) -> bool:
    return row["reference_same"] is not None and row["reference_same"] != row["reference_best"]


def _same_basis(row: Row) -> float:
    return (row["reference_same_Ha"] - row["reference_best_Ha"]) / MILLIHARTREE


def _symmetric_log(axes: Axes, errors: Sequence[float]) -> None:
    """Decades on both sides of zero, where the values need them; at most six decades are told apart."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    values = np.array(errors)
    sizes = np.abs(values[np.abs(values) > FLOOR])
    if sizes.size == 0:
        axes.set_xlim(-10 * FLOOR, 10 * FLOOR)
        return
    top = math.floor(math.log10(sizes.max()))
    bottom = min(max(math.floor(math.log10(sizes.min())), top - 5), top)
    linear = 10.0**bottom
    axes.set_xscale("symlog", linthresh=linear, linscale=0.6)
    left, right = min(values.min() * 2, -0.5 * linear), max(values.max() * 2, 0.5 * linear)
    axes.set_xlim(left, right)
    decades = [10.0**power for power in range(bottom, top + 2)]
    both = sum(left <= -d for d in decades) + sum(d <= right for d in decades)
    decades = decades[:: 1 if both <= 5 else 2]
    # the first decade stands too near to zero for long labels on both sides of it
    crowded = left <= -decades[0] and len(decades) > 1 and bottom < -1
    ticks = [x for x in (*(-d for d in decades[crowded:]), 0.0, *decades[crowded:]) if left <= x <= right]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))


def _reference_name(row: Mapping[str, Any]) -> str:
    name = str(row["reference_best"])
    return "E(lowest run)" if name == LOWEST else f"E({name})"


def _legend(figure: Figure, style: Mapping[str, tuple[str, Any]], rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=c, linestyle=line, linewidth=2, label=name) for name, (c, line) in style.items()]
    finals = known(row["error_best_mHa"] for row in rows)
    if finals:
        handles.append(_dot("final evaluation", filled=True))
    if any(error < 0 for error in finals):
        handles.append(_dot("final evaluation, below the reference", filled=False))
    if len(finals) < len(rows):
        handles.append(Line2D([], [], color=GRAY, marker="x", linestyle="", label="failed or interrupted"))
    _place_legend(figure, handles)


def _error_legend(figure: Figure, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [_dot("a run (seed)", filled=True)]
    if any(len(group) > 1 for group in grouped(rows, "system", "method").values()):
        bar = {"marker": "|", "markersize": 12, "markeredgewidth": 2.2, "linestyle": ""}
        handles.append(Line2D([], [], color=GRAY, label="median over seeds", **bar))
    if any(_has_same_basis(row) for row in rows):
        handles.append(Line2D([], [], color=GRAY, marker="^", markersize=6, linestyle="", label="PySCF, same basis"))
    _place_legend(figure, handles)


def _dot(label: str, *, filled: bool) -> Any:
    from matplotlib.lines import Line2D

    face = GRAY if filled else "white"
    return Line2D([], [], marker="o", linestyle="", markerfacecolor=face, markeredgecolor=GRAY, label=label)


def _place_legend(figure: Figure, handles: list[Any]) -> None:
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), int(figure.get_figwidth() * 11 / (longest + 8))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
