"""Table 3: what each kind of orbital gains on atoms from STO-3G, beside the paper's local scaling.

The paper's plain energies of C, N and O are 2 to 60 mHa from those of the lowest spin, and far from Hund's; those of Li
and Be are 18 and 11 mHa above PySCF's, which has no other state there. So gains are compared, from each side's own
plain energy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from nnks.tracking.trust import known_references, objections
from nnks.units import MILLIHARTREE
from nnks_paper.paper import TABLE3
from nnks_paper.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, number, spread
from nnks_paper.study import Study

TRUSTED = 1e-5
"""Quadrature error [Ha] up to which a run is shown: orbitals that the grid resolves have 1e-9 to 8e-6 on these
atoms."""

PLAIN, SCALING = "STO-3g", "local scaling"


@dataclasses.dataclass(frozen=True)
class State:
    """Final totals [Ha] of an atom's spin state by method, and PySCF's in a large basis."""

    atom: str
    spin: int
    hund: bool
    totals: Mapping[str, float]
    limit: float | None

    def gain(self, method: str) -> float | None:
        """How far a method is below plain orbitals [mHa]."""
        if method not in self.totals or PLAIN not in self.totals:
            return None
        return (self.totals[PLAIN] - self.totals[method]) / MILLIHARTREE

    @property
    def paper(self) -> float:
        """The paper's gain by local scaling [mHa]."""
        plain, scaled = TABLE3[self.atom]
        return (plain - scaled) / MILLIHARTREE


def collect(study: Study) -> list[State]:
    """The states of finished runs, in the file's order; a run whose orbitals fit the grid is left out."""
    totals: dict[tuple[str, int], dict[str, float]] = {}
    limits: dict[tuple[str, int], float] = {}
    for config, record in study.runs():
        summary, key = record.summary or {}, (config.system.molecule, config.system.spin)
        own = totals.setdefault(key, {})
        if (summary.get("quadrature_error") or 0.0) <= TRUSTED and not objections(summary):
            own[summary["label"]] = summary["energies"]["total"]
        if (large := summary.get("reference_large")) in (known := known_references(summary)):
            limits[key] = known[large]
    spins = study.module.SPINS
    return [
        State(atom, spin, spin == spins[atom][0], own, limits.get((atom, spin))) for (atom, spin), own in totals.items()
    ]


def methods(states: Sequence[State]) -> list[str]:
    """Kinds of orbitals other than the plain ones, in order of appearance."""
    return [m for m in dict.fromkeys(m for state in states for m in state.totals) if m != PLAIN]


def report(study: Study, figures: Path) -> Report:
    """Table, verdict and figure."""
    states = collect(study)
    figure = draw(states, figures / "table3.png") if states else None
    caption = (
        "Gains from STO-3G at Hund's spin; the black line is all that there is to gain, from PySCF in a large basis."
    )
    return Report(
        "table3",
        study.title,
        study.quick,
        [gains(states)],
        [verdict(states)],
        figure.name if figure else "",
        caption,
        study.unfinished(),
    )


def gains(states: Sequence[State]) -> Table:
    """One row an atom and spin."""
    kinds, rows = methods(states), []
    for state in states:
        most = (
            None
            if state.limit is None or PLAIN not in state.totals
            else (state.totals[PLAIN] - state.limit) / MILLIHARTREE
        )
        spin = f"{state.spin} ({'Hund' if state.hund else 'lowest'})"
        plain = number(state.totals.get(PLAIN), ".5f")
        own = [number(state.gain(kind), ".1f") for kind in kinds]
        rows.append(
            [state.atom, spin, plain, f"{TABLE3[state.atom][0]:.5f}", f"{state.paper:.1f}", *own, number(most, ".1f")]
        )
    header = ["atom", "2S", "STO-3g [Ha]", "paper's STO-3g [S] [Ha]", "paper's gain [S]", *kinds, "to the limit"]
    note = "Gains in mHa, exchange only, spin-resolved; empty: not run, or not resolved by the grid."
    return Table("Gains from STO-3G", header, rows, note)


def verdict(states: Sequence[State]) -> Finding:
    """Whether local scaling gains more than the paper's, state by state, and the best kind of orbital."""
    compared = "gains of local scaling from STO-3G on atoms, beside the paper's"
    scaled = {f"{s.atom}, 2S = {s.spin}": (s.gain(SCALING), s.paper) for s in states}
    known = {name: (gain, paper) for name, (gain, paper) in scaled.items() if gain is not None}
    if not known:
        return Finding("neural", OPEN, compared, "No run with local scaling is finished.")
    more = [name for name, (gain, paper) in known.items() if gain > paper]
    nearest = min(known, key=lambda name: known[name][0] / known[name][1])
    gain, paper = known[nearest]
    text = (
        f"Local scaling gains more than the paper's in {len(more)} of {len(known)} states. The nearest is {nearest}, "
        f"with {gain:.1f} against {paper:.1f} mHa. Each side's gains are counted from its own STO-3G energy."
    )
    best = {
        s.atom: max(g for m in methods([s]) if (g := s.gain(m)) is not None) for s in states if s.hund and methods([s])
    }
    if best:
        text += f" The most that any neural orbitals gain at Hund's spin is {spread(best, '.1f')} mHa."
    lower = all(gain > 0 for gain, _ in known.values())
    outcome = BETTER if len(more) == len(known) else REPRODUCED if lower else CONTRADICTED
    return Finding("neural", outcome, compared, text)


def draw(states: Sequence[State], path: Path) -> Path:
    """Groups of bars, one an atom, at Hund's spin."""
    from nnks.analysis.style import looks, new_figure, save

    shown = [s for s in states if s.hund]
    names = ["paper: local scaling", *methods(shown)]
    figure, (axes,) = new_figure(1, width=7.6, height=3.8, columns=1)
    style, width = looks(names), 0.8 / len(names)
    for n, name in enumerate(names):
        values = [s.paper if n == 0 else s.gain(name) for s in shown]
        positions = [i + (n - (len(names) - 1) / 2) * width for i in range(len(shown))]
        axes.bar(positions, [v or 0.0 for v in values], width, color=style[name][0], label=name)
    for i, s in enumerate(shown):
        if s.limit is not None and PLAIN in s.totals:
            axes.plot(
                [i - 0.42, i + 0.42], [(s.totals[PLAIN] - s.limit) / MILLIHARTREE] * 2, color="black", linewidth=1.4
            )
    axes.set_axisbelow(True)
    axes.set(yscale="log", ylabel="gain from STO-3G [mHa]")
    axes.set_xticks(range(len(shown)), [s.atom for s in shown])
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return save(figure, path)
