"""The picture of a range test: energy over learning rate, and the rate that is suggested."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnks.analysis.style import GRAY, PALETTE, new_figure, save


def draw(rates: np.ndarray, energies: np.ndarray, suggestion: float, path: Path) -> Path:
    """Energies [Ha] after the step at each rate; what lies far above the start is cut off."""
    figure, (axis,) = new_figure(1, width=6.0, height=3.8, columns=1)
    axis.plot(rates, energies, "o-", color=PALETTE[0], markersize=3)
    axis.axvline(suggestion, color=GRAY, linestyle="--")
    axis.annotate(
        f"suggested: {suggestion:.2g}", (suggestion, 0.95), (4, 0), ("data", "axes fraction"), "offset points"
    )
    low, start = float(np.nanmin(energies)), float(energies[0])
    margin = max(start - low, 1e-6)
    axis.set(
        xscale="log", xlabel="learning rate", ylabel="energy [Ha]", ylim=(low - 0.1 * margin, start + 0.5 * margin)
    )
    return save(figure, path)
