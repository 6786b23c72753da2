r"""Variance of minibatch energies, term by term: samplers, and the initial density as a control variate.

Run:      .venv/bin/python -m benchmarks.variance [--systems H2O/6-31g/2 C20/6-31g/1] [--batch 2000] [--draws 200]

Orbitals are the converged ones in the Gaussian basis; every term is a sum over points, and the Hartree energy is fitted
on both independent batches. A control variate estimates the difference from the initial orbitals on the same points and
adds their energy on the whole grid: $E = E_0 + \hat E(\theta) - \hat E(\theta_0)$, which costs two evaluations a point.
`variance_points` is the variance of one estimate times the points evaluated for it (twice as many with the control
variate), in Ha^2; `gain` is uniform sampling's over it. Its relative standard error is about sqrt(2/draws). Gradients
are compared in the same way, by the trace of their covariance. Writes results/benchmarks/variance.json.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import print_table, store
from nnks import blocks, setup
from nnks.config import default_config, override
from nnks.objective import Problem
from nnks.quadrature import make_sampler
from nnks.training import Convergence, begin

SAMPLERS = ("uniform", "stratified", "importance")


def converged(config: Any) -> tuple[Any, Any]:
    """Parameters of the start and of the minimum, by the direct minimizer."""
    config = override(config, {"optimizer.name": "lbfgs"})
    problem = setup.make_problem(setup.make_system(config))
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    params = problem.init_params(key)
    state, step, convergence = begin(optimizer, problem, params, key), None, Convergence(1e-8, 1e-5)
    step = optimizer.make_step(problem)
    for _ in range(60):
        state, metrics = step(state)
        if convergence.reached({name: float(value) for name, value in metrics.items()}):
            break
    return params, state.params


@jax.jit
def estimates(problem: Problem, params: Any, key: jax.Array) -> tuple[dict[str, jax.Array], Any]:
    """Every term of one pair of batches, and the gradient of the total."""

    def total(p: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        energies = problem.energies(p, key, jnp.int32(0))
        return energies["total"], energies

    (_, energies), gradient = jax.value_and_grad(total, has_aux=True)(params)
    return energies, gradient


def measure(system: str, batch: int, draws: int) -> list[dict[str, Any]]:
    """Rows of one system."""
    molecule, basis, level = system.split("/")
    changes = {
        "system.molecule": molecule,
        "system.basis": basis,
        "quadrature.level": int(level),
        "functional.hartree": "density_fitting",
    }
    config = override(default_config(), changes)
    start, end = converged(config)
    stochastic = {
        "functional.one_electron": "quadrature",
        "functional.fitting": "quadrature",
        "sampler.name": "importance",
    }
    config = override(config, stochastic | {"sampler.batch_size": batch, "optimizer.name": "adam"})
    built = setup.make_system(config)
    problem = setup.make_problem(built)
    density = jnp.maximum(blocks.density(built.blocks(built.grid, 0), *setup.guess_orbitals(built, "minao")).total, 0.0)
    rows = []
    for name in SAMPLERS:
        sampler = make_sampler({"name": name, "batch_size": batch}, built.grid, density)
        sampled = dataclasses.replace(problem, sampler=sampler)
        samples: dict[str, list[float]] = {}
        gradients: dict[bool, list[np.ndarray]] = {False: [], True: []}
        for key in jax.random.split(jax.random.key(1), draws):
            (now, slope), (then, before) = (estimates(sampled, p, key) for p in (end, start))
            for term, value in now.items():
                samples.setdefault(term, []).append(float(value))
                samples.setdefault(f"{term}, control", []).append(float(value) - float(then[term]))
            flat, old = (np.concatenate([np.asarray(x).ravel() for x in jax.tree.leaves(g)]) for g in (slope, before))
            gradients[False].append(flat)
            gradients[True].append(flat - old)
        for control in (False, True):
            cost = batch * 2 * (2 if control else 1)
            terms = {t.removesuffix(", control"): v for t, v in samples.items() if t.endswith("control") == control}
            variances = {f"{t}_var_points": cost * float(np.var(v, ddof=1)) for t, v in terms.items() if t != "nuclear"}
            spread = cost * float(np.var(np.stack(gradients[control]), axis=0, ddof=1).sum())
            row = {"system": system, "sampler": name, "control": control, "batch": batch, "draws": draws}
            rows.append(row | variances | {"gradient_var_points": spread})
    for row in rows:
        row["gain_total"] = rows[0]["total_var_points"] / row["total_var_points"]
        row["gain_gradient"] = rows[0]["gradient_var_points"] / row["gradient_var_points"]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["H2O/6-31g/2", "C20/6-31g/1"])
    parser.add_argument("--batch", type=int, default=2000, help="points in each of the two batches")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/variance.json"))
    arguments = parser.parse_args()
    rows = [row for system in arguments.systems for row in measure(system, arguments.batch, arguments.draws)]
    print_table(rows, f"variance x points [Ha^2], {arguments.draws} draws")
    store(arguments.out, {"batch": arguments.batch, "draws": arguments.draws}, rows)


if __name__ == "__main__":
    main()
