"""Tables and the figure of Table 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nnks_paper.paper import TABLE1, TABLE1_LABELS, TERMS
from nnks_paper.report import Table, milli, number
from nnks_paper.table1_runs import AGREES, LAST, Molecule


def energies(molecules: Sequence[Molecule]) -> Table:
    """All terms of every method."""
    rows = []
    for molecule in molecules:
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
        how(molecule) for molecule in molecules if how(molecule)
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


def minibatches(molecules: Sequence[Molecule]) -> Table:
    """Three numbers of each minibatch run, and the paper's."""
    rows = []
    for molecule in molecules:
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
        "Adam on 1,000 uniform points a step, every integral summed over the batch, the Coulomb energy over pairs of "
        "points (with the self-cell term that the paper's lacks). The estimate is the mean over the last "
        f"{100 * LAST:.0f} % of the steps; the paper reports such a number."
    )
    return Table("Minibatch runs: what they report, and what their orbitals have", header, rows, note)


def draw(molecules: Sequence[Molecule], path: Path) -> Path:
    """Distances from PySCF by molecule and method, on a logarithmic axis."""
    from nnks.analysis.style import looks, new_figure, save

    series: dict[str, list[tuple[str, float]]] = {}
    for m in molecules:
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
    positions = {m.name: n for n, m in enumerate(molecules)}
    for n, (name, points) in enumerate(series.items()):
        aside = 0.1 * (n - (len(series) - 1) / 2)  # equal values would hide each other
        x, y = [positions[p] + aside for p, _ in points], [v for _, v in points]
        axes.plot(x, y, markers[n % 7], color=style[name][0], markersize=6, label=name)
    axes.axhline(AGREES, color="#6b7280", linewidth=0.8, linestyle="--")
    axes.set(yscale="log", ylabel="|E − E(PySCF)| [Ha]")
    axes.set_xticks(range(len(positions)), list(positions))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return save(figure, path)
