"""What each source of the Gram matrix costs on minibatches: bias of energy and gradient, and error of trained orbitals.

Run:      .venv/bin/python experiments/gram_bias.py [--steps 1024] [--train 600] [--seeds 8]
Cost:     about 12 minutes on two cores

First, orbitals of water in 6-31G are held fixed, away from the minimum, and steps on 1/16 to 1/2 of a level-1 grid
estimate their energy and its gradient (every term by quadrature, uniform batches without replacement). A bias is the
mean difference from the same steps with the exact (analytic) matrix, which has none: its own row, against the full
grid, shows that. Standard errors come from means over blocks of 64 steps, since steps of one epoch, and moving
averages, depend on each other; 512 steps before them are left out. Parameters are preconditioned to a Hessian near one,
so that a biased gradient g moves the trained energy by about g^2/2; the noise's share is taken off the norm of the
bias. Then Adam trains LiH in STO-3G with batches of 1/16 and 1/4, from raw orbitals that are not orthonormal; the table
gives the error of the final energy on the full grid. Writes results/stored/gram/bias.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from nnks import setup
from nnks.config import default_config, override
from nnks.quadrature import make_full
from nnks.runs.evaluation import evaluate
from nnks.testing.toys import noisy
from nnks.tracking import environment
from nnks.tracking.files import write_json
from nnks.training import OPTIMIZERS, begin, iterate

BLOCK, WARM = 64, 512
EXACT: dict[int, tuple[np.ndarray, np.ndarray]] = {}
FRACTIONS = (16, 8, 4, 2)
CHOICES = {
    "analytic": {"gram": "analytic"},
    "batch": {"gram": "batch"},
} | {f"ema {d}": {"gram": "ema", "decay": d} for d in (0.5, 0.9, 0.99)}
"""What is exact (`full` is the same up to the grid's own error), and what is measured against it."""


@functools.cache
def made(*changes: tuple) -> tuple:
    """System and problem of a config with every term by quadrature."""
    base = {
        "quadrature.level": 1,
        "functional.one_electron": "quadrature",
        "functional.hartree": "density_fitting",
        "functional.fitting": "quadrature",
        "evaluation.hartree": "exact",
    }
    system = setup.make_system(override(default_config(), base | dict(changes)))
    return system, setup.make_problem(system)


def make(choice: str, fraction: int, **changes) -> tuple:
    """The same with one choice of the Gram matrix, on batches of a fraction of the grid."""
    grid = made(*changes.items())[0].grid
    sampler = {"sampler.name": "uniform", "sampler.batch_size": grid.size // fraction, "optimizer.name": "adam"}
    system, problem = made(*(changes | sampler).items())
    return system, dataclasses.replace(problem, model=dataclasses.replace(problem.model, **CHOICES[choice]))


@jax.jit(static_argnames="steps")
def estimates(problem, params, key, steps: int):
    """Energies and gradients of consecutive steps at fixed orbitals, with whatever the steps remember."""

    def one(kept, step):
        (total, evaluated), gradient = jax.value_and_grad(problem.loss, has_aux=True)(kept, key, step)
        return evaluated.remember(kept), (total, gradient["rotation"])

    return jax.lax.scan(one, params, jnp.arange(steps))[1]


def full_grid(problem, params) -> tuple[float, np.ndarray]:
    """The energy and its gradient on the grid, orthonormal on it."""
    exact = dataclasses.replace(problem, sampler=make_full(grid=problem.grid))
    total, gradient = jax.jit(jax.value_and_grad(lambda p, x: x.loss(p, jax.random.key(0), jnp.int32(0))[0]))(
        params, exact
    )
    return float(total), np.asarray(gradient["rotation"]).ravel()


def blocks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error, from means over blocks of steps."""
    means = values.reshape(-1, BLOCK, *values.shape[1:]).mean(axis=1)
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(len(means))


def bias(choice: str, fraction: int, steps: int) -> dict:
    """Bias and noise of one choice at fixed orbitals [mHa]."""
    _, problem = make(choice, fraction)
    params = noisy(problem.model.ansatz.init_params(jax.random.key(0)), 5, 0.1)
    start = problem.init_params(jax.random.key(0)) | params
    energy, slope = full_grid(problem, start)
    totals, gradients = (np.asarray(x)[WARM:] for x in estimates(problem, start, jax.random.key(1), steps + WARM))
    gradients = gradients.reshape(steps, -1)
    # the exact matrix makes the same steps without bias: a difference from it is less noisy than one from the grid
    if choice == "analytic":
        EXACT[fraction] = totals, gradients
        base = energy, slope
    else:
        base = EXACT[fraction]
    mean, error = blocks(totals - base[0])
    g, g_error = blocks(gradients - base[1])
    along = slope / np.linalg.norm(slope)
    projected, projected_error = blocks((gradients - base[1]) @ along)
    square, noise = float(g @ g), float(g_error @ g_error)
    return {
        "batch": f"1/{fraction}",
        "gram": choice,
        "energy_bias_mHa": 1e3 * float(mean),
        "energy_error_mHa": 1e3 * float(error),
        "energy_spread_mHa": 1e3 * float(totals.std()),
        "gradient_bias_mHa": 1e3 * float(np.sqrt(max(square - noise, 0.0))),
        "gradient_noise_mHa": 1e3 * float(np.sqrt(noise)),
        "along_gradient_mHa": 1e3 * float(projected),
        "along_error_mHa": 1e3 * float(projected_error),
        "gradient_mHa": 1e3 * float(np.linalg.norm(slope)),
        "gradient_spread_mHa": 1e3 * float(np.sqrt(gradients.var(axis=0).sum())),
    }


def train(choice: str, fraction: int, steps: int, seeds: int) -> dict:
    """Error of LiH's energy on the full grid after training by Adam [mHa]."""
    molecule = {"system.molecule": "LiH", "system.basis": "sto-3g", "ansatz.guess": "random"}
    system, problem = make(choice, fraction, **molecule)
    # four-center integrals, as the final evaluation
    exact = setup.scf_baseline(made(*(molecule | {"functional.hartree": "exact"}).items())[0]).energies["total"]
    section = {"name": "adam", "learning_rate": 3e-2, "schedule": "cosine"}
    optimizer = OPTIMIZERS.build(section, steps=steps)
    step, errors = optimizer.make_step(problem), []
    for seed in range(seeds):
        key = jax.random.key(seed)
        params = problem.init_params(key)
        state = begin(optimizer, problem, params, key)
        for progress in iterate(step, state, until=steps):
            state = progress.state
        errors.append(1e3 * (evaluate(system, problem, state.params).energies["total"] - exact))
    spread = float(np.std(errors, ddof=1) / np.sqrt(seeds)) if seeds > 1 else float("nan")
    return {"batch": f"1/{fraction}", "gram": choice, "error_mHa": float(np.mean(errors)), "standard_error_mHa": spread}


def show(title: str, rows: list[dict]) -> None:
    """A table of rows with the same columns."""
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values()))
    Console(width=220).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1024, help=f"at fixed orbitals; a multiple of {BLOCK}")
    parser.add_argument("--train", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("results/stored/gram/bias.json"))
    arguments = parser.parse_args()
    # larger batches are dearer and less noisy
    runs = [(c, f, arguments.steps if f > 4 else arguments.steps // 2) for f in FRACTIONS for c in CHOICES]
    fixed = [bias(*run) for run in runs]
    show("water / 6-31G, level 1, fixed orbitals", fixed)
    trained = [train(choice, f, arguments.train, arguments.seeds) for f in (16, 4) for choice in CHOICES]
    show(f"LiH / STO-3G, {arguments.train} steps of Adam, {arguments.seeds} seeds", trained)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    settings = {"steps": arguments.steps, "train": arguments.train, "seeds": arguments.seeds, "block": BLOCK}
    write_json(arguments.out, {"settings": settings, "fixed": fixed, "trained": trained, "environment": environment()})


if __name__ == "__main__":
    main()
