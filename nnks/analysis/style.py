"""How figures look: one color and line for a method everywhere, readable by color-blind people and in print."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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


def symmetric_log(axes: Axes, errors: Sequence[float]) -> None:
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
