"""What is minimized: orbitals, functional and batches of a config."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from nnks import blocks
from nnks.ansatz import ANSATZE, LCGTO, LearnedBasisOrbitals, check_ansatz, check_module, make_ansatz
from nnks.blocks import BasisBlocks
from nnks.objective import Problem, Several
from nnks.objective.variable_projection import VariableProjection
from nnks.orbitals import OrbitalModel
from nnks.orthogonalize import check_weights
from nnks.quadrature import Grid, Sampler, make_sampler
from nnks.registry import InputError
from nnks.setup.functional import make_functional
from nnks.setup.learned import check_elements, learned_set
from nnks.setup.orthogonal import make_constraint, make_layer, rotate
from nnks.setup.outline import Outline
from nnks.setup.own import check_sampler
from nnks.setup.start import guess_orbitals, make_start
from nnks.setup.system import System, total_memory
from nnks.traces import is_own
from nnks.types import cast

T = TypeVar("T", Problem, Several)

TABLES = 8
"""Arrays of points times functions that solving for coefficients holds at once: four of the basis, as many copies."""


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
    check_module(config.ansatz.name, module)
    if system.learned is not None:
        module = LCGTO(module.guess)
    sampler = _sampler(system)
    check_sampler(config.sampler.name, sampler)
    start = make_start(system, module.guess)
    if isinstance(module, LearnedBasisOrbitals):
        learned = learned_set(config)
        check_elements(learned, system.molecule.symbols, system.molecule.name)
        start = dataclasses.replace(start, learned=learned, placement=learned.placement(system.molecule.symbols))
    plain = make_ansatz(module, start)
    if is_own(module):
        check_ansatz(config.ansatz.name, plain)
    ansatz = rotate(system, plain)
    model = make_model(system, ansatz, system.grid, functional.order, exact=sampler.exact)
    if (config.training.devices or 1) > 1 and not isinstance(model.table, BasisBlocks):
        raise InputError(
            f"training.devices is {config.training.devices}, and only Gaussian orbitals on the full grid with an "
            f"analytic Gram matrix are spread over devices; leave it at None for ansatz '{config.ansatz.name}', "
            f"sampler '{config.sampler.name}'."
        )
    if model.gram == "ema" and sampler.exact:
        raise InputError(
            f"orthogonalizer.gram='ema' averages over minibatches, and sampler '{config.sampler.name}' takes the whole "
            "grid at every step; use orthogonalizer.gram='batch', which is exact there, or sampler.name='uniform'."
        )
    projection = make_projection(system, module, ansatz, sampler.exact)
    constraint = make_constraint(system, solved=projection is not None)
    return Problem(model, functional, sampler, system.grid, projection, constraint)


def _sampler(system: System) -> Sampler:
    """The config's sampler, told of the guess's density where it draws by one."""
    section, density = system.config.sampler.to_dict(), None
    if isinstance(system, Outline):
        return system.sampler(section)
    if section["name"] in ("importance", "stratified"):
        density = blocks.density(system.blocks(system.grid, 0), *guess_orbitals(system, "minao")).total
    return make_sampler(section, system.grid, density)


def make_projection(system: System, module: Any, ansatz: Any, exact: bool) -> VariableProjection | None:
    """How linear coefficients are solved for, or None if the ansatz trains them.

    Raises:
        InputError: for coefficients solved on minibatches, whose noise the solution would follow.
    """
    linear = getattr(module, "linear", "trained")
    if linear == "solved" and not exact:
        raise InputError(
            f"ansatz.linear='solved' needs the full grid, and sampler '{system.config.sampler.name}' draws "
            "minibatches; use ansatz.linear='trained', or sampler.name='full'."
        )
    if not (linear == "solved" or (linear == "auto" and exact)):
        return None
    if system.config.training.precision == "float32":
        raise InputError(
            "training.precision='float32' cannot solve for linear coefficients, whose nearly dependent functions it "
            "does not resolve; use training.precision='mixed', or ansatz.linear='trained'."
        )
    _check_table(system, ansatz)
    return VariableProjection(system.occupations)


def _check_table(system: System, ansatz: Any) -> None:
    """Refuses a learned basis whose table on the grid would not fit into memory."""
    key, point = jax.random.key(0), jax.ShapeDtypeStruct((3,), jnp.float64)
    (functions,) = jax.eval_shape(lambda k, r: ansatz.functions(ansatz.init_params(k), r), key, point).shape
    needed = TABLES * 8.0 * functions * system.grid.size
    if needed > (memory := total_memory()):
        raise InputError(
            f"ansatz '{system.config.ansatz.name}' tabulates {functions} functions on {system.grid.size} points, which "
            f"needs about {1e-9 * needed:.0f} GB and this machine has {1e-9 * memory:.0f} GB; use a smaller "
            "ansatz.width or quadrature.level, or ansatz.linear='trained'."
        )


def make_model(system: System, ansatz: Any, grid: Grid, order: int, *, exact: bool) -> OrbitalModel:
    """The orbital layer of an ansatz on a grid, which every step takes as a whole (`exact`) or in batches."""
    layer = make_layer(system)
    gram, orthogonalizer = layer.gram, layer.orthogonalizer
    if gram not in ("analytic", "ema"):
        check_weights(orthogonalizer, grid.weights)
    table = None
    if system.fixed:
        table = system.blocks(grid, order) if exact and gram == "analytic" else system.table(grid, order)
    return OrbitalModel(
        ansatz=ansatz,
        orthogonalizer=orthogonalizer,
        occupations=system.occupations,
        table=table,
        grid=grid.quadrature() if gram == "full" else None,
        nocc=system.nocc,
        order=order,
        gram=gram,
        decay=layer.decay,
    )


def in_precision(problem: T, precision: str) -> T:
    """The problem, or each of several, as `training.precision` wants it.

    All of it is cast, or (`mixed`) only what is evaluated point by point.

    `mixed` evaluates an ansatz, or contracts a table of Gaussians, in float32; sums over points, matrices of orbitals
    and energies stay in float64, and so do the parameters.
    """
    if precision != "mixed":
        return cast(problem, jnp.dtype(precision))
    if isinstance(problem, Several):
        each = tuple(in_precision(one, precision) for one in problem.problems)
        return dataclasses.replace(problem, problems=each)
    assert isinstance(problem, Problem)
    model, projection = problem.model, problem.projection
    table = model.table
    table = table.in_precision("float32") if isinstance(table, BasisBlocks) else cast(table, jnp.float32)
    model = dataclasses.replace(model, table=table, evaluation="float32")
    if projection is not None:
        projection = dataclasses.replace(projection, evaluation="float32")
    return dataclasses.replace(problem, model=model, projection=projection)
