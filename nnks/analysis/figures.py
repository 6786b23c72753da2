"""Where the energies of runs ended."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.legends import dot, place_legend, reference_name
from nnks.analysis.style import GRAY, MOST_METHODS, MOST_PANELS, looks, new_figure, save, symmetric_log
from nnks.analysis.table import Row, first, grouped
from nnks.analysis.text import in_figure
from nnks.units import MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any  # matplotlib is imported when a figure is drawn


def final_errors(rows: Sequence[Row], path: Path) -> Path | None:
    """Draws the final energy error of each method, one panel a system.

    Seeds are dots, the median is a bar, PySCF in the method's own basis is a gray triangle, and the best
    reference is the line at zero. Energies that are doubted are left out. The axis is linear around zero and logarithmic beyond.

    Args:
        rows: what `run_rows` returned.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has a final energy.
    """
    ended = [row for row in rows if math.isfinite(row["error_best_mHa"]) and not row["doubts"]]
    if not ended:
        return None
    style = looks([row["method"] for row in rows])
    systems = first(grouped(ended, "system"), MOST_PANELS)
    most = min(MOST_METHODS, max(len(grouped(group, "method")) for group in systems.values()))
    figure, panels = new_figure(len(systems), width=5.2, height=1.5 + 0.36 * most, columns=2)
    for axes, (system, group) in zip(panels, systems.items(), strict=True):
        _draw_errors(axes, group, style)
        axes.set_title(in_figure(system), loc="left", fontweight="bold")
    _error_legend(figure, ended)
    return save(figure, path)


def _draw_errors(axes: Axes, rows: Sequence[Row], style: Mapping[str, tuple[str, Any]]) -> None:
    methods = first(grouped(rows, "method"), MOST_METHODS)
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
    axes.set_yticks(range(len(methods)), [in_figure(method) for method in methods])
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"E − {reference_name(rows[0])} [mHa]")
    symmetric_log(axes, shown)


def _has_same_basis(row: Row) -> bool:
    return row["reference_same"] is not None and row["reference_same"] != row["reference_best"]


def _same_basis(row: Row) -> float:
    return (row["reference_same_Ha"] - row["reference_best_Ha"]) / MILLIHARTREE


def _error_legend(figure: Figure, rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    handles = [dot("a run (seed)", filled=True)]
    if any(len(group) > 1 for group in grouped(rows, "system", "method").values()):
        bar = {"marker": "|", "markersize": 12, "markeredgewidth": 2.2, "linestyle": ""}
        handles.append(Line2D([], [], color=GRAY, label="median over seeds", **bar))
    if any(_has_same_basis(row) for row in rows):
        handles.append(Line2D([], [], color=GRAY, marker="^", markersize=6, linestyle="", label="PySCF, same basis"))
    place_legend(figure, handles)
