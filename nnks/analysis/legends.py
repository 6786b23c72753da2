"""Pieces that figures of runs share: names of references and legends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nnks.analysis.style import GRAY
from nnks.analysis.text import in_figure
from nnks.analysis.wording import reference_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:
    Figure = Any  # matplotlib is imported when a figure is drawn


def reference_name(row: Mapping[str, Any]) -> str:
    """What errors are measured from."""
    return in_figure(reference_words(str(row["reference_best"])))


def dot(label: str, *, filled: bool) -> Any:
    """A legend's entry for a final energy."""
    from matplotlib.lines import Line2D

    face = GRAY if filled else "white"
    return Line2D([], [], marker="o", linestyle="", markerfacecolor=face, markeredgecolor=GRAY, label=label)


def place_legend(figure: Figure, handles: list[Any]) -> None:
    """Below the panels, in as many columns as fit."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), int(figure.get_figwidth() * 11 / (longest + 8))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
