"""Runs of several molecules, whose networks share their parameters: outlined, built, trained, evaluated one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from nnks import setup
from nnks.ansatz import ANSATZE
from nnks.config import ConfigDict, resolved, to_dict
from nnks.interop.reference import Follow, untold
from nnks.objective import Several, settled
from nnks.runs.evaluation import Evaluation, evaluate
from nnks.runs.experiment import Run
from nnks.runs.plan import Plan, Sketch, meaning, plan, sketch
from nnks.runs.references import find_references
from nnks.runs.summary import compared, evaluated
from nnks.setup.memory import check_memory, needed
from nnks.tracking import config_hash
from nnks.tracking.progress import BUILDING, EVALUATION
from nnks.tracking.record import DOUBTS, MOLECULES, VIOLATIONS
from nnks.training.state import TrainState, count_parameters


@dataclasses.dataclass(frozen=True)
class SketchOfSeveral:
    """What a config of several molecules asks for.

    Attributes:
        config: every key of it.
        labels: of the molecules.
        members: the sketch of each.
        unseen: the sketches of molecules that no update sees.
        params: the parameters' shapes.
        held: bytes of memory, by what they hold, of all.
    """

    config: ConfigDict
    labels: tuple[str, ...]
    members: tuple[Sketch, ...]
    unseen: tuple[Sketch, ...]
    params: Any
    held: dict[str, float]

    def describe(self) -> dict[str, str]:
        """What would run, for `--dry-run`."""
        config, together = self.config, self.config.training.molecules
        shared, local = map(count_parameters, (self.params.shared, self.params.local))
        rows = {
            "molecules": ", ".join(self.labels),
            "validation": ", ".join(labels_of(self.unseen)) or "none",
            "grid points": sum(member.system.grid.size for member in self.members),
            "parameters": f"{shared} shared, {local} of single molecules",
            "updates a step": 1 if together is None else -(-len(self.labels) // together),
            "functional": meaning(config.functional.xc),
            "memory": needed(self.held),
            "run": f"{config.experiment}/*-{config_hash(to_dict(config))}-s{config.training.seed}",
        }
        return {name: str(value) for name, value in rows.items()}


@dataclasses.dataclass(frozen=True)
class PlanOfSeveral:
    """A run of several molecules that is ready to start.

    Attributes:
        config: every key of it.
        labels: of the molecules.
        members: the plan of each, by a config of its own.
        problem: what is minimized.
        optimizer: by what.
        stopping: by the energies on all held-out grids, or of other molecules.
    """

    config: ConfigDict
    labels: tuple[str, ...]
    members: tuple[Plan, ...]
    problem: Several
    optimizer: Any
    stopping: Any


def labels_of(sketches: Sequence[Sketch]) -> tuple[str, ...]:
    """What molecules are called."""
    return setup.labels_of([each.config for each in sketches])


def sketch_of_several(config: ConfigDict, follow: Follow = untold) -> SketchOfSeveral:
    """Finds what a config of several molecules asks for, and everything that is wrong with it.

    Args:
        config: of the run.
        follow: told which molecule is looked at.

    Raises:
        InputError: in one sentence.
    """
    config = setup.self_contained(resolved(config))
    setup.check_training(config)
    configs, others = setup.training_set(config), setup.unseen(config)
    labels = setup.labels_of(configs)
    room = 0
    if getattr(ANSATZE[config.ansatz.name].make, "shapes_by_orbitals", False):
        room = setup.most_orbitals([setup.make_system(single, setup.Outline) for single in (*configs, *others)])
    sketches = []
    for index, single in enumerate([*configs, *others]):
        follow(f"{BUILDING}, plan {index + 1} of {len(configs) + len(others)}")
        sketches.append(sketch(single, orbitals=room))
    members, unseen = tuple(sketches[: len(configs)]), tuple(sketches[len(configs) :])

    def outlined() -> Any:
        problems = [setup.make_problem(member.system) for member in members]
        objective = setup.make_objective(config, problems, labels, setup.weights_of(configs))
        setup.make_optimizer(config, objective)
        return objective.init_params(setup.run_key(config))

    params = jax.eval_shape(outlined)
    held: dict[str, float] = {}
    for member in sketches:
        held |= {name: held.get(name, 0.0) + size for name, size in member.held.items()}
    check_memory(members[0].system, held)
    return SketchOfSeveral(config, labels, members, unseen, params, held)


def plan_of_several(outline: SketchOfSeveral, follow: Follow = untold) -> PlanOfSeveral:
    """Builds what a sketch describes; `follow` is told which molecule."""
    sketches, plans = (*outline.members, *outline.unseen), []
    for index, (label, each) in enumerate(zip(outline.labels + labels_of(outline.unseen), sketches, strict=True)):
        follow(f"{BUILDING}, {label}, {index + 1} of {len(sketches)}")
        plans.append(plan(each.config, each))
    members, unseen = tuple(plans[: len(outline.members)]), plans[len(outline.members) :]
    weights = setup.weights_of([member.config for member in members])
    objective = setup.make_objective(outline.config, [member.problem for member in members], outline.labels, weights)
    optimizer = setup.make_optimizer(outline.config, objective)
    if unseen:
        problems, weights = [each.problem for each in unseen], setup.weights_of([each.config for each in unseen])
        stopping = setup.stopping_by(outline.config, problems, labels_of(outline.unseen), weights)
    else:
        stopping = setup.stopping_of_all([member.stopping for member in members])
    jax.clear_caches()  # Linux lets a process map 65,530 areas of memory, and each molecule's programs take hundreds
    return PlanOfSeveral(outline.config, outline.labels, members, objective, optimizer, stopping)


class RunOfSeveral(Run):
    """A run whose energy is the sum of those of several molecules; each is evaluated and compared by itself."""

    plan: Any

    def _outcome(self, params: Any, state: TrainState, *, converged: bool) -> tuple[dict[str, Any], Any]:
        """The summary before references, and the evaluation of each molecule."""
        outcomes = []
        for index, member in enumerate(self.plan.members):
            self.follow(f"{EVALUATION}, {self.plan.labels[index]}, {index + 1} of {len(self.plan.members)}")
            jax.clear_caches()  # as in `plan_of_several`: what one molecule was evaluated by serves no other
            own = settled(member.problem, params.of(index))
            outcomes.append(evaluate(member.system, member.problem, own, member.shared))
        atoms = [member.system.molecule.natoms for member in self.plan.members]
        told_apart = all(each.resolves(count) for each, count in zip(outcomes, atoms, strict=True))
        of_each = {label: evaluated(each) for label, each in zip(self.plan.labels, outcomes, strict=True)}
        errors = [each.quadrature_error for each in outcomes if each.quadrature_error is not None]
        whole = {
            "energies": _summed([each.energies for each in outcomes]),
            "electrons": sum(each.electrons for each in outcomes),
            "orthonormality": max(each.orthonormality for each in outcomes),
            "quadrature_error": float(np.sum(errors)) if len(errors) == len(outcomes) else None,
            "evaluation": of_each[self.plan.labels[0]]["evaluation"],
            MOLECULES: of_each,
        }
        return self._common(state, converged=converged, told_apart=told_apart) | whole, outcomes

    def _compare(self, summary: dict[str, Any], outcome: Sequence[Evaluation]) -> dict[str, Any]:
        """The references of each molecule, and their sums where every molecule has them."""
        found, objections = [], {VIOLATIONS: [], DOUBTS: []}
        for label, member, each in zip(self.plan.labels, self.plan.members, outcome, strict=True):
            follow = lambda what, label=label: self.follow(f"reference of {label}: {what}")  # noqa: E731
            references = find_references(member.system, each.hartree, self.results, follow, None)
            found.append(compared(member, each, references))
            for kind in objections:
                objections[kind] += [f"{label}: {sentence}" for sentence in found[-1][kind]]
        of_each = {label: summary[MOLECULES][label] | own for label, own in zip(self.plan.labels, found, strict=True)}
        return _of_all(found) | objections | {MOLECULES: of_each}

    def _save_picture(self, outcome: Any) -> None:
        """No plane shows several molecules."""


def _summed(energies: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(sum(each[name] for each in energies)) for name in energies[0]}


def _of_all(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """References that every molecule has, as sums; the roles that they play for all."""
    names = [name for name in found[0]["reference"] if all(name in each["reference"] for each in found)]
    totals = {name: float(sum(each["reference"][name] for each in found)) for name in names}
    terms = {
        name: _summed([each["reference_terms"][name] for each in found])
        for name in names
        if all(name in each["reference_terms"] for each in found)
    }
    roles = {
        role: name
        for role in ("reference_same", "reference_large")
        if (name := found[0].get(role)) in names and all(each.get(role) == name for each in found)
    }
    return {"reference": totals, "reference_terms": terms, "reference_details": {}} | roles
