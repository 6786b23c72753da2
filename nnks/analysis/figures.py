"""Where the energies of runs ended."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.legends import dot, place_legend, reference_name
from nnks.analysis.style import FLOOR, GRAY, MOST_METHODS, MOST_PANELS, error_axis, method_looks, new_figure, save
from nnks.analysis.table import Row, first, grouped
from nnks.analysis.text import in_figure
from nnks.analysis.wording import chemical
from nnks.units import MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any  # matplotlib is imported when a figure is drawn


def final_errors(rows: Sequence[Row], path: Path) -> Path | None:
    """Draws the final energy error of each method, one panel a system.

    Seeds are dots, the median is a bar, PySCF in the method's own basis is a gray triangle, and the best
    reference is the line at zero. Energies that are doubted are left out. Where errors are of very different sizes, the
    axis is logarithmic, and what lies below the reference is hollow.

    Args:
        rows: what `run_rows` returned.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has a final energy.
    """
    ended = [row for row in rows if math.isfinite(row["error_best_mHa"]) and not row["doubts"]]
    if not ended:
        return None
    style = method_looks(rows)
    systems = first(grouped(ended, "system"), MOST_PANELS)
    most = min(MOST_METHODS, max(len(grouped(group, "method")) for group in systems.values()))
    figure, panels = new_figure(len(systems), width=5.2, height=1.5 + 0.36 * most, columns=2)
    for axes, (system, group) in zip(panels, systems.items(), strict=True):
        _draw_errors(axes, group, style)
        axes.set_title(in_figure(chemical(system)), loc="left", fontweight="bold")
    _error_legend(figure, ended)
    return save(figure, path)


def _draw_errors(axes: Axes, rows: Sequence[Row], style: Mapping[str, tuple[str, Any]]) -> None:
    methods = first(grouped(rows, "method"), MOST_METHODS)
    same = {method: {_same_basis(row) for row in group if _has_same_basis(row)} for method, group in methods.items()}
    shown = [row["error_best_mHa"] for group in methods.values() for row in group]
    sizes = error_axis(axes, [*shown, *(error for errors in same.values() for error in errors)])

    def mark(error: float, height: float, marker: str, color: Any, **more: Any) -> None:
        face = "white" if sizes and error < 0 else color
        at = max(abs(error), FLOOR) if sizes else error
        axes.plot(at, height, marker, color=color, markerfacecolor=face, clip_on=False, **more)

    for position, (method, group) in enumerate(methods.items()):
        color = style[method][0]
        errors = [row["error_best_mHa"] for row in group]
        spread = np.linspace(-0.16, 0.16, len(errors)) if len(errors) > 1 else np.zeros(1)
        for error, height in zip(errors, position + spread, strict=True):
            mark(error, height, "o", color, markersize=5.5, zorder=3)
        if len(errors) > 2:
            median = statistics.median(errors)
            at = max(abs(median), FLOOR) if sizes else median
            axes.plot([at] * 2, [position - 0.32, position + 0.32], color=color, linewidth=2.2, zorder=2)
        for error in same[method]:
            mark(error, position + 0.34, "^", GRAY, markersize=5.5, zorder=2)
    if not sizes:
        axes.axvline(0.0, color="black", linewidth=1.0)
    axes.set_yticks(range(len(methods)), [in_figure(method) for method in methods])
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    what = "distance from" if sizes else "energy above"
    axes.set_xlabel(f"{what} {reference_name(rows[0])} [mHa]")


def _has_same_basis(row: Row) -> bool:
    return row["reference_same"] is not None and row["reference_same"] != row["reference_best"]


def _same_basis(row: Row) -> float:
    return (row["reference_same_Ha"] - row["reference_best_Ha"]) / MILLIHARTREE


def _error_legend(figure: Figure, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [dot("a run (a seed)", filled=True)]
    if any(row["error_best_mHa"] < 0 for row in rows):
        handles.append(dot("below the reference, where the axis is logarithmic", filled=False))
    if any(len(group) > 2 for group in grouped(rows, "system", "method").values()):
        bar = {"marker": "|", "markersize": 12, "markeredgewidth": 2.2, "linestyle": ""}
        handles.append(Line2D([], [], color=GRAY, label="median over seeds", **bar))
    if any(_has_same_basis(row) for row in rows):
        handles.append(
            Line2D([], [], color=GRAY, marker="^", markersize=6, linestyle="", label="PySCF in the same basis")
        )
    place_legend(figure, handles)
