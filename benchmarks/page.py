"""The page and figures of stored benchmarks.

Run:      .venv/bin/python -m benchmarks.page [--results results/benchmarks]

Reads what the benchmarks stored and writes README.md with a table and a picture for each, and what they were measured on.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.analysis.style import GRAY, looks, new_figure, save
from nnks.analysis.text import markdown_table
from nnks.tracking.files import read_json, replace_text

Stored = Mapping[str, Any]


def cell(value: Any) -> str:
    """Three digits of a number, a dash for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(rows: Sequence[Stored], columns: Mapping[str, str]) -> str:
    """Columns of rows under their headings."""
    return markdown_table([{name: cell(row.get(key)) for key, name in columns.items()} for row in rows])


def convergence(stored: Stored, folder: Path) -> str:
    """Times to a converged energy, and how they compare with density-fitted PySCF."""
    columns = {
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
    }
    _bars(stored["rows"], folder / "convergence.png")
    text = (
        f"Warm: from building the molecule to within {stored['settings']['per_atom_Ha']:g} Ha per atom of the method's own converged energy, imports and compilation "
        "excluded. Process: all of a process that does one calculation, imports and compilation included, with an empty (cold) and a filled cache of compiled "
        "programs. Ratios are to density-fitted PySCF on the same grid and fitting set. A calculation that ran into its limit of time has no numbers."
    )
    late = [r for r in stored["rows"] if r.get("out_of_time")]
    more = [f"- {r['system']}, {r['method']}: more than {r['limit_s']:g} s" for r in late]
    return "\n\n".join([text, table(stored["rows"], columns), "\n".join(more), "![times](convergence.png)"])


def _bars(rows: Sequence[Stored], path: Path) -> None:
    """Warm seconds of every method, system by system."""
    done = [row for row in rows if row.get("warm_s")]
    systems, methods = (list(dict.fromkeys(row[key] for row in done)) for key in ("system", "method"))
    figure, (axes,) = new_figure(1, width=7.0, height=1.2 + 0.42 * len(systems), columns=1)
    style, width = looks(methods), 0.8 / len(methods)
    for n, method in enumerate(methods):
        own = {row["system"]: row for row in done if row["method"] == method}
        place = [systems.index(s) + (n - (len(methods) - 1) / 2) * width for s in own]
        seconds = [row["warm_s"] for row in own.values()]
        axes.barh(place, seconds, 0.9 * width, color=style[method][0], label=method)
        stopped = [(p, s) for p, s, row in zip(place, seconds, own.values(), strict=True) if not row["converged"]]
        for p, s in stopped:
            axes.text(1.05 * s, p, "not converged", va="center", fontsize=6, color=GRAY)
    axes.set(xscale="log", xlabel="seconds, imports and compilation excluded", yticks=range(len(systems)))
    axes.set_yticklabels(systems)
    axes.set_ylim(len(systems) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=len(methods), fontsize=9, frameon=False)
    save(figure, path)


def series(stored: Stored, folder: Path) -> str:
    """Growth along the carbon cages."""
    columns = {
        "method": "method",
        "molecule": "molecule",
        "basis": "basis",
        "functions": "functions",
        "seconds": "one gradient or cycle [s]",
        "memory": "memory [GB]",
    }
    found = [f"- {name}: time grows as N to the {cell(e)}" for name, e in stored["settings"]["exponents"].items() if e]
    missing = [f"- not measured: {text}" for text in stored["settings"]["unfinished"]]
    return "\n\n".join([table(stored["rows"], columns), "\n".join(found + missing), "![growth](scaling.png)"])


def minibatch(stored: Stored, folder: Path) -> str:
    """Steps a second."""
    columns = {
        "system": "system",
        "ansatz": "ansatz",
        "sampler": "sampler",
        "grid": "points of the grid",
        "batch": "batch",
        "steps/s": "steps a second",
        "compile_s": "compilation [s]",
    }
    picture = "![steps a second](minibatch.png)" if (folder / "minibatch.png").is_file() else ""
    return "\n\n".join([table(stored["rows"], columns), picture])


def variance(stored: Stored, folder: Path) -> str:
    """Variances of minibatch estimates."""
    names = [
        key for key in stored["rows"][0] if key.endswith("_var_points") and not key.startswith(("total", "gradient"))
    ]
    columns = {"system": "system", "sampler": "sampler", "control": "control variate", "total_var_points": "total"}
    columns |= {key: key.removesuffix("_var_points") for key in names} | {
        "gain_total": "gain, total",
        "gain_gradient": "gain, gradient",
    }
    text = (
        "Variance of one estimate times the points evaluated for it [Ha²], at converged orbitals, with every term a sum over points; the control variate is the energy of the initial "
        "orbitals on the same points. The gain is uniform sampling's variance over the row's."
    )
    return text + "\n\n" + table(stored["rows"], columns)


def robustness(stored: Stored, folder: Path) -> str:
    """Hard cases."""
    columns = {
        "case": "case",
        "nnks_converged": "nnks converged",
        "nnks_above_mHa": "above stable [mHa]",
        "nnks_gradients": "gradients",
        "pyscf_converged": "PySCF converged",
        "pyscf_above_mHa": "PySCF above stable [mHa]",
        "pyscf_cycles": "cycles",
    }
    s, n = stored["settings"], len(stored["rows"])
    text = (
        f"Of {n} cases nnks converges {s['nnks_converged']}, {s['nnks_solved']} of them to within {s['tolerance_Ha']:g} Ha above the stable solution or below it; PySCF with its defaults "
        f"converges {s['pyscf_converged']}, {s['pyscf_solved']} of them so. A negative energy lies below the solution that PySCF's stability analysis ends at."
    )
    return text + "\n\n" + table(stored["rows"], columns)


SECTIONS: dict[str, tuple[str, Callable[[Stored, Path], str]]] = {
    "convergence": ("Time to a converged energy", convergence),
    "series": ("Growth along the carbon cages", series),
    "minibatch": ("Minibatch training", minibatch),
    "variance": ("Variance of minibatch energies", variance),
    "robustness": ("Hard cases", robustness),
}


def machine(stored: Stored) -> str:
    """What a benchmark was measured on."""
    e = stored["environment"]
    versions = ", ".join(f"{name} {e['versions'][name]}" for name in ("jax", "pyscf") if e["versions"].get(name))
    load = f", load {e['load'][0]:.1f} at the end" if "load" in e else ""
    when = f", {e['started'][:10]}" if "started" in e else ""
    return f"*{e['device']}, {e['cpus']} cores ({e['processor']}), {versions}{load}{when}.*"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    folder = parser.parse_args().results
    parts = ["# Benchmarks", "Written by `make bench` from the JSON files beside this page."]
    for name, (title, section) in SECTIONS.items():
        stored = read_json(folder / f"{name}.json")
        if stored is not None:
            parts += [f"## {title}", section(stored, folder), machine(stored)]
    replace_text(folder / "README.md", "\n\n".join(part for part in parts if part) + "\n")
    print(f"wrote {folder / 'README.md'}")


if __name__ == "__main__":
    main()
