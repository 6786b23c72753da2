"""The page and figures of stored benchmarks.

Run:      .venv/bin/python -m benchmarks.page [--results results/benchmarks]

Reads what the benchmarks stored and writes README.md with a table and a picture for each, and what they were measured
on.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.learned_basis import BASES, errors
from benchmarks.series import SLOWEST
from nnks.analysis.style import GRAY, looks, new_figure, save
from nnks.analysis.text import markdown_table
from nnks.tracking.files import read_json, replace_text

Stored = Mapping[str, Any]


COLUMNS = {
    "convergence": {
        "system": "system",
        "method": "method",
        "functions": "functions",
        "warm_s": "warm [s]",
        "ratio_warm": "ratio",
        "total_cold_s": "process, cold [s]",
        "total_s": "process, warm [s]",
        "ratio_total": "process ratio",
        "cycles": "gradients or cycles",
        "converged": "converged",
        "above_lowest_mHa": "above lowest [mHa]",
        "peak_GB": "memory [GB]",
    },
    "series": {
        "method": "method",
        "molecule": "molecule",
        "basis": "basis",
        "functions": "functions",
        "seconds": "one gradient or cycle [s]",
        "memory": "memory [GB]",
    },
    "minibatch": {
        "system": "system",
        "ansatz": "ansatz",
        "sampler": "sampler",
        "grid": "points of the grid",
        "batch": "batch",
        "steps/s": "steps a second",
        "compile_s": "compilation [s]",
    },
    "variance": {
        "system": "system",
        "sampler": "sampler",
        "control": "control variate",
        **{f"{t}_var_points": t for t in ("total", "kinetic", "external", "hartree", "xc")},
        "gain_total": "gain, total",
        "gain_gradient": "gain, gradient",
    },
    "robustness": {
        "case": "case",
        "nnks_converged": "nnks converged",
        "nnks_above_mHa": "above stable [mHa]",
        "nnks_gradients": "gradients",
        "pyscf_converged": "PySCF converged",
        "pyscf_above_mHa": "PySCF above stable [mHa]",
        "pyscf_cycles": "cycles",
    },
}
"""Headings of what a benchmark's table shows, by the keys of its rows; others make tables of their own."""


def cell(value: Any) -> str:
    """Three digits of a number, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def convergence(stored: Stored) -> str:
    """What the times are, and which calculations have none."""
    late = [
        f"- {r['system']}, {r['method']}: more than {r['limit_s']:g} s" for r in stored["rows"] if r.get("out_of_time")
    ]
    return "\n".join(
        [
            f"Warm: from building the molecule to within {stored['settings']['per_atom_Ha']:g} Ha per atom of the "
            "method's own converged energy, imports and compilation excluded. Process: all of a process that does one "
            "calculation, imports and compilation included, with an empty (cold) and a filled cache of compiled "
            "programs. Ratios are to density-fitted PySCF on the same grid and fitting set. A calculation that ran "
            "into its limit of time has no numbers.",
            *late,
        ]
    )


def series(stored: Stored) -> str:
    """Exponents and the cages that they are fitted to, what is missing, and whether all is of one version."""
    cages: dict[str, list[str]] = {}
    for row in stored["rows"]:
        cages.setdefault(f"{row['method']}, {row['basis']}", []).append(row["molecule"])
    exponents = stored["settings"]["exponents"].items()
    notes = [f"- {name}: time grows as N to the {cell(e)} over {', '.join(cages[name])}" for name, e in exponents if e]
    left = [f"{m} of {c}/{b}" for m, c, b in SLOWEST if c not in cages.get(f"{m}, {b}", [])]
    if left:
        notes.append(f"- left to `python -m benchmarks.series --all`: {', '.join(left)}")
    notes += [f"- not measured: {text}" for text in stored["settings"]["unfinished"]]
    if len(commits := stored["settings"].get("commits", [])) > 1:
        notes.append(f"- put together from measurements of several versions: {', '.join(commits)}")
    notes += [f"- {stored['settings']['note']}"] if "note" in stored["settings"] else []
    return "\n".join(notes)


def minibatch(stored: Stored) -> str:
    """What a step is."""
    return "Steps of Adam with every term estimated on two batches of so many points, or on the whole grid."


def variance(stored: Stored) -> str:
    """What is compared."""
    return (
        "Variance of one estimate times the points evaluated for it [Ha²], at converged orbitals, with every term a "
        "sum over points; the control variate is the energy of the initial orbitals on the same points. The gain is "
        "uniform sampling's variance over the row's."
    )


def robustness(stored: Stored) -> str:
    """How many converge, and where."""
    s, n = stored["settings"], len(stored["rows"])
    return (
        f"Of {n} cases nnks converges {s['nnks_converged']}, {s['nnks_solved']} of them to within "
        f"{s['tolerance_Ha']:g} Ha above the stable solution or below it; PySCF with its defaults converges "
        f"{s['pyscf_converged']}, {s['pyscf_solved']} of them so. A negative energy lies below the solution that "
        "PySCF's stability analysis ends at."
    )


def learned(stored: Stored) -> str:
    """Medians and largest errors of every basis, and each molecule's."""
    rows = [row for row in stored["rows"] if "learned" in row]
    bases = [basis for basis in BASES if basis in rows[0]]
    above = [errors(row, bases) for row in rows]
    summary = []
    for name in ("learned", *bases[:-1]):
        known = [error for each in above if (error := each.get(name)) is not None]
        sizes = [row[name]["functions"] / row["heavy"] for row in rows if name in row and row["heavy"]]
        summary.append(
            {
                "basis": name,
                "functions for each heavy atom": cell(statistics.median(sizes)),
                "median": cell(statistics.median(known)),
                "largest": cell(max(known)),
                "molecules": len(known),
            }
        )
    each = [
        {"molecule": row["name"], "functions": row["learned"]["functions"]} | {n: cell(e) for n, e in found.items()}
        for row, found in zip(rows, above, strict=True)
    ]
    text = (
        f"Errors above {bases[-1]} for each atom [mHa], {stored['settings']['xc']}. The basis "
        f"({stored['settings']['basis']}) is used as it is, its energy is Poisson's on level "
        f"{stored['settings']['level']}; none of the molecules was in its training. PySCF's energies are on level 3 "
        f"with a rich fitting set. A negative error lies below {bases[-1]}, which is no limit itself."
    )
    return "\n\n".join([text, markdown_table(summary), markdown_table(each)])


def bars(rows: Sequence[Stored], path: Path) -> None:
    """Draws the warm seconds of every method, system by system."""
    done = [row for row in rows if row.get("warm_s")]
    systems, methods = (list(dict.fromkeys(row[key] for row in done)) for key in ("system", "method"))
    figure, (axes,) = new_figure(1, width=7.0, height=1.2 + 0.42 * len(systems), columns=1)
    style, width = looks(methods), 0.8 / len(methods)
    for n, method in enumerate(methods):
        own = [row for row in done if row["method"] == method]
        positions = [systems.index(row["system"]) + (n - (len(methods) - 1) / 2) * width for row in own]
        axes.barh(positions, [row["warm_s"] for row in own], 0.9 * width, color=style[method][0], label=method)
        for at, row in zip(positions, own, strict=True):
            if not row["converged"]:
                axes.text(1.05 * row["warm_s"], at, "not converged", va="center", fontsize=6, color=GRAY)
    axes.set(xscale="log", xlabel="seconds, imports and compilation excluded")
    axes.set_yticks(range(len(systems)), systems)
    axes.set_ylim(len(systems) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=len(methods), fontsize=9, frameon=False)
    save(figure, path)


SECTIONS: tuple[tuple[str, str, Callable[[Stored], str], str], ...] = (
    ("convergence", "Time to a converged energy", convergence, "convergence.png"),
    ("series", "Growth along the carbon cages", series, "scaling.png"),
    ("minibatch", "Minibatch training", minibatch, "minibatch.png"),
    ("h200/series", "Growth along the carbon cages on an H200", series, "h200/scaling.png"),
    ("h200/minibatch", "Minibatch training on an H200", minibatch, ""),
    ("variance", "Variance of minibatch energies", variance, ""),
    ("robustness", "Hard cases", robustness, ""),
    ("learned_basis-unseen-lda", "A learned basis on molecules that it never saw", learned, "learned_basis.png"),
    ("learned_basis-radicals-lda", "A learned basis on radicals", learned, ""),
    ("learned_basis-ions-lda", "A learned basis on ions", learned, ""),
)
"""File, heading, text, and picture."""


def machine(stored: Stored) -> str:
    """What a benchmark was measured on."""
    e = stored["environment"]
    versions = ", ".join(f"{name} {e['versions'][name]}" for name in ("jax", "pyscf") if e["versions"].get(name))
    load = f", load {e['load'][0]:.1f} at the end" if "load" in e else ""
    when = f", {e['started'][:10]}" if "started" in e else ""
    return f"*{e['device']}, {e['cpus']} cores ({e['processor']}), {versions}{load}{when}.*"


def write(folder: Path) -> Path:
    """Writes the page of a folder, with what there is."""
    parts = ["# Benchmarks", "Written by `make bench` from the JSON files beside this page."]
    for name, title, text, picture in SECTIONS:
        stored = read_json(folder / f"{name}.json")
        if stored is None:
            continue
        if name == "convergence":
            bars(stored["rows"], folder / picture)
        parts += [f"## {title}", text(stored)]
        if columns := COLUMNS.get(name.rsplit("/", maxsplit=1)[-1]):
            rows = [{heading: cell(row.get(key)) for key, heading in columns.items()} for row in stored["rows"]]
            parts.append(markdown_table(rows))
        parts += [f"![{title}]({picture})"] if (folder / picture).is_file() else []
        parts.append(machine(stored))
    return replace_text(folder / "README.md", "\n\n".join(parts) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    print(f"wrote {write(parser.parse_args().results)}")


if __name__ == "__main__":
    main()
