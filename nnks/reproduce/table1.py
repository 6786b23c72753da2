"""Table 1: total energies and terms, beside PySCF's, the paper's, and what a minibatch estimate says."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.reproduce.paper import TABLE1, TABLE1_LABELS, TERMS
from nnks.reproduce.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number
from nnks.reproduce.study import Study
from nnks.tracking.store import RunRecord

AGREES = 1e-5
"""Distance from PySCF [Ha] that every energy and term is to keep."""

LAST = 0.1
"""Share of the steps, at the end, whose estimates are averaged: what a minibatch run would report."""


@dataclasses.dataclass(frozen=True)
class Molecule:
    """What the runs of a molecule found: terms [Ha] by method, how the reference and SCF were found, and its minibatch run."""

    name: str
    direct: Mapping[str, float]
    pyscf: Mapping[str, float] | None
    scf: Mapping[str, float] | None
    details: Mapping[str, Any]
    batches: Batches | None

    def worst(self, method: str) -> float | None:
        """Largest distance of a method's terms and total from PySCF's [Ha]."""
        values = {"direct": self.direct, "scf": self.scf}[method]
        if values is None or self.pyscf is None:
            return None
        return max(abs(values[name] - self.pyscf[name]) for name in TERMS)


@dataclasses.dataclass(frozen=True)
class Batches:
    """A minibatch run's three numbers [Ha]: its own estimate with the spread over steps, and the exact energy of its orbitals."""

    estimate: float
    spread: float
    exact: float
    steps: int

    @property
    def gap(self) -> float:
        """How wrong the estimate is [Ha]."""
        return self.estimate - self.exact


def columns(energies: Mapping[str, float]) -> dict[str, float]:
    """Energies by the paper's columns [Ha]."""
    one = energies["kinetic"] + energies["external"]
    return {name: one if name == "kinetic+external" else energies[name] for name in TERMS}


def estimate(record: RunRecord) -> Batches:
    """The mean of the last tenth of a minibatch run's estimates, beside the exact energy of its final orbitals."""
    totals = [line["energy/total"] for line in record.metrics if "energy/total" in line]
    last = totals[-max(int(LAST * len(totals)), 1) :]
    summary = record.summary or {}
    spread = statistics.stdev(last) if len(last) > 1 else 0.0
    return Batches(statistics.fmean(last), spread, summary["energies"]["total"], int(summary["steps"]))


def collect(study: Study) -> list[Molecule]:
    """The molecules whose direct run is finished."""
    directly, batches = {}, {}
    for config, record in study.runs():
        if config.sampler.name == "full":
            directly[config.system.molecule] = record
        else:
            batches[config.system.molecule] = estimate(record)
    found = []
    for name, record in directly.items():
        summary = record.summary or {}
        terms = summary["reference_terms"]
        same = summary.get("reference_same", "")
        pyscf, scf = (columns(terms[key]) if key in terms else None for key in (same, "scf"))
        details = {
            role: (summary.get("reference_details") or {}).get(key, {})
            for role, key in (("pyscf", same), ("scf", "scf"))
        }
        found.append(Molecule(name, columns(summary["energies"]), pyscf, scf, details, batches.get(name)))
    return found


def report(study: Study, figures: Path) -> Report:
    """Tables, verdicts and the figure."""
    found = collect(study)
    figure = draw(found, figures / "table1.png") if found else None
    findings = [agreement(found), integration(found), amortization(found)]
    caption = "Distance of total energies from PySCF in the same basis on the same grid; points below 1e-9 Ha are drawn there."
    tables = [energies(found), minibatches(found)]
    return Report(
        "table1", study.title, study.quick, tables, findings, figure.name if figure else "", caption, study.unfinished()
    )


def energies(found: Sequence[Molecule]) -> Table:
    """All terms of every method."""
    rows = []
    for molecule in found:
        shown: list[tuple[str, Mapping[str, float] | None]] = [
            ("PySCF, this grid", molecule.pyscf),
            ("nnks, direct", molecule.direct),
        ]
        shown.append(("nnks, JAX SCF", molecule.scf))
        for method, values in shown:
            if values is not None:
                off = None if molecule.pyscf is None else values["total"] - molecule.pyscf["total"]
                rows.append([molecule.name, method, *(number(values[t]) for t in TERMS), milli(off)])
        for method, values in TABLE1[molecule.name].items() if molecule.name in TABLE1 else ():
            label = TABLE1_LABELS.get((molecule.name, method), "V")
            cells = [""] * (len(TERMS) - len(values)) + [number(v, ".5f") for v in values]
            off = None if molecule.pyscf is None else values[-1] - molecule.pyscf["total"]
            rows.append([molecule.name, f"paper: {method} [{label}]", *cells, milli(off)])
    note = "Energies in Ha, 6-31g, exchange only, grid level 1. " + " ".join(
        how(molecule) for molecule in found if how(molecule)
    )
    return Table("Energies", ["molecule", "method", *TERMS, "total − PySCF [mHa]"], rows, note)


def how(molecule: Molecule) -> str:
    """How the reference was found, and the SCF, where plain calculations did not converge."""
    pyscf, scf = molecule.details["pyscf"], molecule.details["scf"]
    text = []
    if pyscf.get("restarts"):
        state = "stable" if pyscf.get("stable") else "not shown to be stable"
        text.append(
            f"PySCF's reference by {pyscf['restarts']} second-order calculation(s) after the plain one, {state}"
        )
    if scf and not scf.get("converged_plain", True):
        ended = f"converged in {scf['cycles']} cycles" if scf["converged"] else "did not converge"
        text.append(
            f"the JAX SCF did not converge from minao; with a level shift of {scf['level_shift']} Ha it {ended}"
        )
    return f"{molecule.name}: {'; '.join(text)}." if text else ""


def minibatches(found: Sequence[Molecule]) -> Table:
    """Three numbers of each minibatch run, and the paper's."""
    rows = []
    for molecule in found:
        run, reference = molecule.batches, molecule.pyscf
        paper = TABLE1.get(molecule.name, {}).get("D4FT")
        if run is None or reference is None:
            continue
        total = reference["total"]
        off = milli(paper[-1] - total) if paper else ""
        rows.append(
            [
                molecule.name,
                str(run.steps),
                number(run.estimate),
                f"{1e3 * run.spread:.0f}",
                number(run.exact),
                milli(run.gap),
                milli(run.exact - total),
                off,
            ]
        )
    header = [
        "molecule",
        "steps",
        "its own estimate [Ha]",
        "spread of a step [mHa]",
        "exact energy of its orbitals [Ha]",
    ]
    header += ["gap [mHa]", "orbitals − minimum [mHa]", "paper reports − minimum [mHa]"]
    note = (
        "Adam on 1,000 uniform points a step, every integral summed over the batch, the Coulomb energy over pairs of points (with the self-cell "
        f"term that the paper's lacks). The estimate is the mean over the last {100 * LAST:.0f} % of the steps; the paper reports such a number."
    )
    return Table("Minibatch runs: what they report, and what their orbitals have", header, rows, note)


def agreement(found: Sequence[Molecule]) -> Finding:
    """Whether direct minimization and SCF give PySCF's energies, term by term."""
    known = {m.name: (m.worst("direct"), m.worst("scf")) for m in found}
    complete = {name: (a, b) for name, (a, b) in known.items() if a is not None and b is not None}
    if not complete:
        return Finding("reparameterization", OPEN, "no molecule has both a finished run and its references.")
    direct, scf = (max(pair[i] for pair in complete.values()) for i in (0, 1))
    papers = {m.name: abs(TABLE1[m.name]["D4FT"][-1] - m.pyscf["total"]) for m in found if m.pyscf and m.name in TABLE1}
    within = max(direct, scf) <= AGREES
    text = (
        f"Largest distance of any term or total from PySCF over {', '.join(complete)}: {direct:.1e} Ha by direct minimization, {scf:.1e} Ha "
        f"by the JAX SCF (asked for: {AGREES:.0e})"
    )
    text += (
        f"; the paper's totals are off by {1e3 * min(papers.values()):.1f} to {1e3 * max(papers.values()):.1f} mHa."
        if papers
        else "."
    )
    better = within and papers and direct < min(papers.values())
    return Finding("reparameterization", BETTER if better else REPRODUCED if within else CONTRADICTED, text)


def integration(found: Sequence[Molecule]) -> Finding:
    """Whether the paper's energies can be those of its orbitals: none lies below the minimum in its basis."""
    totals = {m.name: m.pyscf["total"] for m in found if m.pyscf and m.name in TABLE1}
    below = {name: TABLE1[name]["D4FT"][-1] - total for name, total in totals.items()}
    below = {name: off for name, off in below.items() if off < -1e-4}
    gaps = {m.name: m.batches.gap for m in found if m.batches}
    if not totals:
        return Finding("integration", OPEN, "no reference is there to compare the paper with.")
    own = "".join(
        f"; our own minibatch estimate of {name} is {milli(gap)} mHa from the energy of its orbitals"
        for name, gap in gaps.items()
    )
    if below:
        listed = ", ".join(f"{name} ({milli(off)} mHa)" for name, off in below.items())
        text = f"The paper's D4FT is below the restricted minimum of its basis for {listed}, which no restricted orbitals can be: integration errors{own}."
        return Finding("integration", CONTRADICTED, text)
    return Finding(
        "integration",
        REPRODUCED,
        f"None of the paper's energies of {', '.join(totals)} is below the minimum of its basis{own}.",
    )


def amortization(found: Sequence[Molecule]) -> Finding:
    """Whether minibatch training reaches the minimum, judged by the exact energy of its orbitals."""
    above = {m.name: m.batches.exact - m.pyscf["total"] for m in found if m.batches and m.pyscf}
    if not above:
        return Finding("amortization", OPEN, "no minibatch run is finished.")
    paper = {
        name: abs(TABLE1[name]["D4FT"][-1] - m.pyscf["total"])
        for m in found
        for name in [m.name]
        if m.pyscf and name in above and name in TABLE1
    }
    text = "Orbitals of minibatch runs are above the minimum, by exact integrals, by " + ", ".join(
        f"{milli(off)} mHa ({name})" for name, off in above.items()
    )
    text += (
        "; the paper's reported energies are off by "
        + ", ".join(f"{1e3 * off:.1f} mHa ({name})" for name, off in paper.items())
        + "."
    )
    closer = bool(paper) and all(above[name] < paper[name] for name in paper)
    return Finding("amortization", REPRODUCED if closer else CONTRADICTED, text)


def draw(found: Sequence[Molecule], path: Path) -> Path:
    """Distances from PySCF by molecule and method, on a logarithmic axis."""
    from nnks.analysis.style import looks, new_figure, save

    series: dict[str, list[tuple[str, float]]] = {}
    for m in found:
        if m.pyscf is None:
            continue
        total = m.pyscf["total"]
        values = {"nnks, direct": m.direct["total"], "nnks, JAX SCF": m.scf and m.scf["total"]}
        values |= {f"paper, {k}": v[-1] for k, v in TABLE1.get(m.name, {}).items() if k != "PySCF"}
        if m.batches:
            values |= {"nnks minibatch, estimate": m.batches.estimate, "nnks minibatch, orbitals": m.batches.exact}
        for name, value in values.items():
            if value is not None:
                series.setdefault(name, []).append((m.name, max(abs(value - total), 1e-9)))
    figure, (axes,) = new_figure(1, width=7.6, height=4.0, columns=1)
    style, markers = looks(list(series)), "osD^vP*"
    places = {m.name: n for n, m in enumerate(found)}
    for n, (name, points) in enumerate(series.items()):
        aside = 0.1 * (n - (len(series) - 1) / 2)  # equal values would hide each other
        x, y = [places[p] + aside for p, _ in points], [v for _, v in points]
        axes.plot(x, y, markers[n % 7], color=style[name][0], markersize=6, label=name)
    axes.axhline(AGREES, color="#6b7280", linewidth=0.8, linestyle="--")
    axes.set(yscale="log", ylabel="|E − E(PySCF)| [Ha]")
    axes.set_xticks(range(len(places)), list(places))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return save(figure, path)
