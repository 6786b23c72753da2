"""A comparison as a picture and as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.comparison import Comparison
from nnks.analysis.style import logarithmic, looks, new_figure, save
from nnks.analysis.text import in_figure
from nnks.registry import InputError
from nnks.tracking.files import replace_text
from nnks.tracking.record import RunRecord
from nnks.units import MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any  # matplotlib is imported when a figure is drawn

FLOOR = 1e-5  # [mHa]; smaller errors are rounding
MOST_POINTS = 1500  # a line shows no more
CAPTION = "Energy above the best reference of each run's system while training; dots are final evaluations."


def convergence_figure(comparison: Comparison, path: Path) -> Path | None:
    """Draws |energy - best reference| [mHa] of every run, against steps and against seconds.

    Args:
        comparison: of runs; where a system has no reference, the lowest final energy of its runs stands in.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has metrics and a reference.
    """
    names = [f"{letter}: {row['label']}" for letter, row in zip(comparison.letters, comparison.rows, strict=True)]
    curves = [_curve(record, row) for record, row in zip(comparison.records, comparison.rows, strict=True)]
    drawn = [n for n, curve in enumerate(curves) if curve.shape[1]]
    if not drawn:
        return None
    colors = looks(comparison.letters)
    ends = [max(abs(curves[n][2, -1]), FLOOR) for n in drawn]
    figure, panels = new_figure(2, width=5.0, height=3.6, columns=2)
    for axes, column, label in zip(panels, (0, 1), ("step", "time [s]"), strict=True):
        for n in drawn:
            color, dashes = colors[comparison.letters[n]]
            size = np.maximum(np.abs(curves[n][2]), 0.2 * min(ends))
            axes.plot(curves[n][column], size, color=color, linestyle=dashes, label=in_figure(names[n]))
            _mark_end(axes, curves[n][column, -1], comparison.rows[n]["error_best_mHa"], color, 0.2 * min(ends))
        axes.set(yscale="log", xlabel=label)
        _choose_scale(axes, [curves[n][column] for n in drawn])
    panels[0].set_ylabel(f"|E − {_reference(comparison, drawn)}| [mHa]")
    handles, labels = panels[0].get_legend_handles_labels()
    columns = 1 if max(map(len, labels)) > 60 else 2
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return save(figure, path)


def _curve(record: RunRecord, row: dict[str, Any]) -> np.ndarray:
    """Step, seconds and error [mHa] of the recorded steps, as rows; without columns where there is nothing to draw."""
    course, reference = record.course, row["reference_best_Ha"]
    points = np.column_stack([course.step, course.elapsed, course.total - reference])
    points = points[np.isfinite(points[:, 2])] * (1.0, 1.0, 1.0 / MILLIHARTREE)
    keep = np.unique(np.linspace(0, max(len(points) - 1, 0), MOST_POINTS).astype(int)) if len(points) else []
    return points[keep].T if len(points) else points.T


def _choose_scale(axes: Axes, positions: list[np.ndarray]) -> None:
    """A logarithmic axis where the shortest run would be a stroke."""
    ends = [x[-1] for x in positions]
    if min(x[0] for x in positions) <= 0 or max(ends) <= 8 * min(ends):
        return
    logarithmic(axes, min(x[0] for x in positions), max(ends))


def _mark_end(axes: Axes, x: float, error: float, color: str, bottom: float) -> None:
    if math.isfinite(error):
        face = color if error >= 0 else "white"  # hollow: below the reference
        axes.plot(x, max(abs(error), bottom), "o", markersize=5, color=color, markerfacecolor=face, clip_on=False)


def _reference(comparison: Comparison, drawn: list[int]) -> str:
    names = {str(comparison.rows[n]["reference_best"]) for n in drawn}
    return f"E({in_figure(names.pop())})" if len(names) == 1 else "E(best reference)"


def write_page(comparison: Comparison, path: Path) -> Path:
    """Writes the comparison as an HTML page with its picture inside; whatever comes from configs is escaped.

    Raises:
        InputError: where the file cannot be written.
    """
    from jinja2 import Environment, PackageLoader

    with tempfile.TemporaryDirectory() as folder:
        drawn = convergence_figure(comparison, Path(folder) / "convergence.png")
        picture = base64.b64encode(drawn.read_bytes()).decode() if drawn is not None else ""
    template = Environment(loader=PackageLoader("nnks.analysis"), autoescape=True).get_template("compare.html")
    labels = [str(row["label"]) for row in comparison.rows]
    title = " against ".join(labels) if len(labels) == 2 else f"{len(labels)} runs side by side"
    text = template.render(title=title, sections=comparison.sections, picture=picture, caption=CAPTION)
    try:
        return replace_text(path, text)
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror or error}); name another file.") from error
