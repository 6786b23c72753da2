"""What is minimized and how: orbitals, functional, batches and optimizer of a config."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.ansatz import ANSATZE, make_ansatz
from nnks.blocks import BasisBlocks
from nnks.build.functional import make_functional
from nnks.build.orthogonal import make_constraint, make_layer, rotate
from nnks.build.start import guess_orbitals, make_start
from nnks.build.system import System
from nnks.config import ConfigDict
from nnks.interop import pyscf as interop
from nnks.orbitals import OrbitalModel
from nnks.orthogonalize import check_weights
from nnks.quadrature import Grid, make_sampler
from nnks.registry import InputError, suggest
from nnks.training import OPTIMIZERS, Controlled, FirstOrder, Optimizer, Prepares, Problem
from nnks.training.elimination import Elimination
from nnks.training.held_out import Guard, HeldOut
from nnks.types import cast

TABLES = 8
"""Arrays of points times functions that solving for coefficients holds at once: four of the basis, as many copies."""

FINEST_LEVEL = 9
"""Of PySCF's grids."""

PRECISIONS = ("float64", "mixed", "float32")

RESOLVED = 1e-7, 5e-5
"""The least changes of an energy [Ha] and norms of a gradient that orbitals evaluated in float32 show (measured: water)."""


def make_problem(system: System) -> Problem:
    """What the run minimizes, in float64.

    Raises:
        InputError: for anything in the config that does not fit.
    """
    config = system.config
    f = config.functional
    functional = make_functional(
        system, system.grid, hartree=f.hartree, auxiliary=f.auxiliary, gaussian=system.gaussian
    )
    module = ANSATZE.build(config.ansatz.to_dict())
    density = None
    if config.sampler.name in ("importance", "stratified"):
        density = blocks.density(system.blocks(system.grid, 0), *guess_orbitals(system, "minao")).total
    sampler = make_sampler(config.sampler.to_dict(), system.grid, density)
    ansatz = rotate(system, make_ansatz(module, make_start(system, module.guess)))
    model = make_model(system, ansatz, system.grid, functional.order, exact=sampler.exact)
    if (config.training.devices or 1) > 1 and not isinstance(model.table, BasisBlocks):
        raise InputError(
            f"training.devices is {config.training.devices}, and only Gaussian orbitals on the full grid with an analytic Gram matrix are "
            f"spread over devices; leave it at None for ansatz '{config.ansatz.name}', sampler '{config.sampler.name}'."
        )
    if model.gram == "ema" and sampler.exact:
        raise InputError(
            f"orthogonalizer.gram='ema' averages over minibatches, and sampler '{config.sampler.name}' takes the whole grid at "
            "every step; use orthogonalizer.gram='batch', which is exact there, or sampler.name='uniform'."
        )
    elimination = make_elimination(system, module, ansatz, sampler.exact)
    constraint = make_constraint(system, solved=elimination is not None)
    return Problem(model, functional, sampler, system.grid, elimination, constraint)


def make_elimination(system: System, module: Any, ansatz: Any, exact: bool) -> Elimination | None:
    """How linear coefficients are solved for, or None if the ansatz trains them.

    Raises:
        InputError: for coefficients solved on minibatches, whose noise the solution would follow.
    """
    linear = getattr(module, "linear", "trained")
    if linear == "solved" and not exact:
        raise InputError(
            f"ansatz.linear='solved' needs the full grid, and sampler '{system.config.sampler.name}' draws minibatches; use "
            "ansatz.linear='trained', or sampler.name='full'."
        )
    if not (linear == "solved" or (linear == "auto" and exact)):
        return None
    if system.config.training.precision == "float32":
        raise InputError(
            "training.precision='float32' cannot solve for linear coefficients, whose nearly dependent functions it does not "
            "resolve; use training.precision='mixed', or ansatz.linear='trained'."
        )
    _check_table(system, ansatz)
    return Elimination(system.occupations)


def _check_table(system: System, ansatz: Any) -> None:
    """Refuses a learned basis whose table on the grid would not fit into memory."""
    key, point = jax.random.key(0), jax.ShapeDtypeStruct((3,), jnp.float64)
    (functions,) = jax.eval_shape(lambda k, r: ansatz.functions(ansatz.init_params(k), r), key, point).shape
    needed = TABLES * 8.0 * functions * system.grid.size
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if needed > memory:
        raise InputError(
            f"ansatz '{system.config.ansatz.name}' tabulates {functions} functions on {system.grid.size} points, which needs "
            f"about {1e-9 * needed:.0f} GB and this machine has {1e-9 * memory:.0f} GB; use a smaller ansatz.width or "
            "quadrature.level, or ansatz.linear='trained'."
        )


def make_model(system: System, ansatz: Any, grid: Grid, order: int, *, exact: bool) -> OrbitalModel:
    """The orbital layer of an ansatz on a grid, which every step takes as a whole (`exact`) or in batches."""
    layer = make_layer(system)
    gram, orthogonalizer = layer.gram, layer.orthogonalizer
    if gram not in ("analytic", "ema"):
        check_weights(orthogonalizer, grid.weights)
    table = None
    if system.gaussian:
        table = system.blocks(grid, order) if exact and gram == "analytic" else system.table(grid, order)
    return OrbitalModel(
        ansatz=ansatz,
        orthogonalizer=orthogonalizer,
        occupations=system.occupations,
        table=table,
        grid=grid.quadrature() if gram == "full" else None,
        counts=system.counts,
        order=order,
        gram=gram,
        decay=layer.decay,
    )


def make_optimizer(config: ConfigDict, problem: Problem) -> Optimizer:
    """The optimizer of a config.

    Raises:
        InputError: for a bad learning rate or schedule, a full-grid method with a minibatch sampler, or a line search with
            averaged Gram matrices.
    """
    optimizer = OPTIMIZERS.build(config.optimizer.to_dict(), steps=config.training.steps)
    if not (problem.sampler.exact or optimizer.minibatch):
        raise InputError(
            f"optimizer '{config.optimizer.name}' needs the same energy at every evaluation, and sampler "
            f"'{config.sampler.name}' draws a new batch each step; use sampler.name='full', or optimizer.name='adam'."
        )
    if problem.constraint is not None and not isinstance(optimizer, FirstOrder):
        raise InputError(
            f"orthogonalizer.constraint='{problem.constraint.kind}' is kept by steps of first-order optimizers, and '{config.optimizer.name}' "
            "is none; use optimizer.name='adam', or orthogonalizer.constraint='reparameterize'."
        )
    if config.training.control_steps:
        optimizer = controlled(config, optimizer)
    if isinstance(optimizer, Prepares):
        optimizer.check(problem)
    # an average of earlier steps has the derivative of the batch's matrix, but not its value at other parameters
    if problem.model.gram == "ema" and getattr(optimizer, "line_search", False):
        raise InputError(
            f"optimizer '{config.optimizer.name}' compares energies along a line, which orthogonalizer.gram='ema' does not give; "
            "use orthogonalizer.gram='full' or 'batch', or optimizer.name='adam'."
        )
    return optimizer


def controlled(config: ConfigDict, optimizer: Optimizer) -> Controlled:
    """A first-order optimizer with a control variate.

    Raises:
        InputError: for another optimizer, or a number of steps that is none.
    """
    every = config.training.control_steps
    if every < 0:
        raise InputError(f"training.control_steps is {every}; it must be a positive number such as 100, or 0 for none.")
    if not isinstance(optimizer, FirstOrder):
        raise InputError(
            f"training.control_steps is {every}, and optimizer '{config.optimizer.name}' is none of optax's; use "
            "optimizer.name='adam', or training.control_steps=0."
        )
    return Controlled(optimizer, every)


def make_guard(system: System, problem: Problem, optimizer: Optimizer) -> Guard | None:
    """The second grid that tells when training fits the first, one level finer; None for Gaussian orbitals and minibatches."""
    config = system.config
    every, level = config.training.held_out_steps, config.quadrature.level + 1
    if every is None:
        every = 0 if system.gaussian or level > FINEST_LEVEL or problem.constraint is not None else 1
    if every and problem.constraint is not None:
        raise InputError(
            f"training.held_out_steps is {every}, and energies of orbitals that are not orthonormal (orthogonalizer.constraint="
            f"'{problem.constraint.kind}') say nothing on a second grid; use training.held_out_steps=0."
        )
    if not every or not problem.sampler.exact:
        if config.training.held_out_steps:
            raise InputError(
                f"training.held_out_steps is {every}, and sampler '{config.sampler.name}' draws minibatches, whose energies no second "
                "grid can be compared with; use sampler.name='full', or training.held_out_steps=0."
            )
        return None
    if level > FINEST_LEVEL:
        raise InputError(
            f"training.held_out_steps is {every}, and no grid is finer than quadrature.level={config.quadrature.level}; use a level "
            "below it, or training.held_out_steps=0."
        )
    f, gaussian = config.functional, system.gaussian
    grid = interop.becke_grid(system.mole, level, config.quadrature.pruning or None)
    functional = make_functional(system, grid, hartree=f.hartree, auxiliary=f.auxiliary, gaussian=gaussian)
    model = make_model(system, problem.model.ansatz, grid, functional.order, exact=True)
    return Guard(HeldOut(model, functional, grid.quadrature()), every, optimizer.reports_end)


def in_precision(problem: Problem, precision: str) -> Problem:
    """The problem as `training.precision` wants it: all of it cast, or (`mixed`) only what is evaluated point by point.

    `mixed` evaluates an ansatz, or contracts a table of Gaussians, in float32; sums over points, matrices of orbitals and
    energies stay in float64, and so do the parameters.
    """
    if precision != "mixed":
        return cast(problem, jnp.dtype(precision))
    model, elimination = problem.model, problem.elimination
    table = model.table
    table = table.in_precision("float32") if isinstance(table, BasisBlocks) else cast(table, jnp.float32)
    model = dataclasses.replace(model, table=table, evaluation="float32")
    if elimination is not None:
        elimination = dataclasses.replace(elimination, evaluation="float32")
    return dataclasses.replace(problem, model=model, elimination=elimination)


def tolerances(config: ConfigDict) -> tuple[float, float]:
    """What ends a run, of the energy's change [Ha] and of its gradient's norm: as configured, or as float32 resolves."""
    t = config.training
    least = (0.0, 0.0) if t.precision == "float64" else RESOLVED
    return max(t.energy_tolerance, least[0]), max(t.gradient_tolerance, least[1])


def run_key(config: ConfigDict) -> jax.Array:
    """The run's random key."""
    return jax.random.key(config.training.seed)


def check_training(config: ConfigDict) -> None:
    """Refuses numbers that no training can use.

    Raises:
        InputError: in one sentence.
    """
    t = config.training
    if t.precision not in PRECISIONS:
        raise InputError(f"training.precision is '{t.precision}'; choose float64, mixed or float32.")
    for key, least in (("steps", 1), ("checkpoint_steps", 0), ("seed", 0)):
        if t[key] < least:
            raise InputError(f"training.{key} is {t[key]}; it must be at least {least}.")
    if t.seconds is not None and not t.seconds > 0:
        raise InputError(f"training.seconds is {t.seconds}; it must be positive, or None for no limit.")
    if t.devices is not None and not 1 <= t.devices <= jax.device_count():
        raise InputError(
            f"training.devices is {t.devices}, and JAX sees {jax.device_count()} ({jax.default_backend()}); choose 1 to "
            f"{jax.device_count()}, or None for all."
        )
    if t.held_out_steps is not None and t.held_out_steps < 0:
        raise InputError(
            f"training.held_out_steps is {t.held_out_steps}; it must be positive, or 0 for no second grid."
        )
    for key in ("energy_tolerance", "gradient_tolerance"):
        if not t[key] >= 0:
            raise InputError(f"training.{key} is {t[key]}; it must be zero or positive, such as 1e-6.")
    if config.tracking.log_steps < 1:
        raise InputError(f"tracking.log_steps is {config.tracking.log_steps}; it must be at least 1.")
    if config.tracking.wandb not in ("offline", "online", "disabled"):
        raise InputError(
            f"tracking.wandb is '{config.tracking.wandb}'; {suggest(config.tracking.wandb, ['offline', 'online', 'disabled'])}."
        )
