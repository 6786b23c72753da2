"""Pictures of orbitals: one run's density and highest occupied orbital, and differences of other methods' densities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.style import new_figure, save
from nnks.analysis.table import Row
from nnks.analysis.text import in_figure
from nnks.analysis.wording import chemical
from nnks.tracking.record import RunRecord
from nnks.tracking.slices import Slice, read_slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any  # matplotlib is imported when a figure is drawn

MOST_SYSTEMS, MOST_METHODS = 3, 6
"""Systems that are drawn, and methods whose densities are compared in each."""

COLUMNS = 2
"""Panels side by side."""

SMALLEST, LARGEST = 1e-4, 1e1
"""Densities between which the colors run [Bohr^-3]."""

FAINT = 1e-5
"""Differences of densities that are shown in full color at least [Bohr^-3]: slices are stored in single precision."""


def densities(rows: Sequence[Row], records: Sequence[RunRecord], path: Path) -> Path | None:
    """Draws slices: for each system those of the run closest to the best reference, and differences of others from it.

    Args:
        rows: what `run_rows(records)` returned.
        records: the runs, some with slices.
        path: where the PNG goes.

    Returns:
        The path, or None where no run has a slice.
    """
    systems = filter(None, (_panels(rows, records, group) for group in _systems(rows)))
    # each system begins a row of its own
    rows_of = [[*panels, *[None] * (-len(panels) % COLUMNS)] for panels in itertools.islice(systems, MOST_SYSTEMS)]
    panels = list(itertools.chain.from_iterable(rows_of))
    if not panels:
        return None
    figure, axes = new_figure(len(panels), width=3.3, height=3.3, columns=COLUMNS)
    for axis, panel in zip(axes, panels, strict=True):
        if panel is None:
            axis.remove()
            continue
        image = _draw(axis, panel)
        bar = figure.colorbar(image, ax=axis, shrink=0.6)
        bar.ax.tick_params(labelsize=10)
        if panel["what"] == "difference":
            bar.set_ticks(
                [-panel["size"], 0, panel["size"]], labels=[f"−{panel['size']:.0e}", "0", f"{panel['size']:.0e}"]
            )
            bar.minorticks_off()
    return save(figure, path)


def _systems(rows: Sequence[Row]) -> list[list[int]]:
    """The numbers of the rows of each system, those of lower seeds first."""
    groups: dict[str, list[int]] = {}
    for number in sorted(range(len(rows)), key=lambda number: rows[number]["seed"]):
        groups.setdefault(rows[number]["system"], []).append(number)
    return [groups[system] for system in dict.fromkeys(row["system"] for row in rows)]


def _slices(rows: Sequence[Row], records: Sequence[RunRecord], group: Sequence[int]) -> dict[str, tuple[int, Slice]]:
    """Of one system: a run of each method that has a slice, by its number, with the slice."""
    slices: dict[str, tuple[int, Slice]] = {}
    for number in group:
        method = rows[number]["method"]
        if method not in slices and (stored := read_slice(records[number])) is not None:
            slices[method] = number, stored
    return slices


def shown_slices(rows: Sequence[Row], records: Sequence[RunRecord]) -> set[int]:
    """The numbers of the runs whose slices may be drawn."""
    systems = [slices for group in _systems(rows) if (slices := _slices(rows, records, group))]
    return {number for slices in systems[:MOST_SYSTEMS] for number, _ in slices.values()}


def _panels(rows: Sequence[Row], records: Sequence[RunRecord], group: Sequence[int]) -> list[dict[str, Any]]:
    """What is drawn of one system: the closest run twice, then differences, one run of each method."""
    slices = {method: (rows[number], stored) for method, (number, stored) in _slices(rows, records, group).items()}
    if not slices:
        return []
    off = {m: math.nan if row["doubts"] else abs(row["error_best_mHa"]) for m, (row, _) in slices.items()}
    best = min(slices, key=lambda m: off[m] if math.isfinite(off[m]) else math.inf)
    base = slices[best][1]
    common = {"system": slices[best][0]["system"], "slice": base}
    panels = [
        common | {"what": "density", "method": best, "values": base.density},
        common | {"what": "orbital", "method": best, "values": base.orbital},
    ]
    others = [(method, other) for method, (_, other) in slices.items() if method != best]
    for method, other in others[:MOST_METHODS]:
        if other.density.shape == base.density.shape and np.allclose(other.x, base.x, atol=1e-4):
            panels.append(common | {"what": "difference", "method": method, "values": other.density - base.density})
    size = max([FAINT, *(float(np.abs(p["values"]).max()) for p in panels if p["what"] == "difference")])
    return [panel | {"size": size} for panel in panels]


def _draw(axes: Axes, panel: dict[str, Any]) -> Any:
    """One panel; its colors."""
    from matplotlib.colors import LogNorm, Normalize

    values, plane = panel["values"], panel["slice"]
    largest, size = float(np.abs(values).max()), panel["size"]
    if panel["what"] == "density":
        norm, colors, title = LogNorm(SMALLEST, LARGEST), "viridis", "density"
        values = np.maximum(values, SMALLEST)
    elif panel["what"] == "orbital":
        norm, colors, height = Normalize(-largest, largest), "RdBu_r", float(plane.height)
        title = "highest occupied orbital" + (f", {height:.1f} above" if height else "")
    else:
        norm, colors = Normalize(-size, size), "PuOr_r"
        title = f"difference, at most {largest:.0e}"
    image = axes.pcolormesh(plane.x, plane.y, values, norm=norm, cmap=colors, shading="gouraud", rasterized=True)
    axes.plot(plane.nuclei[:, 0], plane.nuclei[:, 1], "+", color="black", markersize=5)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_title(
        f"{in_figure(chemical(panel['system']))}, {title}\n{in_figure(panel['method'])}", loc="left", fontsize=10
    )
    axes.tick_params(labelsize=10)
    return image
