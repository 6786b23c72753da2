r"""The energies of several systems as one objective, by parameters that they share.

$$L(\theta, \{\eta_m\}) = \sum_m w_m\,E_m(\theta, \eta_m)$$

$\theta$ are the arrays of networks, which mean the same for every system. $\eta_m$ belong to one system: coefficients
of its orbitals, solved for or trained, and what steps remember.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from nnks.ansatz.base import FRAME, BasisAnsatz, ModuleAnsatz
from nnks.averaging import AVERAGE
from nnks.objective.base import COEFFICIENTS, Evaluated
from nnks.objective.problem import Problem
from nnks.quadrature import make_full
from nnks.registry import InputError
from nnks.types import Array, Float, Int, Params, PRNGKey, Scalar, record, static


@record
class Variables:
    """Parameters of several systems.

    Attributes:
        shared: trained for all of them: networks.
        local: of each system, by its place.
    """

    shared: Params
    local: tuple[Params, ...]

    def of(self, index: int) -> Params:
        """The parameters of one system, as its own problem has them."""
        return {**self.shared, **self.local[index]}

    def with_local(self, index: int, params: Params) -> Variables:
        """The same with what belongs to one system replaced by what its problem's parameters say."""
        own = {name: params[name] for name in self.local[index]}
        return Variables(self.shared, (*self.local[:index], own, *self.local[index + 1 :]))


@record
class EvaluatedSystems:
    """What an evaluation of several systems finds.

    Attributes:
        energies: sums over systems with their weights of every term and the total, and each system's total [Ha].
        systems: what was found of each.
    """

    energies: dict[str, Array]
    systems: tuple[Evaluated, ...]

    def remember(self, params: Variables) -> Variables:
        """The parameters with what the next step needs of this one kept in them."""
        for index, system in enumerate(self.systems):
            params = params.with_local(index, system.remember(params.of(index)))
        return params


@record
class Several:
    """The weighted sum of the energies of several systems.

    Attributes:
        problems: one of each system.
        weights: of each.
        labels: by which energies of single systems are reported.
        together: systems that one update of a first-order optimizer sees.
    """

    problems: tuple[Problem, ...]
    weights: Float[Array, " systems"]
    labels: tuple[str, ...] = static()
    together: int = static(default=1)

    @property
    def names(self) -> tuple[str, ...]:
        """`total` and each term, as weighted sums; then the systems."""
        return (*self.problems[0].names, *self.labels)

    @property
    def exact(self) -> bool:
        """Whether every step sees the whole grid of every system."""
        return all(problem.exact for problem in self.problems)

    @property
    def solves(self) -> bool:
        """Whether linear coefficients are solved for, and not trained."""
        return any(problem.solves for problem in self.problems)

    @property
    def resolution(self) -> float:
        """Differences of energies [Ha] that mean nothing, beside rounding."""
        return max(problem.resolution for problem in self.problems)

    def init_params(self, key: PRNGKey) -> Variables:
        """The first system's networks, and what belongs to each.

        Raises:
            InputError: for parameters whose shapes differ between systems, so that they cannot be shared.
        """
        every = [problem.init_params(key) for problem in self.problems]
        own = [local_names(problem) for problem in self.problems]
        shared = [{k: v for k, v in p.items() if k not in names} for p, names in zip(every, own, strict=True)]
        for label, other in zip(self.labels, shared, strict=True):
            _check_shared(self.labels[0], shared[0], label, other)
        local = tuple({k: p[k] for k in names if k in p} for p, names in zip(every, own, strict=True))
        return Variables(shared[0], local)

    def settle(self, params: Variables) -> Variables:
        """The parameters with all linear coefficients that are eliminated solved for."""
        for index, problem in enumerate(self.problems):
            params = params.with_local(index, problem.settle(params.of(index)))
        return params

    def unknown(self, params: Variables) -> EvaluatedSystems:
        """What an evaluation finds before there was one: infinite energies."""
        systems = tuple(problem.unknown(params.of(index)) for index, problem in enumerate(self.problems))
        return EvaluatedSystems(self.summed([system.energies for system in systems]), systems)

    def loss(self, params: Variables, key: PRNGKey, step: Int[Array, ""]) -> tuple[Scalar, EvaluatedSystems]:
        """The weighted sum of totals [Ha], and what was found of each system."""
        systems = tuple(problem.loss(params.of(index), key, step)[1] for index, problem in enumerate(self.problems))
        energies = self.summed([system.energies for system in systems])
        return energies["total"], EvaluatedSystems(energies, systems)

    def summed(self, energies: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """Weighted sums of every term, and each system's total [Ha]."""
        sums = {
            name: sum((w * e[name] for w, e in zip(self.weights, energies, strict=True)), jnp.zeros(()))
            for name in energies[0]
        }
        return sums | {label: e["total"] for label, e in zip(self.labels, energies, strict=True)}

    def followed(self, params: Variables, gradient: Variables) -> Variables:
        """The gradient that an optimizer is given."""
        return gradient

    def slope(self, params: Variables, gradient: Variables) -> Variables:
        """The gradient that vanishes at the minimum."""
        return gradient

    def retract(self, params: Variables) -> Variables:
        """The parameters as they are: no constraint is kept for several systems."""
        return params


T = TypeVar("T", Problem, Several)


def whole(objective: T) -> T:
    """The problem on the full grid, or each of several, whatever batches steps take."""
    if isinstance(objective, Several):
        return dataclasses.replace(objective, problems=tuple(whole(problem) for problem in objective.problems))
    assert isinstance(objective, Problem)
    return objective if objective.exact else dataclasses.replace(objective, sampler=make_full(grid=objective.grid))


def local_names(problem: Problem) -> tuple[str, ...]:
    """Parameters that belong to one system: coefficients, what steps remember, and what the ansatz says (`local`)."""
    ansatz: Any = problem.model.ansatz
    solved = (COEFFICIENTS,) if isinstance(ansatz, BasisAnsatz) else ()
    own = tuple(getattr(ansatz.module, "local", ())) if isinstance(ansatz, ModuleAnsatz) else ()
    return tuple(dict.fromkeys((*solved, *own, AVERAGE, FRAME)))


def _check_shared(first: str, one: Params, label: str, other: Params) -> None:
    def shapes(tree: Params) -> dict[str, tuple[int, ...]]:
        return {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree.leaves_with_path(tree)}

    here, there = shapes(one), shapes(other)
    for name in here.keys() | there.keys():
        if here.get(name) != there.get(name):
            raise InputError(
                f"parameter {name} has the shape {here.get(name)} for {first} and {there.get(name)} for {label}, so "
                "that they cannot share it; name molecules of as many atoms."
            )
