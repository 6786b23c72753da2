"""Table 2: which spin state is lower, of O2 and of CO2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.tracking.trust import known_references
from nnks_paper.paper import TABLE2
from nnks_paper.report import CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number
from nnks_paper.study import Study

EXPECTED = {"O2": 2, "CO2": 0}
"""Unpaired electrons of the ground state: O2 is paramagnetic, CO2 diamagnetic."""

State = tuple[str, int, str]


def collect(study: Study) -> dict[State, dict[str, Any]]:
    """Summaries by molecule, unpaired electrons, and RKS or UKS."""
    states = {}
    for config, record in study.runs():
        system = config.system
        states[system.molecule, system.spin, "RKS" if system.restricted else "UKS"] = record.summary or {}
    return states


def report(study: Study, figures: Path) -> Report:
    """Table, verdict and figure."""
    states = collect(study)
    totals = {state: summary["energies"]["total"] for state, summary in states.items()}
    figure = draw(totals, figures / "table2.png") if totals else None
    caption = "Energies of spin states above the lowest of each molecule, by direct minimization."
    table = energies(states)
    return Report(
        "table2",
        study.title,
        study.quick,
        [table],
        [conclusion(totals)],
        figure.name if figure else "",
        caption,
        study.unfinished(),
    )


def energies(states: Mapping[State, Mapping[str, Any]]) -> Table:
    """Our energies, PySCF's, and what was recomputed of the paper's."""
    rows = []
    for (molecule, spin, kind), summary in states.items():
        same = summary.get("reference_same")
        reference = known_references(summary).get(same) if same else None
        total, other = summary["energies"]["total"], TABLE2.get((molecule, spin, kind))
        off = None if reference is None else total - reference
        rows.append([molecule, str(spin), kind, number(total), number(reference), milli(off), number(other, ".5f")])
    header = [
        "molecule",
        "2S",
        "orbitals",
        "nnks [Ha]",
        "PySCF, stable [Ha]",
        "difference [mHa]",
        "recomputed for the paper [V] [Ha]",
    ]
    note = (
        "6-31g, exchange only, grid level 1. The paper's own numbers were not found. "
        "UKS with 2S = 0 is free to break the symmetry of the spins."
    )
    return Table("Spin states", header, rows, note)


def conclusion(totals: Mapping[State, float]) -> Finding:
    """Whether the lower state of each molecule has the expected number of unpaired electrons."""
    parts, right = [], []
    compared = "energies with and without two unpaired electrons, of O2 and CO2"
    for molecule, spin in EXPECTED.items():
        low = {s: [e for (m, n, _), e in totals.items() if m == molecule and n == s] for s in (0, 2)}
        if not (low[0] and low[2]):
            return Finding("conclusions", OPEN, compared, f"Not every spin state of {molecule} is finished.")
        gap = min(low[2]) - min(low[0])
        right.append((2 if gap < 0 else 0) == spin)
        parts.append(
            f"{molecule} with two unpaired electrons is {abs(1e3 * gap):.1f} mHa {'lower' if gap < 0 else 'higher'}."
        )
    return Finding("conclusions", REPRODUCED if all(right) else CONTRADICTED, compared, " ".join(parts))


def draw(totals: Mapping[State, float], path: Path) -> Path:
    """A bar for each state."""
    from nnks.analysis.style import PALETTE, new_figure, save

    molecules: Sequence[str] = list(dict.fromkeys(m for m, _, _ in totals))
    figure, panels = new_figure(len(molecules), width=3.8, height=3.0, columns=2)
    for axes, molecule in zip(panels, molecules, strict=True):
        own = {f"2S = {s}\n{kind}": e for (m, s, kind), e in totals.items() if m == molecule}
        low = min(own.values())
        axes.bar(list(own), [1e3 * (e - low) for e in own.values()], color=PALETTE[0], width=0.5)
        axes.set_axisbelow(True)
        axes.set(title=molecule, ylabel="E − lowest [mHa]")
    return save(figure, path)
