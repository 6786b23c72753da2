"""Scaling: how the time of one energy gradient grows along carbon cages, beside a cycle of density-fitted PySCF."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nnks_paper.report import CONTRADICTED, NOT, OPEN, REPRODUCED, Finding, Report, Table, number
from nnks_paper.study import Study

OURS = "nnks-gradient"
NAMES = {OURS: "nnks, energy and gradient", "pyscf-df-cycle": "PySCF, fitted, one cycle"}
CUBIC = 3.0
ALIKE = 0.3
"""Exponents that differ by less, over three or four sizes, are not told apart."""

THEORY = (
    "Theory: orthonormalization (QR of N × N/2) and contracted three-center integrals cost O(N³). So do orbitals on "
    "the grid from a dense basis; functions that are screened make that part O(N²). Four-center integrals cost O(N⁴) "
    "without screening. Density-fitted SCF is O(N³) too."
)


@dataclasses.dataclass(frozen=True)
class Point:
    """The median time [s] and peak memory [GB] of a method for one molecule."""

    method: str
    molecule: str
    basis: str
    functions: int
    seconds: float
    memory: float


def collect(study: Study) -> list[Point]:
    """What was measured; failed calculations have no point."""
    points = []
    for m, timing in study.timings():
        if timing.get("seconds"):
            system = m.config.system
            median = statistics.median(timing["seconds"])
            points.append(
                Point(m.method, system.molecule, system.basis, timing["functions"], median, timing["peak_GB"])
            )
    return points


def exponent(points: Sequence[Point], key: str = "seconds") -> float | None:
    """Slope of the logarithm of time or memory over that of basis functions; None for fewer than two sizes."""
    if len({p.functions for p in points}) < 2:
        return None
    x = np.log([p.functions for p in points])
    return float(np.polyfit(x, np.log([getattr(p, key) for p in points]), 1)[0])


def groups(points: Sequence[Point]) -> dict[tuple[str, str], list[Point]]:
    """Points by method and basis."""
    grouped: dict[tuple[str, str], list[Point]] = {}
    for p in points:
        grouped.setdefault((p.method, p.basis), []).append(p)
    return grouped


def report(study: Study, figures: Path) -> Report:
    """Tables, verdict and figure."""
    points = collect(study)
    figure = draw(points, figures / "scaling.png") if points else None
    tables = [times(points), exponents(points)]
    caption = (
        "Median time of an energy and its gradient (nnks) and of a cycle (PySCF), against basis functions; "
        "the gray line is N³."
    )
    name = figure.name if figure else ""
    return Report(
        "scaling",
        study.title,
        study.quick,
        tables,
        [growth(points), contrast(points)],
        name,
        caption,
        study.unfinished(),
    )


def times(points: Sequence[Point]) -> Table:
    """One row a measurement."""
    rows = [
        [NAMES[p.method], p.molecule, p.basis, str(p.functions), number(p.seconds, ".3g"), number(p.memory, ".2f")]
        for p in points
    ]
    note = "Same functional (lda,vwn), level-1 grid and fitting set for both; a process each. " + THEORY
    return Table(
        "Time of one evaluation",
        ["method", "molecule", "basis", "functions", "seconds", "peak memory [GB]"],
        rows,
        note,
    )


def exponents(points: Sequence[Point]) -> Table:
    """Slopes by method and basis."""
    rows = []
    for (method, basis), own in groups(points).items():
        sizes = f"{min(p.functions for p in own)} to {max(p.functions for p in own)}"
        rows.append(
            [
                NAMES[method],
                basis,
                sizes,
                str(len(own)),
                number(exponent(own), ".2f"),
                number(exponent(own, "memory"), ".2f"),
            ]
        )
    return Table("Fitted exponents", ["method", "basis", "functions", "points", "of time", "of memory"], rows)


def growth(points: Sequence[Point]) -> Finding:
    """Whether the time of a direct energy grows no faster than N^3."""
    compared = "growth of a direct energy's time, beside N³ and N⁴"
    own = _exponents(points, ours=True)
    if not own:
        return Finding("scaling", OPEN, compared, "Fewer than two sizes were measured.")
    listed = _listed(own)
    verdict, below = (REPRODUCED, "below") if max(own.values()) <= CUBIC else (CONTRADICTED, "above")
    text = f"The time of an energy and its gradient grows as N to the {listed}. That is {below} the cubic bound."
    return Finding("scaling", verdict, compared, text)


def contrast(points: Sequence[Point]) -> Finding:
    """Whether that growth sets direct minimization apart from PySCF's self-consistency with fitted densities."""
    compared = "that growth, beside that of a cycle of density-fitted PySCF"
    own, other = (_exponents(points, ours=ours) for ours in (True, False))
    gains = [other[basis] - own[basis] for basis in own if basis in other]
    if not gains:
        return Finding("scaling", OPEN, compared, "PySCF has fewer than two sizes in the same basis.")
    alike = any(abs(gain) < ALIKE for gain in gains)
    text = f"A cycle of density-fitted PySCF grows as N to the {_listed(other)}. "
    text += (
        f"Exponents that differ by less than {ALIKE} are not told apart by so few sizes: the fourth power is taken "
        "away by fitting, not by direct minimization."
        if alike
        else f"The exponents differ by {ALIKE} or more."
    )
    if ratios := factors(points):
        text += (
            f" What differs is the factor: a gradient takes {min(ratios):.2f} to {max(ratios):.2f} of a cycle's time."
        )
    text += " PySCF's cycle with exact four-center integrals, which is said to cost N⁴, was not timed."
    return Finding("scaling", NOT if alike else REPRODUCED if min(gains) > 0 else CONTRADICTED, compared, text)


def _exponents(points: Sequence[Point], *, ours: bool) -> dict[str, float]:
    """By basis, of nnks or of PySCF."""
    known = {key: exponent(own) for key, own in groups(points).items()}
    return {basis: e for (method, basis), e in known.items() if e is not None and (method == OURS) is ours}


def _listed(exponents: Mapping[str, float]) -> str:
    return " and ".join(f"{e:.2f} ({basis})" for basis, e in exponents.items())


def factors(points: Sequence[Point]) -> list[float]:
    """Times of gradients over those of cycles, of the molecules and bases that have both."""
    cycles = {(p.molecule, p.basis): p.seconds for p in points if p.method != OURS}
    both = [p for p in points if p.method == OURS and (p.molecule, p.basis) in cycles]
    return [p.seconds / cycles[p.molecule, p.basis] for p in both]


def draw(points: Sequence[Point], path: Path) -> Path:
    """Time against size, logarithmic, with a line of slope three."""
    from nnks.analysis.style import GRAY, logarithmic, looks, new_figure, save

    series = groups(points)
    names = [f"{NAMES[method]}, {basis}" for method, basis in series]
    figure, (axes,) = new_figure(1, width=6.6, height=4.2, columns=1)
    style = looks(names)
    for name, own in zip(names, series.values(), strict=True):
        axes.plot([p.functions for p in own], [p.seconds for p in own], "o-", color=style[name][0], label=name)
    sizes = np.array(sorted({p.functions for p in points}), dtype=float)
    axes.plot(sizes, min(p.seconds for p in points) * (sizes / sizes[0]) ** 3, ":", color=GRAY, label="N³")
    axes.set(yscale="log", xlabel="basis functions", ylabel="seconds")
    logarithmic(axes, sizes[0], sizes[-1])
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return save(figure, path)
