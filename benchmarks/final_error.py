"""Final energies of orbitals that leave the Gaussian basis: does the stated error cover what is wrong with them?

Run:      .venv/bin/python -m benchmarks.final_error [--cases HeH+/residual/1/0 HeH+/residual/1/0/unguarded ...]
          [--truth 6]

A case is a molecule, an ansatz, the grid level of its training, a seed, and `unguarded` for a training without a
held-out grid, which goes on where the orbitals fit their grid. `residual` takes 20 steps of the natural gradient, other
ansaetze the recipe `configs/neural.py`. Of the trained orbitals three energies are taken: `straight`, as PySCF's grid
two levels finer has it, with the difference from the next coarser one (how final energies were evaluated before);
`final`, what a run reports, with its quadrature error; and `truth`, the mean of two fine grids without pruning, turned
otherwise and with different shells, with half their difference. Writes results/benchmarks/final_error.json, a case at a
time: cases that are there are kept.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from nnks.config import ConfigDict, default_config, load_config, override
from nnks.objective import settled
from nnks.runs.evaluation import SAFETY, evaluate, final_level, total_on
from nnks.runs.experiment import Run, folder_of
from nnks.runs.plan import plan
from nnks.tracking.files import read_json
from nnks.units import MILLIHARTREE

STORE = Path("results/benchmarks/final_error.json")

GEOMETRIES = {"HeH+": {"system.molecule": "He 0 0 0; H 0 0 0.772", "system.charge": 1}}

CASES = (
    *(f"HeH+/residual/{level}/{seed}/unguarded" for level in (1, 2) for seed in (0, 1, 2)),
    *(f"HeH+/residual/{level}/{seed}" for level in (0, 1, 2) for seed in (0, 1)),
    *(f"{molecule}/residual/{level}/0/unguarded" for molecule in ("He", "H2", "LiH") for level in (0, 1)),
    *("HeH+/residual/3/0", "He/residual/1/0", "H2/residual/1/0", "LiH/residual/1/0"),
    *("HeH+/neural_basis/2/0", "He/neural_basis/2/0", "H2/neural_basis/2/0", "LiH/neural_basis/2/0"),
    *("N/neural_basis/2/0", "HF/neural_basis/2/0"),
)

TRUTH = (5, "treutler_ahlrichs"), (6, "mura_knowles")
"""Turns and shells of the grids that stand for the truth: none of the final evaluation's or the training's."""


def config_of(case: str) -> ConfigDict:
    """The config of a case."""
    molecule, ansatz, level, seed, *unguarded = case.split("/")
    changes: dict[str, Any] = GEOMETRIES.get(molecule, {"system.molecule": molecule}) | {
        "quadrature.level": int(level),
        "training.seed": int(seed),
        "training.held_out_steps": 0 if unguarded else None,
        "reference.pyscf": False,
        "reference.large_basis": "",
        "tracking.wandb": "disabled",
    }
    if ansatz != "residual":
        config = override(load_config("neural"), changes)
        config.ansatz.name = ansatz
        return config
    config = default_config()
    config.ansatz, config.optimizer = {"name": ansatz}, {"name": "natural_gradient"}
    return override(config, changes | {"functional.auxiliary": "even_tempered", "training.steps": 20})


def measure(case: str, fine: int) -> dict[str, Any]:
    """The energies of a case [Ha]."""
    ready = plan(config_of(case))
    with tempfile.TemporaryDirectory() as results:
        run = Run(ready, folder_of(ready.config, results), Path(results))
        run.execute()
        params = settled(ready.problem, run.recorder.state.params)
    system, problem, level = ready.system, ready.problem, final_level(ready.system)
    straight, coarser = (total_on(system, problem, params, (n, 0, "treutler_ahlrichs")) for n in (level, level - 1))
    outcome = evaluate(system, problem, params)
    low, high = sorted(total_on(system, problem, params, (fine, *kind)) for kind in TRUTH)
    truth, unsure = 0.5 * (low + high), 0.5 * (high - low)
    total, error = outcome.energies["total"], outcome.quadrature_error or 0.0
    return {
        "case": case,
        "stopped": run.recorder.stopped,
        "steps": int(run.recorder.state.step),
        "straight": straight,
        "straight_error": abs(straight - coarser),
        "final": total,
        "final_error": error,
        "truth": truth,
        "truth_error": unsure,
        "truth_level": fine,
        "covered": abs(total - truth) <= error + unsure,
        "covered_before": abs(straight - truth) <= abs(straight - coarser) + unsure,
    }


def shown(row: dict[str, Any]) -> dict[str, str]:
    """A row of the table: energies as differences from the truth [mHa]."""
    off = {name: (row[name] - row["truth"]) / MILLIHARTREE for name in ("straight", "final")}
    return {
        "case": row["case"],
        "ended": f"{row['stopped']}, {row['steps']}",
        "truth [Ha]": f"{row['truth']:.6f} ± {row['truth_error']:.0e}",
        "straight - truth [mHa]": f"{off['straight']:+.4f}",
        "stated": f"{row['straight_error'] / MILLIHARTREE:.4f}",
        "final - truth [mHa]": f"{off['final']:+.4f}",
        "stated now": f"{row['final_error'] / MILLIHARTREE:.4f}",
        "covered": f"{'yes' if row['covered'] else 'NO'} (before: {'yes' if row['covered_before'] else 'no'})",
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--truth", type=int, default=6, help="grid level of the truth")
    arguments = parser.parse_args()
    rows = (read_json(STORE) or {}).get("rows", [])
    for case in arguments.cases:
        if all(row["case"] != case for row in rows):
            rows.append(measure(case, arguments.truth))
            store(STORE, {"truth_level": arguments.truth, "safety": SAFETY}, rows)
    print_table([shown(row) for row in rows], "Final energies and their errors")


if __name__ == "__main__":
    main()
