r"""Arrays of several systems, padded to common sizes, so that systems share compiled programs.

A program is compiled for shapes: one for each molecule would take longer than to train on it. Points of no weight,
atoms of no charge and without functions, fitting functions without a potential and orbitals without electrons change no
energy. Systems are sorted into classes by the number of their atoms of each kind, rounded up on a ladder; within a
class every other size is the largest that occurs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from nnks.ansatz.base import ModuleAnsatz
from nnks.basis.gaussian import GaussianBasis
from nnks.basis.learned import Placement
from nnks.functional import Functional
from nnks.objective.base import COEFFICIENTS
from nnks.objective.problem import Problem
from nnks.quadrature import make_full
from nnks.sizes import Sizes, far_away
from nnks.types import Params

LADDER = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)
"""Numbers of atoms of one kind."""


@dataclasses.dataclass(frozen=True)
class Padded:
    """A system in the sizes of its class.

    Attributes:
        problem: what is compiled for.
        functions: of the system among those of the class; None where nothing was padded.
        orbitals: of the system.
        shape: of the class's coefficients.
    """

    problem: Problem
    functions: np.ndarray | None = None
    orbitals: int = 0
    shape: tuple[int, ...] = ()

    def pad(self, params: Params) -> Params:
        """The system's parameters as those of the class."""
        if self.functions is None:
            return params
        own = np.asarray(params[COEFFICIENTS])
        filled = np.zeros(self.shape, own.dtype)
        filled[:, self.functions, : self.orbitals] = own
        return {**params, COEFFICIENTS: jax.device_put(filled)}

    def cut(self, params: Params) -> Params:
        """The class's parameters, or a gradient by them, as those of the system."""
        if self.functions is None:
            return params
        own = np.asarray(params[COEFFICIENTS])[:, self.functions, : self.orbitals]
        return {**params, COEFFICIENTS: jax.device_put(own)}


def padded(problems: Sequence[Problem]) -> tuple[Padded, ...]:
    """Every system in the sizes of its class, or as it is where something of it cannot be padded."""
    classes: dict[Any, list[int]] = {}
    for index, problem in enumerate(problems):
        if (counts := _atoms(problem)) is not None:
            classes.setdefault((counts, len(problem.model.occupations)), []).append(index)
    result = [Padded(problem) for problem in problems]
    for (counts, _), members in classes.items():
        sizes = _largest([problems[index] for index in members], counts)
        for index in members:
            result[index] = _padded(problems[index], sizes)
    return tuple(result)


def _atoms(problem: Problem) -> tuple[int, ...] | None:
    """Atoms of each kind on the ladder; None for a system with something that cannot be padded."""
    ansatz, terms = problem.model.ansatz, problem.functional.terms
    if not (isinstance(ansatz, ModuleAnsatz) and ansatz.start.placement is not None and problem.exact):
        return None
    if problem.constraint is not None or problem.model.table is not None or problem.model.gram != "batch":
        return None
    if not all(hasattr(term, "padded") or not jax.tree.leaves(term) for term in terms):
        return None
    counts = [len(atoms) for atoms in ansatz.start.placement.atoms]
    return tuple(next((step for step in LADDER if step >= n), n) for n in counts)


def _largest(problems: Sequence[Problem], counts: tuple[int, ...]) -> Sizes:
    """The sizes of a class."""
    auxiliary = [getattr(term, "fitting_functions", 0) for each in problems for term in each.functional.terms]
    return Sizes(
        points=max(each.grid.size for each in problems),
        atoms=sum(counts),
        auxiliary=max(auxiliary),
        orbitals=max(each.model.occupations.shape[1] for each in problems),
        kinds=counts,
    )


def _padded(problem: Problem, sizes: Sizes) -> Padded:
    model, ansatz = problem.model, problem.model.ansatz
    assert isinstance(ansatz, ModuleAnsatz)
    assert ansatz.start.placement is not None
    spins, n = model.occupations.shape
    occupations = np.pad(np.asarray(model.occupations), ((0, 0), (0, sizes.orbitals - n)))
    grid = problem.grid.padded(sizes.points)
    filled = dataclasses.replace(
        model,
        ansatz=dataclasses.replace(ansatz, start=_start(ansatz.start, sizes)),
        occupations=jax.device_put(occupations),
        nocc=(sizes.orbitals,) * spins,
        filled=False,
    )
    every: Any = problem.functional.terms
    terms = tuple(term.padded(sizes) if jax.tree.leaves(term) else term for term in every)
    projection = problem.projection
    if projection is not None:
        projection = dataclasses.replace(projection, occupations=filled.occupations)
    whole = Problem(filled, Functional(terms), make_full(grid=grid), grid, projection)
    shape = spins, _functions(sizes, ansatz.start), sizes.orbitals
    return Padded(whole, _own_functions(problem, sizes), n, shape)


def _start(start: Any, sizes: Sizes) -> Any:
    """What a module's functions need of the start: places of atoms, and nothing of the guess."""
    placement, centers = start.placement, np.asarray(start.basis.centers)
    natoms, ghosts, atoms = len(centers), len(centers), []
    for own, count in zip(placement.atoms, sizes.kinds, strict=True):
        more = count - len(own)
        atoms.append(np.concatenate([np.asarray(own), ghosts + np.arange(more)]))
        ghosts += more
    assert ghosts == sizes.atoms
    more = sizes.atoms - natoms
    element = np.pad(np.asarray(placement.element), (0, more))
    present = np.pad(np.asarray(placement.present), (0, more))
    centers = np.concatenate([centers, far_away(more)])
    placed = Placement(*jax.device_put((element, present, tuple(atoms))))
    empty = jax.device_put(np.zeros((len(start.frame), 0, 0)))
    basis = GaussianBasis(*jax.device_put((centers, (), np.zeros(0, int))))
    charges = jax.device_put(np.zeros(0))
    return dataclasses.replace(
        start, basis=basis, frame=empty, coordinates=empty, scale=empty, charges=charges, placement=placed
    )


def _own_functions(problem: Problem, sizes: Sizes) -> np.ndarray:
    """Where the functions of a system are among those of its class: kind by kind, atom by atom."""
    start: Any = problem.model.ansatz.start  # pyright: ignore[reportAttributeAccessIssue]
    learned, functions, offset = start.learned, [], 0
    for kind, own, count in zip(learned.kinds, start.placement.atoms, sizes.kinds, strict=True):
        size = learned.layouts[kind[0]].size
        functions.append(offset + np.arange(len(own) * size))
        offset += count * size
    return np.concatenate(functions)


def _functions(sizes: Sizes, start: Any) -> int:
    """Functions of a class."""
    learned = start.learned
    return sum(n * learned.layouts[kind[0]].size for kind, n in zip(learned.kinds, sizes.kinds, strict=True))
