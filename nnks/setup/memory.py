"""What a run holds in memory, from its shapes, and a refusal of what no machine like this one can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from nnks.blocks import BasisBlocks
from nnks.objective import Problem
from nnks.registry import InputError
from nnks.setup.system import System, total_memory
from nnks.training.state import count_parameters
from nnks.types import Params

COPIES = 3
"""Of the parameters, at least: themselves, their gradient, and the step."""

ORBITALS = 2
"""Arrays of orbitals at points that a step holds at least: raw ones, and orthonormal ones."""


def held(system: System, problem: Problem, params: Params, state: Any = None) -> dict[str, float]:
    """Bytes by what they hold: never more than a run takes, but for tables, which are bounded from above.

    Args:
        system: of the run.
        problem: what is minimized.
        params: the parameters' shapes.
        state: the shapes of the optimizer's state, where it may be large.
    """
    model, sampler = problem.model, problem.sampler
    points = system.grid.size if sampler.exact else 2 * sampler.size
    scalars = (1 + 3 * model.order) * points
    parts = {
        "parameters": 8.0 * COPIES * count_parameters(params),
        "the optimizer's state": _bytes(state),
        "integrals and potentials": _bytes(problem.functional),
    }
    if isinstance(model.table, BasisBlocks):
        table = model.table.table_bytes
        return parts | {"the basis on the grid": float(table) if table <= system.memory else 0.0}
    orbitals = {"orbitals at the points of a step": 8.0 * ORBITALS * scalars * system.occupations.size}
    return parts | {"the basis on the grid": _bytes(model.table)} | orbitals


def needed(parts: Mapping[str, float]) -> str:
    """The sum of what is held, and its largest part."""
    largest = max(parts, key=lambda name: parts[name])
    return f"about {1e-9 * sum(parts.values()):.3g} GB, most of it for {largest}"


def check_memory(system: System, parts: Mapping[str, float]) -> None:
    """Refuses a run that holds more than there is.

    Raises:
        InputError: with what takes most.
    """
    memory = total_memory()
    if sum(parts.values()) <= memory:
        return
    advice = {
        "parameters": "use a smaller ansatz",
        "the optimizer's state": "use another optimizer, such as optimizer.name='adam', or a smaller ansatz",
        "integrals and potentials": "use a smaller system.basis, or a smaller quadrature.memory",
        "the basis on the grid": "use a smaller quadrature.memory or quadrature.level",
        "orbitals at the points of a step": "use a smaller quadrature.level, "
        "or minibatches such as sampler.name='uniform'",
    }
    largest = max(parts, key=lambda name: parts[name])
    raise InputError(
        f"a run of {system.molecule.formula} by ansatz '{system.config.ansatz.name}' holds "
        f"{1e-9 * sum(parts.values()):.3g} GB, {1e-9 * parts[largest]:.3g} GB of them for {largest}, and this machine "
        f"has {1e-9 * memory:.3g} GB; {advice[largest]}."
    )


def _bytes(tree: Any) -> float:
    return float(sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree)))
