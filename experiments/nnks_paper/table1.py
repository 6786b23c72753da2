"""Table 1: total energies and terms, beside PySCF's, the paper's, and what a minibatch estimate says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nnks_paper.paper import TABLE1
from nnks_paper.report import BETTER, CONTRADICTED, OPEN, REPRODUCED, Finding, Report, spread
from nnks_paper.study import Study
from nnks_paper.table1_runs import AGREES, Molecule, collect
from nnks_paper.table1_views import draw, energies, minibatches

TERMWISE = "every term and total of the energy, beside PySCF's on the same grid"


def report(study: Study, figures: Path) -> Report:
    """Tables, verdicts and the figure."""
    molecules = collect(study)
    figure = draw(molecules, figures / "table1.png") if molecules else None
    findings = [agreement(molecules), integration(molecules), amortization(molecules)]
    caption = (
        "Distance of total energies from PySCF in the same basis on the same grid; "
        "points below 1e-9 Ha are drawn there."
    )
    tables = [energies(molecules), minibatches(molecules)]
    return Report(
        "table1", study.title, study.quick, tables, findings, figure.name if figure else "", caption, study.unfinished()
    )


def agreement(molecules: Sequence[Molecule]) -> Finding:
    """Whether direct minimization and SCF give PySCF's energies, term by term."""
    known = {m.name: (m.worst("direct"), m.worst("scf")) for m in molecules}
    complete = {name: (a, b) for name, (a, b) in known.items() if a is not None and b is not None}
    if not complete:
        return Finding("reparameterization", OPEN, TERMWISE, "No molecule has both a finished run and its references.")
    direct, scf = (max(pair[i] for pair in complete.values()) for i in (0, 1))
    papers = {
        m.name: abs(TABLE1[m.name]["D4FT"][-1] - m.pyscf["total"]) for m in molecules if m.pyscf and m.name in TABLE1
    }
    return agreement_in_words(list(complete), direct, scf, papers)


def agreement_in_words(names: Sequence[str], direct: float, scf: float, papers: Mapping[str, float]) -> Finding:
    """The verdict on the largest distances from PySCF [Ha], of ours by method and of the paper's totals by molecule."""
    within = max(direct, scf) <= AGREES
    text = (
        f"The molecules are {', '.join(names)}. No term or total is farther from PySCF's than {direct:.1e} Ha by "
        f"direct minimization, or {scf:.1e} Ha by the JAX SCF. They were to be within {AGREES:.0e} Ha."
    )
    if papers:
        text += f" The paper's totals are off by {spread({n: 1e3 * v for n, v in papers.items()}, '.1f')} mHa."
    better = within and papers and direct < min(papers.values())
    verdict = BETTER if better else REPRODUCED if within else CONTRADICTED
    return Finding("reparameterization", verdict, TERMWISE, text)


def integration(molecules: Sequence[Molecule]) -> Finding:
    """Whether the paper's energies can be those of its orbitals: none lies below the minimum in its basis."""
    totals = {m.name: m.pyscf["total"] for m in molecules if m.pyscf and m.name in TABLE1}
    compared = "the paper's energies, beside the lowest that its basis allows"
    if not totals:
        return Finding("integration", OPEN, compared, "No reference is there to compare the paper with.")
    below = {name: total - TABLE1[name]["D4FT"][-1] for name, total in totals.items()}
    below = {name: 1e3 * off for name, off in below.items() if off > 1e-4}
    if below:
        verdict, text = (
            CONTRADICTED,
            (
                f"The paper's energies of {', '.join(below)} lie below the restricted minimum of their basis, by "
                f"{spread(below, '.3f')} mHa. No restricted orbitals have such energies: these are errors of "
                "integration."
            ),
        )
    else:
        verdict, text = REPRODUCED, f"None of the paper's energies of {', '.join(totals)} is below that minimum."
    gaps = {m.name: 1e3 * abs(m.batches.gap) for m in molecules if m.batches}
    if gaps:
        text += (
            " Our own minibatch estimates differ from the energies of their orbitals, too: "
            f"by {spread(gaps, '.3f')} mHa."
        )
    return Finding("integration", verdict, compared, text)


def amortization(molecules: Sequence[Molecule]) -> Finding:
    """Whether minibatch training reaches the minimum, judged by the exact energy of its orbitals."""
    compared = "exact energies of orbitals trained on minibatches, beside the minimum"
    above = {m.name: 1e3 * (m.batches.exact - m.pyscf["total"]) for m in molecules if m.batches and m.pyscf}
    if not above:
        return Finding("amortization", OPEN, compared, "No minibatch run is finished.")
    paper = {
        m.name: 1e3 * abs(TABLE1[m.name]["D4FT"][-1] - m.pyscf["total"])
        for m in molecules
        if m.pyscf and m.name in above and m.name in TABLE1
    }
    text = f"Orbitals of minibatch runs are above the minimum by {spread(above, '.3f')} mHa."
    nearer = [name for name in paper if above[name] < paper[name]]
    if paper:
        text += (
            f" The paper's reported energies are off by {spread(paper, '.1f')} mHa. "
            f"Ours are nearer for {len(nearer)} of {len(paper)} molecules."
        )
    closer = bool(paper) and len(nearer) == len(paper)
    return Finding("amortization", REPRODUCED if closer else CONTRADICTED, compared, text)
