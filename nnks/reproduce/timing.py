"""Running times on carbon clusters: direct minimization beside density-fitted PySCF, and the paper's seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnks.reproduce.paper import TIMES, UNCONVERGED
from nnks.reproduce.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number
from nnks.reproduce.study import Study
from nnks.reproduce.tasks import PER_ATOM

NAMES = {"nnks": "nnks, direct", "nnks-scf": "nnks, JAX SCF", "pyscf-df": "PySCF, fitted"}
SAME = 1e-6
"""Energies per atom [Ha] that differ by less count as one state's."""


@dataclasses.dataclass(frozen=True)
class Timed:
    """A calculation over time.

    Attributes:
        molecule, basis, method: what was calculated.
        history: (seconds since the molecule was built, total [Ha]) after every step or cycle; nnks's without compilation.
        cold: the same with compilation, or the same where nothing is compiled.
        converged: by its own thresholds.
        failed: why it ended before that; empty if it did not.
        fitted: where nnks fitted the Coulomb energy: in the `basis` as PySCF does, or on the `quadrature`, whose error the energy then has.
    """

    molecule: str
    basis: str
    method: str
    history: Sequence[tuple[float, float]]
    cold: Sequence[tuple[float, float]]
    converged: bool
    cycles: int
    failed: str = ""
    fitted: str = "basis"

    @property
    def system(self) -> str:
        """As tables call it."""
        return f"{self.molecule}/{self.basis}"

    @property
    def energy(self) -> float | None:
        """The last total [Ha]."""
        return self.history[-1][1] if self.history else None

    def reached(self, history: Sequence[tuple[float, float]] | None = None) -> float | None:
        """Seconds after which the energy stays within 1e-6 Ha per atom of its last value; None if it did not converge."""
        history = self.history if history is None else history
        if not (self.converged and history):
            return None
        seconds, last = history[-1]
        for spent, energy in reversed(history):
            if abs(energy - last) > PER_ATOM * int(self.molecule.lstrip("CH") or 1):
                break
            seconds = spent
        return seconds


def collect(study: Study) -> list[Timed]:
    """What was measured, in order."""
    return [timed(m.config.system.molecule, m.config.system.basis, m.method, found) for m, found in study.timings()]


def timed(molecule: str, basis: str, method: str, found: dict[str, Any]) -> Timed:
    """A stored measurement."""
    history = [(float(s), float(e)) for s, e in found.get("history") or []]
    cold = [(float(s), float(e)) for s, e in (found.get("cold") or found).get("history") or []]
    return Timed(
        molecule,
        basis,
        method,
        history,
        cold,
        bool(found.get("converged")),
        int(found.get("cycles") or 0),
        found.get("failed", ""),
        found.get("fitted", "basis"),
    )


def report(study: Study, figures: Path) -> Report:
    """Table, verdicts and figure."""
    found = collect(study)
    figure = draw(found, figures / "timing.png") if any(t.history for t in found) else None
    caption = "Seconds to within 1e-6 Ha per atom of the converged energy, without compilation; hollow: stopped or did not converge."
    name = figure.name if figure else ""
    return Report(
        "timing",
        study.title,
        study.quick,
        [times(found)],
        [efficiency(found), stability(found)],
        name,
        caption,
        study.unfinished(),
    )


def times(found: Sequence[Timed]) -> Table:
    """One row a calculation."""
    rows, shown = [], set()
    for t in found:
        totals = [o.energy for o in found if o.system == t.system and o.energy is not None and o.converged]
        above = None if t.energy is None or not totals else t.energy - min(totals)
        paper = TIMES.get(t.molecule) if t.molecule not in shown else None
        shown.add(t.molecule)
        state = "yes" if t.converged else f"no: {t.failed}" if t.failed else f"no, {t.cycles} cycles"
        cold = t.reached(t.cold)
        papers = (
            [f"{paper[0]:.2f}", (">" if t.molecule in UNCONVERGED else "") + f"{paper[1]:.2f}"] if paper else ["", ""]
        )
        spent = t.reached()
        seconds = number(spent, ".1f") if spent is not None else f">{t.history[-1][0]:.0f}" if t.history else ""
        rows.append(
            [
                t.system,
                NAMES[t.method],
                seconds,
                number(cold, ".1f"),
                state,
                str(t.cycles),
                number(t.energy),
                milli(above),
                *papers,
            ]
        )
    header = [
        "system",
        "method",
        "seconds",
        "with compilation",
        "converged",
        "gradients or cycles",
        "energy [Ha]",
        "above the lowest [mHa]",
    ]
    header += ["paper: D4FT, GPU [V] [s]", "paper: PySCF [V] [s]"]
    note = (
        "Seconds from building the molecule to an energy within 1e-6 Ha per atom of the converged one, imports excluded; lda,vwn, level 1, the same "
        "fitting set. "
        + on_grid(found)
        + "The paper's basis, functional and stopping rule are not known, and its D4FT ran on a GPU."
    )
    return Table("Times", header, rows, note)


def on_grid(found: Sequence[Timed]) -> str:
    """A sentence on the systems whose energies have the grid's error in the Coulomb energy, if there are any."""
    own = ", ".join(t.system for t in found if t.fitted == "quadrature")
    if not own:
        return ""
    return (
        f"nnks holds no fitted integrals of {own} and fits on the grid there: its energy differs from PySCF's by that. "
    )


def pairs(found: Sequence[Timed], other: str = "pyscf-df") -> list[tuple[Timed, Timed]]:
    """Direct minimization and another method, for the systems that have both."""
    by = {(t.system, t.method): t for t in found}
    return [(t, by[t.system, other]) for t in found if t.method == "nnks" and (t.system, other) in by]


def efficiency(found: Sequence[Timed]) -> Finding:
    """Ratios of times; where PySCF does not converge, its time is a lower bound, and the ratio an upper one."""
    parts, better, less = [], [], []
    for own, other in pairs(found):
        mine = own.reached()
        theirs = other.reached() or (other.history[-1][0] if other.history else None)
        if mine is None or theirs is None:
            continue
        ratio, bound = mine / theirs, "" if other.converged else "at most "
        parts.append(f"{bound}{ratio:.2f} for {own.system}")
        less.append(ratio < 1)
        if own.molecule in TIMES:
            paper = TIMES[own.molecule][0] / TIMES[own.molecule][1]
            parts[-1] += f" (paper, GPU against CPU: {paper:.2f})"
            better.append(ratio < paper)
    if not parts:
        return Finding("efficiency", OPEN, "no system was timed with both methods.")
    text = "Time of direct minimization over that of density-fitted PySCF: " + ", ".join(parts) + "."
    return Finding(
        "efficiency",
        BETTER if all(less) and better and all(better) else REPRODUCED if all(less) else CONTRADICTED,
        text,
    )


def stability(found: Sequence[Timed], other: str = "pyscf-df") -> Finding:
    """Whether direct minimization converges everywhere, and self-consistency not in its cycles, or to a higher energy.

    Self-consistency that was refused or stopped for want of time or memory says nothing about its stability, and energies whose
    Coulomb parts are fitted in different places are not told apart.
    """
    both = pairs(found, other)
    if not both:
        return Finding("stability", OPEN, "no system was calculated with both methods.")
    parts, better, worse = [], False, False
    for own, scf in both:
        parts.append(f"{own.system}: direct minimization {_ended(own)}, {NAMES[other]} {_ended(scf)}")
        gap = _gap(own, scf)
        lower = gap < -SAME * int(own.molecule.lstrip("CH") or 1)
        higher = scf.converged and gap > 1e-4
        better |= own.converged and not scf.failed and (not scf.converged or lower)
        worse |= not own.converged or higher
    text = "; ".join(parts) + "."
    return Finding("stability", CONTRADICTED if worse else REPRODUCED if better else OPEN, text)


def _gap(own: Timed, other: Timed) -> float:
    """Energy above another's [Ha]; zero where the two are not told apart."""
    if own.energy is None or other.energy is None or own.fitted != other.fitted:
        return 0.0
    return own.energy - other.energy


def _ended(t: Timed) -> str:
    energy = "" if t.energy is None else f" at {t.energy:.5f} Ha"
    if t.fitted == "quadrature":
        energy += " (the Coulomb energy fitted on the grid)"
    if t.converged:
        return f"converged{energy} in {t.cycles} {'gradients' if t.method == 'nnks' else 'cycles'}"
    if not t.history:
        return f"was not run ({t.failed})"
    return f"had not converged{energy} after {t.cycles} cycles" + (f" ({t.failed})" if t.failed else "")


def draw(found: Sequence[Timed], path: Path) -> Path:
    """Seconds by cage, and the paper's."""
    from nnks.analysis.style import GRAY, looks, new_figure, save

    figure, (axes,) = new_figure(1, width=6.6, height=4.0, columns=1)
    names = list(dict.fromkeys(f"{NAMES[t.method]}, {t.basis}" for t in found))
    style = looks(names)
    for name in names:
        own = [t for t in found if f"{NAMES[t.method]}, {t.basis}" == name and t.history]
        points = [(int(t.molecule[1:]), t.reached() or t.history[-1][0], t.converged) for t in own]
        axes.plot([n for n, _, _ in points], [s for _, s, _ in points], color=style[name][0], linewidth=1, label=name)
        for n, seconds, converged in points:
            axes.plot(n, seconds, "o", color=style[name][0], markerfacecolor=style[name][0] if converged else "white")
    sizes = [int(name[1:]) for name in TIMES]
    axes.plot(sizes, [t for t, _ in TIMES.values()], ":", color=GRAY, label="paper: D4FT, GPU")
    axes.plot(sizes, [t for _, t in TIMES.values()], "--", color=GRAY, label="paper: PySCF")
    axes.set(yscale="log", xlabel="carbon atoms", ylabel="seconds")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return save(figure, path)
