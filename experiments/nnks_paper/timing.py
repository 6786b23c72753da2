"""Running times on carbon clusters: direct minimization beside density-fitted PySCF, and the paper's seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnks_paper.paper import TIMES, UNCONVERGED
from nnks_paper.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number, spread
from nnks_paper.study import Study
from nnks_paper.timing_runs import NAMES, Timed, collect

CALLED = {"pyscf-df": "density-fitted PySCF", "nnks-scf": "the JAX SCF"}
SAME = 1e-6
"""Energies per atom [Ha] that differ by less count as one state's."""


def report(study: Study, figures: Path) -> Report:
    """Table, verdicts and figure."""
    timings = collect(study)
    figure = draw(timings, figures / "timing.png") if any(t.history for t in timings) else None
    caption = (
        "Seconds to within 1e-6 Ha per atom of the converged energy, without compilation; "
        "hollow: stopped or did not converge."
    )
    name = figure.name if figure else ""
    return Report(
        "timing",
        study.title,
        study.quick,
        [times(timings), share(timings)],
        [efficiency(timings), stability(timings)],
        name,
        caption,
        study.unfinished(),
    )


def times(timings: Sequence[Timed]) -> Table:
    """One row a calculation."""
    rows, shown = [], set()
    for t in timings:
        totals = [o.energy for o in timings if o.system == t.system and o.energy is not None and o.converged]
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
        "Seconds from building the molecule to an energy within 1e-6 Ha per atom of the converged one, imports "
        "excluded; lda,vwn, level 1, the same fitting set. "
        + on_grid(timings)
        + "The paper's basis, functional and stopping rule are not known, and its D4FT ran on a GPU."
    )
    return Table("Times", header, rows, note)


def on_grid(timings: Sequence[Timed]) -> str:
    """A sentence on the systems whose energies have the grid's error in the Coulomb energy, if there are any."""
    own = ", ".join(t.system for t in timings if t.fitted == "quadrature")
    if not own:
        return ""
    return (
        f"nnks holds no fitted integrals of {own} and fits on the grid there: its energy differs from PySCF's by that. "
    )


def pairs(timings: Sequence[Timed], other: str = "pyscf-df") -> list[tuple[Timed, Timed]]:
    """Direct minimization and another method, for the systems that have both."""
    by = {(t.system, t.method): t for t in timings}
    return [(t, by[t.system, other]) for t in timings if t.method == "nnks" and (t.system, other) in by]


def ratios(timings: Sequence[Timed]) -> list[tuple[Timed, float, bool]]:
    """Times of direct minimization over those of density-fitted PySCF.

    And whether that is a bound, since PySCF did not converge.
    """
    known = []
    for own, other in pairs(timings):
        mine = own.reached()
        theirs = other.reached() or (other.history[-1][0] if other.history else None)
        if mine is not None and theirs is not None:
            known.append((own, mine / theirs, not other.converged))
    return known


def paper_ratio(molecule: str) -> float | None:
    """The paper's time of direct minimization on a GPU over PySCF's on a CPU."""
    return TIMES[molecule][0] / TIMES[molecule][1] if molecule in TIMES else None


def share(timings: Sequence[Timed]) -> Table:
    """Ratios of times, ours and the paper's."""
    rows = []
    for own, ratio, bound in ratios(timings):
        rows.append([own.system, f"{'at most ' if bound else ''}{ratio:.2f}", number(paper_ratio(own.molecule), ".2f")])
    note = "At most: PySCF had not converged after that time."
    return Table("Time of direct minimization over PySCF's", ["system", "nnks", "paper, GPU over CPU [V]"], rows, note)


def efficiency(timings: Sequence[Timed]) -> Finding:
    """Ratios of times; where PySCF does not converge, its time is a lower bound, and the ratio an upper one."""
    compared = "seconds to a converged energy, beside density-fitted PySCF's"
    known = ratios(timings)
    if not known:
        return Finding("efficiency", OPEN, compared, "No system was timed with both methods.")
    listed = {own.system: ratio for own, ratio, _ in known}
    text = f"Direct minimization takes {spread(listed, '.2f')} of the time of density-fitted PySCF."
    bounds = [own.system for own, _, bound in known if bound]
    if bounds:
        text += f" PySCF did not converge for {', '.join(bounds)}: these ratios are upper bounds."
    beside = [(ratio, paper) for own, ratio, _ in known if (paper := paper_ratio(own.molecule)) is not None]
    better = [ratio < paper for ratio, paper in beside]
    if better:
        text += f" Ours is below the paper's ratio, of a GPU to a CPU, for {sum(better)} of {len(better)} systems."
    faster = all(ratio < 1 for _, ratio, _ in known)
    verdict = BETTER if faster and better and all(better) else REPRODUCED if faster else CONTRADICTED
    return Finding("efficiency", verdict, compared, text)


def stability(timings: Sequence[Timed], other: str = "pyscf-df") -> Finding:
    """Whether direct minimization converges everywhere, and self-consistency not in its cycles, or to a higher energy.

    Self-consistency that was refused or stopped for want of time or memory says nothing about its stability, and
    energies whose Coulomb parts are fitted in different places are not told apart.
    """
    compared = f"convergence and last energies, beside {CALLED[other]}"
    both = pairs(timings, other)
    if not both:
        return Finding("stability", OPEN, compared, "No system was calculated with both methods.")
    text = [f"Direct minimization converged for {sum(own.converged for own, _ in both)} of {len(both)} systems."]
    better, worse = False, False
    missed: dict[tuple[str, str], list[str]] = {}
    for own, scf in both:
        gap = _gap(own, scf)
        lower = gap < -SAME * int(own.molecule.lstrip("CH") or 1)
        higher = scf.converged and gap > 1e-4
        better |= own.converged and not scf.failed and (not scf.converged or lower)
        worse |= not own.converged or higher
        if not own.converged:
            text.append(f"It had not converged for {own.system}.")
        if not scf.history:
            missed.setdefault(("was not run", f" ({scf.failed})"), []).append(own.system)
        elif not scf.converged:
            why = f" ({scf.failed})" if scf.failed else ""
            missed.setdefault(("had not converged", f" after {scf.cycles} cycles{why}"), []).append(own.system)
        elif lower or higher:
            way = "higher" if lower else "lower"
            missed.setdefault((f"ended {1e3 * abs(gap):.1f} mHa {way}", ""), []).append(own.system)
    text += [f"{NAMES[other]} {end} for {', '.join(systems)}{why}." for (end, why), systems in missed.items()]
    on_grids = [own.system for own, scf in both if own.fitted != scf.fitted]
    if on_grids:
        text.append(
            f"Energies of {', '.join(on_grids)} are not compared: nnks fits the Coulomb energy on the grid there."
        )
    verdict = CONTRADICTED if worse else REPRODUCED if better else OPEN
    return Finding("stability", verdict, compared, " ".join(text))


def _gap(own: Timed, other: Timed) -> float:
    """Energy above another's [Ha]; zero where the two are not told apart."""
    if own.energy is None or other.energy is None or own.fitted != other.fitted:
        return 0.0
    return own.energy - other.energy


def draw(timings: Sequence[Timed], path: Path) -> Path:
    """Seconds by cage, and the paper's."""
    from nnks.analysis.style import GRAY, looks, new_figure, save

    figure, (axes,) = new_figure(1, width=6.6, height=4.0, columns=1)
    names = list(dict.fromkeys(f"{NAMES[t.method]}, {t.basis}" for t in timings))
    style = looks(names)
    for name in names:
        own = [t for t in timings if f"{NAMES[t.method]}, {t.basis}" == name and t.history]
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
