"""One run, from a config to a stored summary: build, train, evaluate, compare."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from nnks import build
from nnks.basis import BasisOnPoints
from nnks.blocks import BasisBlocks
from nnks.config import ConfigDict, complete, to_dict
from nnks.evaluation import Evaluation, evaluate, final_level, gradient_norm
from nnks.interop.reference import large_bases
from nnks.references import find_references
from nnks.tracking import (
    ConsoleWriter,
    Every,
    JsonlWriter,
    RunFolder,
    WandbWriter,
    WriterGroup,
    check_writable,
    config_hash,
    find_run,
    print_summary,
    warn,
)
from nnks.training import Convergence, Problem, TrainState, begin, iterate
from nnks.training.checkpoint import Checkpoints
from nnks.training.held_out import Guard
from nnks.training.state import TrainingDiverged, count_parameters, settled

CONVERGED, GRID = "converged", "grid"
"""Why a run ended: both thresholds were reached, or the energy fell on the training grid alone. Or `steps`, or `seconds`."""

COARSE = 0.01
"""Difference of a state's energies on the training grid and on the held-out one [Ha] that a run warns of."""

VIOLATION = 1e-6
"""How far below the stable minimum of its own basis an energy may be [Ha]: both are converged to 1e-9."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """What a run found. `values` is all of `summary.json`; the rest are shortcuts into it."""

    path: Path
    values: Mapping[str, Any]

    @property
    def energies(self) -> Mapping[str, float]:
        """Total, kinetic, external, hartree, xc, nuclear [Ha], from the final evaluation."""
        return self.values["energies"]

    @property
    def converged(self) -> bool:
        """Whether the thresholds were reached."""
        return self.values["converged"]

    @property
    def reference(self) -> Mapping[str, float]:
        """Reference energies [Ha] by name."""
        return self.values["reference"]

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return self.values["steps"]


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run that is ready to start: everything is built, nothing is compiled."""

    config: ConfigDict
    system: build.System
    problem: Problem
    optimizer: Any
    guard: Guard | None

    def describe(self) -> dict[str, Any]:
        """What would run, for `--dry-run`."""
        params = jax.eval_shape(self.problem.init_params, build.run_key(self.config))
        sampler = self.problem.sampler
        molecule = self.system.molecule
        return {
            "molecule": f"{molecule.formula}, {sum(molecule.nelec)} electrons, spin {molecule.spin}, "
            f"{'restricted' if self.system.restricted else 'unrestricted'}",
            "basis functions": self.system.mole.nao,
            "grid points": self.system.grid.size,
            "points a step": sampler.size if not sampler.exact else f"{self.system.grid.size} (all)",
            "parameters": count_parameters(params),
            **self._basis(),
            "hartree": self._hartree(),
            "final grid level": final_level(self.system),
            "run": f"{self.config.experiment}/*-{config_hash(to_dict(self.config))}-s{self.config.training.seed}",
        }

    def _hartree(self) -> str:
        """The method, and what fitting holds."""
        method = build.hartree_method(self.system, self.config.functional.hartree, self.system.gaussian)
        return method + getattr(self.problem.functional["hartree"], "holds", "")

    def _basis(self) -> dict[str, str]:
        """How the Gaussian basis is held on the grid, if it is."""
        table = self.problem.model.table
        if isinstance(table, BasisBlocks):
            size = f"{1e-9 * table.table_bytes:.3g} GB, {table.columns} of {self.system.mole.nao} functions at a point"
            return {"basis on the grid": size if table.held else f"at every use (a table would take {size})"}
        if isinstance(table, BasisOnPoints):
            return {"basis on the grid": "at every use, for the points of a batch"}
        return {}


def plan(config: ConfigDict) -> Plan:
    """Builds a run, and finds everything that is wrong with its config.

    Raises:
        InputError: in one sentence.
    """
    config = complete(ConfigDict(config.copy_and_resolve_references()))
    build.check_training(config)
    system = build.make_system(config)
    problem = build.make_problem(system)
    optimizer = build.make_optimizer(config, problem)
    large_bases(system.molecule, config.reference.large_basis)
    return Plan(config, system, problem, optimizer, build.make_guard(system, problem, optimizer))


def run(config: ConfigDict, results: str | Path = "results", *, position: tuple[int, int] | None = None) -> Summary:
    """Trains a config's orbitals and stores what came out; an interrupted run of it is continued.

    Args:
        config: from `default_config` or `load_config`.
        results: the folder that runs are stored in.
        position: (n, m) for run n of m in a sweep.

    Raises:
        InputError: for a config that cannot be run, before anything is written or compiled.
        TrainingDiverged: for an energy that is not finite; the last good state is saved.
    """
    check_writable(results)
    ready = plan(config)
    values = to_dict(ready.config)
    seed = ready.config.training.seed
    folder = find_run(results, ready.config.experiment, config_hash(values), seed)
    if folder is None or folder.finished:
        folder = RunFolder.create(results, ready.config.experiment, values, seed)
    return _Run(ready, folder, Path(results), position).execute()


class _Run:
    """The parts of one run that its phases share."""

    def __init__(self, plan: Plan, folder: RunFolder, results: Path, position: tuple[int, int] | None):
        self.plan, self.folder, self.results, self.position = plan, folder, results, position
        self.config = plan.config
        self.label = self.config.label or default_label(plan)

    def execute(self) -> Summary:
        """Restore, train, evaluate, compare, store."""
        config, plan = self.config, self.plan
        problem = build.in_precision(plan.problem, config.training.precision)
        key = build.run_key(config)
        params = problem.init_params(key)
        state = begin(plan.optimizer, problem, params, key)
        checkpoints = Checkpoints(self.folder.checkpoints)
        state = checkpoints.restore(state) or state
        self.folder.resume(int(state.step))
        writers = self._writers(count_parameters(params))
        try:
            self._say_what_is_dropped(problem, state.params, "at the start")
            state, stopped, seconds = self._train(problem, state, checkpoints, writers)
            converged = stopped == CONVERGED
            self._say_what_is_dropped(problem, state.params, "at the end")
            if not problem.sampler.exact:
                converged = gradient_norm(problem, state.params) < build.tolerances(config)[1]
            outcome = evaluate(plan.system, plan.problem, settled(plan.problem, state.params))
            summary = self._summary(outcome, state, converged, seconds, count_parameters(params))
            summary["stopped"] = CONVERGED if converged else stopped
        except TrainingDiverged as error:
            checkpoints.save(error.state)
            writers.fail(str(error))
            raise
        except KeyboardInterrupt:
            raise  # stays interrupted, and is resumed by the next call
        except Exception as error:
            writers.fail(f"{type(error).__name__}: {error}")
            raise
        finally:
            checkpoints.close()
        writers.finish(summary)
        stored = self.folder.record.summary or {}
        if config.tracking.console and self.position is None:
            print_summary(stored)
        return Summary(self.folder.path, stored)

    def _say_what_is_dropped(self, problem: Problem, params: Any, when: str) -> None:
        if dropped := problem.model.dropped(params, problem.grid.quadrature()):
            warn(
                f"{self.label}: {dropped} of {sum(problem.model.counts)} occupied orbitals are near-dependent {when}, and "
                "orthogonalizer.name='canonical' drops them with their electrons; use 'qr' or 'lowdin', or another ansatz.guess."
            )

    def _writers(self, parameters: int) -> WriterGroup:
        tracking, values = self.config.tracking, to_dict(self.config)
        record = JsonlWriter(self.folder, {"label": self.label, "parameters": parameters})
        others: list[Any] = [
            WandbWriter(
                self.folder,
                values,
                mode=tracking.wandb,
                project=tracking.project,
                group=self.config.experiment,
            )
        ]
        if tracking.console:
            others.append(ConsoleWriter(self.config.training.steps, self.label, position=self.position))
        return WriterGroup(record, *others)

    def _train(
        self, problem: Problem, state: TrainState, checkpoints: Checkpoints, writers: WriterGroup
    ) -> tuple[TrainState, str, float]:
        """The loop: writes, saves and stops; the steps themselves know of none of it. Also why it ended, and its seconds."""
        training = self.config.training
        history = self.folder.read_metrics()
        last = history[-1] if history else {}
        convergence = Convergence(*build.tolerances(self.config), last.get("energy/total"))
        converged = bool(last) and problem.sampler.exact and convergence.holds(last)
        save, log = Every(training.checkpoint_steps), Every(self.config.tracking.log_steps)
        before, trained = (float(last.get(f"time/{name}_s", 0.0)) for name in ("elapsed", "training"))
        started, seconds, compiled = time.perf_counter(), before, None
        step, guard = self.plan.optimizer.make_step(problem), self.plan.guard
        stopped = CONVERGED if converged else ""
        for progress in iterate(step, state, until=int(state.step) if converged else training.steps):
            fits = guard is not None and guard.check(problem, state, progress)
            state, metrics = progress.state, progress.metrics
            now = time.perf_counter()
            compiled = compiled or now  # the first step of a process compiles, and counts as no training
            seconds, spent = before + now - started, trained + now - compiled
            stopped = self._stop(convergence.reached(metrics) and problem.sampler.exact, fits, spent, progress.step)
            # a saved step is always recorded: what goes on from it needs the energy before
            if log(progress.step) or save(progress.step) or stopped:
                writers.write(progress.step, metrics | {"time/elapsed_s": seconds, "time/training_s": spent})
            best = guard.better() if guard is not None and stopped else None
            state, stopped = (state, stopped) if best is None else (best, GRID)
            if save(progress.step) or stopped:
                checkpoints.save(state)
            if stopped:
                break
        if guard is not None and guard.apart > COARSE:
            warn(
                f"{self.label}: energies on quadrature.level={self.config.quadrature.level} and one level finer are {guard.apart:.2g} "
                "Ha apart, so that training says little about the energy; use a higher quadrature.level."
            )
        return state, stopped, seconds

    def _stop(self, converged: bool, fits: bool, spent: float, step: int) -> str:
        """Why a run ends after this step; empty if it does not."""
        training = self.config.training
        late = training.seconds is not None and spent >= training.seconds
        ends = {CONVERGED: converged, GRID: fits, "seconds": late, "steps": step == training.steps}
        return next((reason for reason, holds in ends.items() if holds), "")

    def _summary(
        self, outcome: Evaluation, state: TrainState, converged: bool, seconds: float, parameters: int
    ) -> dict[str, Any]:
        """Everything that `summary.json` holds."""
        summary = {
            "energies": outcome.energies,
            "converged": bool(converged),
            "steps": int(state.step),
            "evaluations": int(state.evaluations),
            "seconds": seconds,
            "electrons": outcome.electrons,
            "orthonormality": outcome.orthonormality,
            "virial": outcome.virial,
            "orbital_energies": outcome.orbital_energies,
            "quadrature_error": outcome.quadrature_error,
            "evaluation": {"level": outcome.level, "hartree": outcome.hartree},
            "parameters": parameters,
            "label": self.label,
            "violations": [],
        } | find_references(self.plan.system, outcome.hartree, self.results / "references")
        same = summary["reference"].get(summary.get("reference_same", ""))
        system = self.plan.system
        same_integrals = (
            outcome.hartree in ("exact", "density_fitting") and outcome.level == self.config.quadrature.level
        )
        bounded = system.gaussian and same_integrals
        if same is not None and bounded and outcome.energies["total"] < same - VIOLATION:
            summary["violations"] = [
                f"the energy is {1e3 * (same - outcome.energies['total']):.4f} mHa below the stable PySCF minimum in the same "
                "basis and on the same grid, which no variational calculation can reach: an integral is wrong, or PySCF "
                "stopped at a higher solution."
            ]
        return summary


def default_label(plan: Plan) -> str:
    """What a run is called if its config does not say: molecule, ansatz, basis."""
    s = plan.config.system
    inline = any(mark in s.molecule for mark in " \n;/")  # coordinates or a path are no name
    name = plan.system.molecule.formula if inline else s.molecule
    return f"{name} / {plan.config.ansatz.name} / {s.basis}"
