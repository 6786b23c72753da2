"""How figures look: one color and line for a method everywhere, readable by color-blind people and in print."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnks.tracking.files import replacing, storing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any

# The eight colors of Okabe and Ito (2008), without yellow, which is too light for a line on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", ":", "-.")
GRAY = "#6b7280"
MOST_PANELS, MOST_METHODS = 40, 60  # of a figure, and rows or curves of a panel: the first ones
FLOOR = 1e-5  # [mHa]; smaller errors are rounding and would stretch an axis
SETTINGS: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 160,
}


def looks(methods: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """(color, line style) of each method, in order of appearance; lines change when the colors are used up."""
    distinct = list(dict.fromkeys(methods))
    return {name: (PALETTE[i % len(PALETTE)], LINES[i // len(PALETTE) % 4]) for i, name in enumerate(distinct)}


ANSATZ_COLORS = {
    "lcgto": PALETTE[6],
    "residual": PALETTE[0],
    "neural": PALETTE[1],
    "neural_basis": PALETTE[2],
    "local_scaling": PALETTE[3],
    "gaussian_learned": PALETTE[5],
}
"""Of the library's ansätze, in every figure; others share the color that is left."""


def method_looks(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, Any]]:
    """(color, line style) of each method of a sweep: an ansatz's own color, paler with every method that it has.

    Where all methods are of one ansatz its color tells nothing, and each has one of its own.
    """
    ansatz = {row["method"]: str(row["ansatz"]) for row in rows}
    if len(set(ansatz.values())) == 1:
        return looks(list(ansatz))
    styles: dict[str, tuple[Any, Any]] = {}
    for name in dict.fromkeys(ansatz.values()):
        methods = [method for method in ansatz if ansatz[method] == name]
        for n, method in enumerate(methods):
            color = mixed(ANSATZ_COLORS.get(name, PALETTE[4]), 0.6 * n / len(methods))
            styles[method] = color, LINES[n % len(LINES)]
    return {method: styles[method] for method in ansatz}


def mixed(color: str, white: float) -> str:
    """A color with a part of white in it."""
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in parts)


def new_figure(panels: int, *, width: float, height: float, columns: int) -> tuple[Figure, list[Axes]]:
    """A figure without a screen, with a grid of panels; panels that are not needed are left out.

    Args:
        panels: how many panels are needed.
        width: of one panel [inch].
        height: of one panel [inch].
        columns: panels side by side at most.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(columns, panels)
    rows = math.ceil(panels / columns)
    with rc_context(SETTINGS):
        figure = Figure(figsize=(max(width * columns, 4.8), height * rows), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in grid[panels:]:
        unused.remove()
    return figure, list(grid[:panels])


def save(figure: Figure, path: Path) -> Path:
    """Writes a PNG, whole or not at all; its folder is made.

    Raises:
        StoreError: where it cannot be written.
    """
    from matplotlib import rc_context

    with storing(path), rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)  # of a name: a box stands for it
        warnings.filterwarnings(
            "ignore", "constrained_layout not applied", UserWarning
        )  # long names leave a panel no room
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            figure.savefig(stream, format="png")
    return path


def logarithmic(axes: Axes, least: float, most: float) -> None:
    """A logarithmic axis from `least` to `most`, with plain numbers that do not overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    few = most < 300 * least  # decades alone would be one or two labels
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def error_axis(axes: Axes, errors: Sequence[float]) -> bool:
    """Chooses the horizontal axis for errors [mHa]: linear where they are of one size, else logarithmic.

    A linear axis has its zero, and a logarithmic one shows the sizes of errors.

    Returns:
        Whether sizes are to be drawn, none smaller than `FLOOR`; what is negative is to be hollow then.
    """
    sizes = [abs(error) for error in errors if abs(error) > FLOOR]
    if not sizes or max(sizes) <= 20 * min(sizes):
        span = 1.15 * max(sizes, default=FLOOR)
        left, right = min(0.0, *errors), max(0.0, *errors)
        axes.set_xlim(left - 0.1 * span, right + 0.1 * span)
        return False
    least, most = max(0.5 * min(map(abs, errors)), FLOOR / 2), 2 * max(sizes)
    logarithmic(axes, least, most)
    axes.set_xlim(least, most)
    return True
