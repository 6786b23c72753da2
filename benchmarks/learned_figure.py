"""Error against size, and against seconds: Gaussian bases and a learned one, on molecules that no training saw.

Run:      .venv/bin/python -m benchmarks.learned_figure [--functional lda,vwn]
Reads what benchmarks/learned_basis.py and benchmarks/learned_speed.py have stored; writes
results/benchmarks/learned_basis.png.

On the left a point is a basis: the median over molecules of its error above pcseg-3 for each atom, against functions
for each heavy atom. Its line reaches from the first to the third quartile. On the right a point is a whole command on
one molecule. What is below pcseg-3 cannot be drawn on a logarithmic axis: it stands in the shaded band.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learned_basis import BASES, STORE
from nnks.analysis.style import GRAY, PALETTE, new_figure, save
from nnks.tracking.files import read_json
from nnks.units import MILLIHARTREE

LEAST = 0.05
"""Errors below it [mHa an atom] stand in the band: energies in the learned basis, which are variational, lie as far
below pcseg-3."""

SERIES = {"learned": "learned", "sto-3g": "Gaussian", "cc-": "cc-pVXZ", "pcseg": "pcseg-n"}
COLORS = {"learned": PALETTE[1], "Gaussian": GRAY, "cc-pVXZ": PALETTE[0], "pcseg-n": PALETTE[2]}


def series_of(basis: str) -> str:
    """The family of a basis."""
    return next(name for start, name in SERIES.items() if basis.startswith(start))


def points(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each basis functions per heavy atom, and the quartiles of the errors [mHa an atom]."""
    limit, summary = BASES[-1], []
    for basis in ("learned", *BASES[:-1]):
        known = [row for row in rows if row.get(basis, {}).get("energy") and row[limit]["energy"]]
        errors = [(row[basis]["energy"] - row[limit]["energy"]) / MILLIHARTREE / row["atoms"] for row in known]
        sizes = [row[basis]["functions"] / row["heavy"] for row in known]
        low, median, high = np.quantile(errors, [0.25, 0.5, 0.75])
        summary.append({"basis": basis, "size": np.median(sizes), "low": low, "median": median, "high": high})
    return summary


def draw(unseen: list[Mapping[str, Any]], commands: list[Mapping[str, Any]], title: str, path: Path) -> Path:
    """The two panels; one where no command was timed."""
    figure, axes = new_figure(2 if commands else 1, width=4.6, height=4.0, columns=2)
    for point in points(unseen):
        family = series_of(point["basis"])
        at = max(point["median"], LEAST)
        ends = [[at - max(point["low"], LEAST)], [max(point["high"], at) - at]]
        learned = family == "learned"
        axes[0].errorbar(
            point["size"], at, ends, fmt="*" if learned else "o", color=COLORS[family], markersize=16 if learned else 7
        )
        label = "learned basis" if learned else point["basis"]
        left = family == "pcseg-n"  # sets of the two families stand at the same sizes
        offset, side = ((-9, 4), "right") if left else ((9, 4), "left")
        axes[0].annotate(label, (point["size"], at), offset, textcoords="offset points", fontsize=9, ha=side)
    axes[0].set(xscale="log", yscale="log", xlabel="functions for each heavy atom", xlim=(5, 200))
    axes[0].set(ylabel="error above pcseg-3 [mHa an atom]", title=title)
    for row, marker in zip(commands, "os^D", strict=False):
        limit = row["methods"][f"PySCF, {BASES[-1]}"]["energy"]
        for method, each in row["methods"].items():
            program, _, basis = method.partition(", ")
            if each["energy"] is None:
                continue
            learned = basis.startswith("learned")
            error = max((each["energy"] - limit) / MILLIHARTREE / row["atoms"], LEAST)
            color = COLORS["learned"] if learned else PALETTE[6] if program == "nnks" else COLORS["cc-pVXZ"]
            axes[1].plot(
                each["seconds"], error, "*" if learned else marker, color=color, markersize=16 if learned else 7
            )
            late = each["seconds"] > 30  # the label would leave the panel
            offset, side = ((-8, 6), "right") if late else ((9, -12 if learned else 4), "left")
            axes[1].annotate(method, (each["seconds"], error), offset, textcoords="offset points", fontsize=9, ha=side)
    for axis in axes:
        axis.axhspan(LEAST / 2, LEAST, color="#e5e7eb", zorder=0)
        axis.text(0.02, 0.03, "as low as pcseg-3", fontsize=8, transform=axis.transAxes)
        axis.set_ylim(LEAST / 2)
    if commands:
        timed = ", ".join(row["molecule"] for row in commands)
        axes[1].set(xscale="log", yscale="log", xlabel="seconds of the command", title=f"whole commands, {timed}")
        axes[1].set(xlim=(4, 200), ylim=axes[0].get_ylim())
    return save(figure, path)


def main() -> None:
    """Draws what is stored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--functional", default="lda,vwn")
    xc = parser.parse_args().functional
    stored = read_json(STORE / f"learned_basis-unseen-{xc.split(',')[0]}.json")
    if stored is None:
        raise SystemExit("no molecules are measured; run benchmarks.learned_basis first.")
    timed = read_json(STORE / "learned_speed.json") or {"rows": []}
    title = f"{len(stored['rows'])} unseen molecules, {xc}"
    print(draw(stored["rows"], timed["rows"], title, STORE / "learned_basis.png"))


if __name__ == "__main__":
    main()
