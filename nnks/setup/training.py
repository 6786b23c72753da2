"""How it is minimized: optimizer, second grid, and the numbers of a training."""

from __future__ import annotations

import jax

from nnks.config import ConfigDict, check
from nnks.interop import coulomb
from nnks.objective import Problem, Several
from nnks.registry import InputError
from nnks.setup.functional import make_functional
from nnks.setup.outline import Outline
from nnks.setup.own import check_optimizer
from nnks.setup.problem import make_model
from nnks.setup.system import System
from nnks.training import OPTIMIZERS, Controlled, FirstOrder, Optimizer, Prepares
from nnks.training.passes import updates_of
from nnks.training.validation import EarlyStopping, ValidationEnergy

FINEST_LEVEL = 9
"""Of PySCF's grids."""

HELD_OUT_TURN = 4
"""How often the held-out grid is turned: those of the final energy are by 1 to 3."""

RESOLVED = 1e-7, 5e-5
"""The least changes of an energy [Ha] and norms of a gradient that orbitals evaluated in float32 show (measured:
water)."""


def make_optimizer(config: ConfigDict, objective: Problem | Several) -> Optimizer:
    """The optimizer of a config.

    Args:
        config: of the run.
        objective: the energy of one system, or of several.

    Raises:
        InputError: for a bad learning rate or schedule, a full-grid method with a minibatch sampler, or a line search
            with averaged Gram matrices.
    """
    steps = config.training.steps * updates_of(objective)
    optimizer = OPTIMIZERS.build(config.optimizer.to_dict(), steps=steps)
    check_optimizer(config.optimizer.name, optimizer)
    if isinstance(objective, Several):
        _check_several(config, optimizer, objective)
    problem = objective.problems[0] if isinstance(objective, Several) else objective
    if not (problem.sampler.exact or optimizer.minibatch):
        raise InputError(
            f"optimizer '{config.optimizer.name}' needs the same energy at every evaluation, and sampler "
            f"'{config.sampler.name}' draws a new batch each step; use sampler.name='full', or optimizer.name='adam'."
        )
    if problem.constraint is not None and not isinstance(optimizer, FirstOrder):
        raise InputError(
            f"orthogonalizer.constraint='{problem.constraint.kind}' is kept by steps of first-order optimizers, and "
            f"'{config.optimizer.name}' is none; use optimizer.name='adam', or "
            "orthogonalizer.constraint='reparameterize'."
        )
    if config.training.control_steps:
        optimizer = controlled(config, optimizer)
    if isinstance(optimizer, Prepares):
        optimizer.check(problem)
    # an average of earlier steps has the derivative of the batch's matrix, but not its value at other parameters
    if problem.model.gram == "ema" and getattr(optimizer, "line_search", False):
        raise InputError(
            f"optimizer '{config.optimizer.name}' compares energies along a line, which orthogonalizer.gram='ema' does "
            "not give; use orthogonalizer.gram='full' or 'batch', or optimizer.name='adam'."
        )
    return optimizer


def _check_several(config: ConfigDict, optimizer: Optimizer, objective: Several) -> None:
    """Refuses an optimizer that works with the orbitals of one system."""
    if config.training.control_steps:
        raise InputError(
            f"training.control_steps is {config.training.control_steps}, and a control variate is kept for one "
            "molecule, where system.molecules names several; use training.control_steps=0."
        )
    if not getattr(optimizer, "several", False):
        raise InputError(
            f"optimizer '{config.optimizer.name}' works with the orbitals of one molecule, and system.molecules names "
            f"{len(objective.problems)}; use optimizer.name='adam' or 'lbfgs'."
        )
    if objective.together < len(objective.problems) and not isinstance(optimizer, FirstOrder):
        raise InputError(
            f"training.molecules is {objective.together}, and optimizer '{config.optimizer.name}' needs the same "
            "energy at every evaluation; use training.molecules=None, or optimizer.name='adam'."
        )


def controlled(config: ConfigDict, optimizer: Optimizer) -> Controlled:
    """A first-order optimizer with a control variate.

    Raises:
        InputError: for another optimizer.
    """
    every = config.training.control_steps
    if not isinstance(optimizer, FirstOrder):
        raise InputError(
            f"training.control_steps is {every}, and optimizer '{config.optimizer.name}' is none of optax's; use "
            "optimizer.name='adam', or training.control_steps=0."
        )
    return Controlled(optimizer, every)


def make_early_stopping(system: System, problem: Problem, optimizer: Optimizer) -> EarlyStopping | None:
    """The second grid that tells when training fits the first, one level finer and turned.

    None for Gaussian orbitals and minibatches.
    """
    config = system.config
    every, level = config.training.held_out_steps, config.quadrature.level + 1
    if every is None:
        every = 0 if system.fixed or level > FINEST_LEVEL or problem.constraint is not None else 1
    if every and problem.constraint is not None:
        raise InputError(
            f"training.held_out_steps is {every}, and energies of orbitals that are not orthonormal "
            f"(orthogonalizer.constraint='{problem.constraint.kind}') say nothing on a second grid; use "
            "training.held_out_steps=0."
        )
    if not every or not problem.sampler.exact:
        if config.training.held_out_steps:
            raise InputError(
                f"training.held_out_steps is {every}, and sampler '{config.sampler.name}' draws minibatches, whose "
                "energies no second grid can be compared with; use sampler.name='full', or training.held_out_steps=0."
            )
        return None
    if level > FINEST_LEVEL:
        raise InputError(
            f"training.held_out_steps is {every}, and no grid is finer than "
            f"quadrature.level={config.quadrature.level}; use a level below it, or training.held_out_steps=0."
        )
    f, gaussian = config.functional, system.gaussian
    if isinstance(system, Outline) and not problem.model.orthogonalizer.positive:
        grid = system.grid  # nothing depends on the points of the second grid but signs of its weights
    else:
        # PySCF's grids of all levels have the same directions, and orbitals that have learned them would pass
        grid = system.make_grid(system.mole, level, config.quadrature.pruning or None, turn=HELD_OUT_TURN)
    functional = make_functional(system, grid, hartree=f.hartree, auxiliary=f.auxiliary, gaussian=gaussian)
    model = make_model(system, problem.model.ansatz, grid, functional.order, exact=True)
    return EarlyStopping(ValidationEnergy(model, functional, grid.quadrature()), every, optimizer.reports_end)


def tolerances(config: ConfigDict) -> tuple[float, float]:
    """What ends a run, of the energy's change [Ha] and the gradient's norm: as configured, or as float32 resolves."""
    t = config.training
    least = (0.0, 0.0) if t.precision == "float64" else RESOLVED
    return max(t.energy_tolerance, least[0]), max(t.gradient_tolerance, least[1])


def run_key(config: ConfigDict) -> jax.Array:
    """The run's random key."""
    return jax.random.key(config.training.seed)


def check_training(config: ConfigDict) -> None:
    """Refuses values that their keys do not take, and more devices than there are.

    Raises:
        InputError: in one sentence.
    """
    check(config)
    devices = config.training.devices
    if devices is not None and devices > jax.device_count():
        raise InputError(
            f"config.training.devices is {devices}, and JAX sees {jax.device_count()} ({jax.default_backend()}); "
            f"choose 1 to {jax.device_count()}, or None for all."
        )


def check_sets(system: System) -> None:
    """Refuses fitting sets that do not exist, whether or not the Hartree energy is fitted.

    Raises:
        InputError: in one sentence.
    """
    for key in ("functional", "evaluation"):
        name = system.config[key].auxiliary
        if name not in ("auto", "even_tempered"):
            coulomb.auxiliary_mole(system.mole, name, f"{key}.auxiliary")
