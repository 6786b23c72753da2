"""Table 1: total energies and terms, beside PySCF's, the paper's, and what a minibatch estimate says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nnks.reproduce.paper import TABLE1
from nnks.reproduce.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, milli
from nnks.reproduce.study import Study
from nnks.reproduce.table1_runs import AGREES, Molecule, collect
from nnks.reproduce.table1_views import draw, energies, minibatches


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
