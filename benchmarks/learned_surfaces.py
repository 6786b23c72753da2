"""Does a learned basis follow a surface of energies: bonds stretched to half as long again or twice, angles bent?

Run:      .venv/bin/python -m benchmarks.learned_surfaces --basis BASIS [--functional lda,vwn] [--level 3]
Cost:     half an hour on two cores, most of it PySCF

Water, formaldehyde and hydrogen cyanide with their bonds at 0.9 to 1.5 times their lengths, water's angle at 80 to 140
degrees, nitrogen and carbon monoxide up to twice their length; closed shells throughout. A surface is as good as its
errors are equal: the table has the largest error above pcseg-3 and the non-parallelity, which is the largest less the
smallest. Methods are those of benchmarks/learned_basis.py. Writes results/benchmarks/learned_surfaces-FUNCTIONAL.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.common import print_table
from benchmarks.learned_basis import STORE, Measurements, arguments
from nnks.units import MILLIHARTREE

BASES = ("cc-pvqz", "pcseg-3")


def text_of(name: str, symbols: str, positions: np.ndarray) -> str:
    """An xyz file's text."""
    rows = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(symbols.split(), positions, strict=True)]
    return "\n".join([str(len(rows)), f"name={name} charge=0 spin=0", *rows])


def water(factor: float, angle: float) -> np.ndarray:
    """Bonds of 0.958 Angstrom times a factor, with an angle between them [degrees]."""
    half, length = np.deg2rad(angle) / 2, 0.958 * factor
    hydrogen = length * np.array([0, np.sin(half), np.cos(half)])
    return np.array([[0, 0, 0], hydrogen, hydrogen * [1, -1, 1]])


def surfaces() -> Iterator[tuple[str, str, str]]:
    """Surface, name and geometry of every point."""
    for factor in (0.9, 1.0, 1.1, 1.2, 1.35, 1.5):
        yield "water, bonds", f"water_{factor}", text_of(f"water_{factor}", "O H H", water(factor, 104.5))
    for angle in (80, 92, 104.5, 120, 140):
        yield "water, angle", f"water_at_{angle}", text_of(f"water_at_{angle}", "O H H", water(1.0, angle))
    formaldehyde = np.array([[0, 0, 0], [0, 0, 1.205], [0, 0.937, -0.587], [0, -0.937, -0.587]])
    cyanide = np.array([[0, 0, 0], [0, 0, 1.153], [0, 0, -1.066]])
    for factor in (0.9, 1.0, 1.1, 1.2, 1.35, 1.5):
        for surface, symbols, positions in (("H2CO", "C O H H", formaldehyde), ("HCN", "C N H", cyanide)):
            yield f"{surface}, bonds", f"{surface}_{factor}", text_of(surface, symbols, factor * positions)
    for factor in (0.9, 1.0, 1.25, 1.5, 1.75, 2.0):
        for name, symbols, length in (("N2", "N N", 1.098), ("CO", "C O", 1.128)):
            stretched = np.array([[0, 0, 0], [0, 0, factor * length]])
            yield f"{name}, bond", f"{name}_{factor}", text_of(name, symbols, stretched)


def main() -> None:
    """Measures what is not stored yet, and prints a row for each surface."""
    asked = arguments(__doc__).parse_args()
    if not asked.basis:
        raise SystemExit("--basis names none; expected a set that comes with nnks, or a file such as basis.npz.")
    measured = Measurements(asked, STORE / f"learned_surfaces-{asked.functional.split(',')[0]}.json", BASES)
    rows = [measured.measure(point, text, surface=surface) for surface, point, text in surfaces()]
    table = []
    for surface in dict.fromkeys(row["surface"] for row in rows):
        points = [row for row in rows if row["surface"] == surface]
        cells: dict[str, Any] = {"surface": surface, "points": len(points)}
        for name in ("learned", BASES[0]):
            known = [row for row in points if row[name]["energy"] is not None and row[BASES[1]]["energy"] is not None]
            above = [(row[name]["energy"] - row[BASES[1]]["energy"]) / MILLIHARTREE for row in known]
            cells |= {f"{name}: largest": max(above), f"{name}: non-parallelity": max(above) - min(above)}
        table.append(cells)
    print_table(table, f"errors above {BASES[1]} [mHa]")


if __name__ == "__main__":
    main()
