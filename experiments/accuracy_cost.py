"""What does an energy cost? Accuracy on water against parameters and seconds, Gaussian bases beside neural orbitals.

Run:      .venv/bin/python experiments/accuracy_cost.py [--molecule H2O] [--xc lda,vwn] [--residual-steps 30]
Cost:     five to six minutes on two idle cores, most of it compilation and final evaluations; points are stored as they
          come

The error is above PySCF in pcseg-4 on a grid of level 5 (fitted Coulomb energy, even-tempered set),
the best energy in a Gaussian basis that there is here. It is no exact limit: a point below it is drawn hollow, at the
absolute difference. Gaussian series: STO-3G to cc-pVQZ by PySCF on level 3; parameters are coefficients, functions
times occupied orbitals, and seconds those of `kernel()`. `neural_basis` is the recipe `configs/neural.py` at several
widths, with parameters of the network and solved coefficients; `residual` is trained by the natural gradient, all of
its parameters at once. Their seconds are those of building and training without compilation, and their energies those
of the final evaluation, on a finer grid with Poisson's equation. Writes results/stored/accuracy_cost/points.json and
figure.png.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import kohn_sham, minimize, print_table, store
from nnks import setup
from nnks.analysis.style import looks, new_figure, save
from nnks.config import ConfigDict, load_config
from nnks.interop.pyscf import make_mole
from nnks.molecule import Molecule
from nnks.tracking.files import read_json

BASES = {
    "sto-3g": "STO-3G",
    "6-31g": "6-31G",
    "6-311g**": "6-311G**",
    "cc-pvdz": "cc-pVDZ",
    "cc-pvtz": "cc-pVTZ",
    "cc-pvqz": "cc-pVQZ",
}
GAUSSIAN, BASIS, RESIDUAL = "Gaussian basis (PySCF)", "neural_basis, recipe", "residual, natural gradient"
LEVEL, LIMIT, FINE = 3, "pcseg-4", 5


def gaussian_points(molecule: Molecule, xc: str) -> Iterator[dict[str, Any]]:
    """PySCF in every basis; the first calculation is repeated, since it pays for imports."""
    kohn_sham(make_mole(molecule, "sto-3g"), xc, LEVEL)
    for basis, label in BASES.items():
        mole = make_mole(molecule, basis)
        solution = kohn_sham(mole, xc, LEVEL)
        yield _point(GAUSSIAN, label, mole.nao * sum(mole.nelec) // 2, solution.seconds, solution.total)


def neural_points(method: str, config: ConfigDict, widths: list[int]) -> Iterator[dict[str, Any]]:
    """A network at several widths, each timed after one step that compiles."""
    for width in widths:
        with config.unlocked():
            config.ansatz.width = width
        minimum = minimize(config, compiled=True)
        total = minimum.evaluate().energies["total"]
        yield _point(method, f"width {width}", minimum.parameters, minimum.seconds, total, minimum.build_s)


def _point(
    method: str, label: str, parameters: int, seconds: float, total: float, build_s: float | None = None
) -> dict[str, Any]:
    print(f"{method}, {label}: {total:.6f} Ha after {seconds:.1f} s", flush=True)
    return {
        "method": method,
        "label": label,
        "parameters": parameters,
        "seconds": seconds,
        "build_s": build_s,
        "total_Ha": total,
    }


def draw(rows: list[dict[str, Any]], path: Path, title: str) -> Path:
    """Two panels: the error over parameters, and over seconds."""
    figure, axes = new_figure(2, width=5.2, height=4.2, columns=2)
    style = looks([row["method"] for row in rows])
    markers = dict(zip(style, "os^", strict=False))
    for axis, key in zip(axes, ("parameters", "seconds"), strict=True):
        for method, (color, _) in style.items():
            series = [row for row in rows if row["method"] == method]
            x, y = [row[key] for row in series], [abs(row["error_mHa"]) for row in series]
            for below in (False, True):
                kept = [i for i, row in enumerate(series) if (row["error_mHa"] < 0) == below]
                face = "white" if below else color
                points = [x[i] for i in kept], [y[i] for i in kept]
                axis.plot(*points, markers[method], color=color, markerfacecolor=face, markersize=6)
            axis.plot([], [], markers[method], color=color, label=method)
            for row, at, error in zip(series, x, y, strict=True):
                text = row["label"].removeprefix("width ")
                axis.annotate(text, (at, error), (5, 5), textcoords="offset points", fontsize=8, color=color)
        axis.set(xscale="log", yscale="log", xlabel={"parameters": "parameters", "seconds": "seconds, compiled"}[key])
        axis.margins(x=0.15, y=0.12)
        axis.xaxis.set_minor_formatter("")  # few decades: numbers between their powers would overlap
    axes[0].set_ylabel(f"error against {LIMIT} [mHa]; hollow: below it")
    axes[1].legend(loc="upper right", fontsize=8)
    figure.suptitle(title, fontsize=11)
    return save(figure, path)


WORDS = {GAUSSIAN: "Gaussian basis sets", BASIS: "learned basis beside 6-31G", RESIDUAL: "network beside 6-31G"}
"""The methods of the picture for everyone."""

CHEMICAL = {"H2O": "Water"}

KNOWN = 0.1
"""How well the reference knows the basis limit [mHa]: learned bases end 0.05 below it."""


def draw_front(rows: list[dict[str, Any]], path: Path, molecule: str) -> Path:
    """One panel: the error over parameters.

    Points within what the reference knows stand in the shaded band at the bottom.
    """
    figure, (axis,) = new_figure(1, width=6.8, height=4.0, columns=1)
    style = looks([row["method"] for row in rows])
    for (method, (color, _)), marker in zip(style.items(), "os^", strict=False):
        series = sorted((row for row in rows if row["method"] == method), key=lambda row: row["parameters"])
        x, y = [row["parameters"] for row in series], [max(row["error_mHa"], 0.7 * KNOWN) for row in series]
        axis.plot(x, y, marker + "-", color=color, markersize=7, linewidth=1.2, label=WORDS[method])
        for row, at, error in zip(series, x, y, strict=True):
            if method == GAUSSIAN and row["label"] != "cc-pVDZ":  # 6-311G** stands beside it
                axis.annotate(row["label"], (at, error), (8, 3), textcoords="offset points", fontsize=9, color=color)
    axis.axhspan(0.4 * KNOWN, KNOWN, color="#e5e7eb", zorder=0)
    axis.text(32, 0.55 * KNOWN, "the basis limit, as well as it is known", fontsize=9, va="center")
    axis.set(xscale="log", yscale="log", ylim=(0.4 * KNOWN, 3e3))
    axis.set_xlabel("parameters of the orbitals")
    axis.set_ylabel("error of the energy [mHa]")
    axis.set_title(f"{molecule}: what an energy costs in parameters", fontsize=11)
    axis.xaxis.set_minor_formatter("")
    axis.legend(loc="upper right")
    return save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecule", default="H2O")
    parser.add_argument("--xc", default="lda,vwn")
    parser.add_argument("--widths", type=int, nargs="*", default=[2, 5, 10, 20, 40])
    parser.add_argument("--residual-widths", type=int, nargs="*", default=[5, 20])
    parser.add_argument("--steps", type=int, default=12, help="of the recipe at most; at full width it takes about six")
    parser.add_argument("--residual-steps", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("results/stored/accuracy_cost"))
    parser.add_argument("--draw-only", action="store_true", help="draw the stored points again")
    arguments = parser.parse_args()
    if arguments.draw_only:
        stored = read_json(arguments.out / "points.json") or parser.error(f"{arguments.out} holds no points")
        draw(
            stored["rows"],
            arguments.out / "figure.png",
            f"{stored['settings']['molecule']}, {stored['settings']['xc']}",
        )
        draw_front(stored["rows"], arguments.out / "front.png", CHEMICAL.get(arguments.molecule, arguments.molecule))
        return
    molecule, xc = Molecule.from_spec(arguments.molecule), arguments.xc
    if molecule.spin != 0:
        parser.error("coefficients are counted for closed shells; choose a molecule without unpaired electrons")
    limit = kohn_sham(make_mole(molecule, LIMIT), xc, FINE, fitted=True, auxiliary="even_tempered").total
    changes = {"system.molecule": arguments.molecule, "functional.xc": xc}
    residual = {
        "ansatz.name": "residual",
        "optimizer.name": "natural_gradient",
        "training.steps": arguments.residual_steps,
    }
    setup.make_problem(setup.make_system(load_config("neural", changes)))  # compiles what every width shares
    points = itertools.chain(
        gaussian_points(molecule, xc),
        neural_points(BASIS, load_config("neural", changes | {"training.steps": arguments.steps}), arguments.widths),
        neural_points(RESIDUAL, load_config("neural", changes | residual), arguments.residual_widths),
    )
    title, rows = f"{arguments.molecule}, {xc}", []
    settings = {"molecule": arguments.molecule, "xc": xc, "level": LEVEL, "steps": arguments.steps}
    settings |= {"residual_steps": arguments.residual_steps}
    settings |= {"reference": LIMIT, "reference_level": FINE, "reference_Ha": limit}
    for point in points:  # stored after every point: an interrupted run keeps what it has
        rows.append(point | {"error_mHa": 1e3 * (point["total_Ha"] - limit)})
        store(arguments.out / "points.json", settings, rows)
    print_table(rows, f"{title}: error against {LIMIT}, {limit:.6f} Ha")
    draw(rows, arguments.out / "figure.png", title)
    draw_front(rows, arguments.out / "front.png", CHEMICAL.get(arguments.molecule, arguments.molecule))


if __name__ == "__main__":
    main()
