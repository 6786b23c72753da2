"""Which parts of an energy must be float64: errors of parts in float32, of solved coefficients, of whole trainings.

Run:      .venv/bin/python experiments/precision.py [--level 1] [--steps 60]
Cost:     about 10 minutes on two cores

1. Water and N2 with a neural residual (6-31G start, perturbed parameters), orbitals fixed, every part of the energy in
float32
   alone (terms: their input and their values per point; sums over points run in float64), and together as
   `training.precision` combines them: error of the total energy, of its gradient, and relative.
2. He and LiH with a learned basis: the basis on the grid in float32 or float64, and coefficients solved for in float64,
for several
   thresholds of the overlap: error of the total that the solver believes, and of the same coefficients evaluated in
   float64.
3. Trainings in float64, mixed and float32: final energies in float64.

Writes results/stored/precision/precision.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from rich.console import Console
from rich.table import Table

from nnks import blocks, setup
from nnks.ansatz.functions import ansatz_functions
from nnks.config import default_config, override
from nnks.objective.variable_projection import orthonormal, stable_frame
from nnks.orbitals import TabulatedDensity
from nnks.orthogonalize import orthonormalize
from nnks.runs.evaluation import evaluate
from nnks.scf import BasisEnergy, self_consistent
from nnks.testing.toys import noisy
from nnks.tracking import environment
from nnks.tracking.files import write_json
from nnks.training import Convergence, begin, iterate
from nnks.types import cast

LOW, HIGH = jnp.float32, jnp.float64
TERMS = ("kinetic", "external", "hartree", "xc")
PARTS = {
    "none (float64)": (),
    "orbitals at the points": ("orbitals",),
    "densities": ("density",),
    "Gram matrix": ("gram",),
    **{term: (term,) for term in TERMS},
    "orbitals + densities": ("orbitals", "density"),
}
NEURAL = {"ansatz.name": "residual", "functional.hartree": "density_fitting", "functional.auxiliary": "even_tempered"}
TRAININGS = {
    "He residual": {"system.molecule": "He", "system.basis": "sto-3g"} | NEURAL | {"optimizer.curvature": 0.03},
    "H2 residual": {"system.molecule": "H2", "system.basis": "sto-3g"} | NEURAL | {"optimizer.curvature": 0.03},
    "water lcgto": {},
}


def make(changes: dict) -> tuple:
    """System and problem of a config."""
    system = setup.make_system(override(default_config(), changes))
    return system, setup.make_problem(system)


def energy(problem, params, parts: tuple[str, ...]):
    """The total energy on the full grid with some parts in float32 [Ha]."""
    quadrature, model = problem.grid.quadrature(), problem.model
    raw = dataclasses.replace(model, evaluation="float32" if "orbitals" in parts else None)._raw(params, quadrature)
    if "gram" in parts:  # summed in float32, which `orthonormalize` does not do; both molecules are restricted
        mix = model.orthogonalizer(*cast((raw.values[0], quadrature.weights), LOW))[None].astype(HIGH)
    else:
        mix = orthonormalize(model.orthogonalizer, raw.values, quadrature.weights, model.nocc)
    x = raw.mixed(mix)
    if "density" in parts:
        x = TabulatedDensity(quadrature, cast(cast(x, LOW).density(), HIGH))
    total = 0.0
    for term in problem.functional.terms:
        low = term.name in parts
        y = cast(x, LOW) if low else x
        total += (cast(term, LOW) if low else term)(y, y).astype(HIGH)
    return total


def at_fixed_orbitals(molecule: str, level: int) -> list[dict]:
    """Error of every part [mHa]."""
    _, problem = make(NEURAL | {"system.molecule": molecule, "quadrature.level": level})
    params = noisy(problem.model.ansatz.init_params(jax.random.key(0)), 1, 0.02)
    rows, exact = [], None
    compiled = jax.jit(jax.value_and_grad(energy, argnums=1), static_argnums=2)
    whole = jax.jit(jax.value_and_grad(lambda x, p: x.loss(p, jax.random.key(0), jnp.int32(0))[0], argnums=1))
    runs = {name: (compiled, problem, params, parts) for name, parts in PARTS.items()}
    runs["precision=mixed"] = whole, setup.in_precision(problem, "mixed"), params
    runs["precision=float32"] = whole, *cast((problem, params), LOW)
    for name, (function, *arguments) in runs.items():
        total, gradient = function(*arguments)
        evaluated = float(total), np.asarray(ravel_pytree(gradient)[0], float)
        exact = evaluated if exact is None else exact
        difference, size = np.linalg.norm(evaluated[1] - exact[1]), np.linalg.norm(exact[1])
        rows.append(
            {
                "molecule": molecule,
                "in float32": name,
                "energy_error_mHa": 1e3 * (evaluated[0] - exact[0]),
                "gradient_error_mHa": 1e3 * float(difference),
                "relative": float(difference / size),
            }
        )
        print(rows[-1], flush=True)
    return rows


def solved(molecule: str, level: int) -> list[dict]:
    """Coefficients solved for in a basis that was tabulated in one of two precisions [mHa].

    Float32 throughout is refused.
    """
    changes = NEURAL | {"ansatz.name": "neural_basis", "system.molecule": molecule, "quadrature.level": level}
    _, problem = make(changes)
    params = problem.model.ansatz.init_params(jax.random.key(0))
    occupations, quadrature = problem.model.occupations, problem.grid.quadrature()

    @jax.jit(static_argnames=("low", "threshold"))
    def solve(problem, params, low: bool, threshold: float):
        basis, evaluation = ansatz_functions(problem.model.ansatz, params), "float32" if low else None
        table = blocks.whole_blocks(basis, quadrature, order=1, evaluation=evaluation)
        tabulated = BasisEnergy(problem.functional, table, quadrature).with_matrices(len(occupations))
        overlap = tabulated.overlap()
        start = orthonormal(params["coefficients"], overlap, occupations)
        solution = self_consistent(
            tabulated,
            overlap,
            stable_frame(overlap, threshold),
            start,
            occupations,
            energy_tolerance=1e-8,
            gradient_tolerance=1e-4,
            cycles=30,
        )
        fixed = params | {"coefficients": solution.occupied}
        totals = [
            dataclasses.replace(problem.model, evaluation=e)(fixed, quadrature)
            for e in (None, "float32" if low else None)
        ]
        here = [problem.functional.energies(x)["total"] for x in totals]
        return solution.energies["total"], here[0], here[1], solution.cycle

    rows, exact = [], None
    for threshold in (1e-10, 1e-8):
        for low in (False, True):
            believed, real, trained, cycles = (float(x) for x in solve(problem, params, low, threshold))
            exact = real if exact is None else exact
            rows.append(
                {
                    "molecule": molecule,
                    "basis": "float32" if low else "float64",
                    "threshold": f"{threshold:.0e}",
                    "solver_mHa": 1e3 * (believed - exact),
                    "float64_mHa": 1e3 * (real - exact),
                    "training_mHa": 1e3 * (trained - exact),
                    "cycles": int(cycles),
                }
            )
            print(rows[-1], flush=True)
    return rows


def train(name: str, precision: str, steps: int) -> dict:
    """A training as `nnks run` does it, and its final energy in float64."""
    system, exact = make(
        TRAININGS[name] | {"quadrature.level": 1, "training.steps": steps, "training.precision": precision}
    )
    config = system.config
    problem = setup.in_precision(exact, precision)
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    params = problem.init_params(key)
    state = begin(optimizer, problem, params, key)
    convergence, times = Convergence(*setup.tolerances(config)), [time.perf_counter()]
    for progress in iterate(optimizer.make_step(problem), state, until=steps):
        state = progress.state
        times.append(time.perf_counter())
        if convergence.reached(progress.metrics):
            break
    total = evaluate(system, exact, state.params).energies["total"]
    evaluations = int(state.evaluations)
    row = {
        "training": name,
        "precision": precision,
        "total_Ha": total,
        "steps": int(state.step),
        "evaluations": evaluations,
        "seconds_a_step": float(np.median(np.diff(times[1:]))) if len(times) > 2 else 0.0,
    }
    print(row, flush=True)
    return row


def show(title: str, rows: list[dict]) -> None:
    """A table of rows with the same columns."""
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(
            *(f"{x:.9g}" if k == "total_Ha" else f"{x:.2g}" if isinstance(x, float) else str(x) for k, x in row.items())
        )
    Console(width=140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("results/stored/precision/precision.json"))
    arguments = parser.parse_args()
    fixed = [row for molecule in ("water", "N2") for row in at_fixed_orbitals(molecule, arguments.level)]
    show(f"fixed orbitals, level {arguments.level}", fixed)
    bases = [row for molecule in ("He", "LiH") for row in solved(molecule, arguments.level)]
    show("solved coefficients", bases)
    trained = [train(name, p, arguments.steps) for name in TRAININGS for p in ("float64", "mixed", "float32")]
    show(f"trainings, {arguments.steps} steps at most", trained)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    settings = {"level": arguments.level, "steps": arguments.steps}
    values = {"settings": settings, "fixed": fixed, "solved": bases, "trained": trained, "environment": environment()}
    write_json(arguments.out, values)


if __name__ == "__main__":
    main()
