"""One run, from a config to a stored summary: build, train, evaluate, compare."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from nnks import build
from nnks.config import ConfigDict, to_dict
from nnks.evaluation import Evaluation, TrainingEnergy, evaluate, gradient_norm, precision_error
from nnks.plan import Plan, default_label, plan, short_name
from nnks.recorder import CONVERGED, GRID, Recorder
from nnks.references import find_references
from nnks.summary import Summary, compared, found
from nnks.tracking import (
    Afterwards,
    ConsoleWriter,
    JsonlWriter,
    RunFolder,
    WandbWriter,
    WriterGroup,
    check_writable,
    config_hash,
    find_run,
    print_summary,
    run_tags,
    warn,
)
from nnks.training import Problem, TrainState, begin, iterate
from nnks.training.checkpoint import Checkpoints
from nnks.training.state import TrainingDiverged, count_parameters, settled

SINGLE = 1e-6
"""What a training in single precision may change of the energy per atom [Ha] before the run says so."""


def run(
    config: ConfigDict,
    results: str | Path = "results",
    *,
    position: tuple[int, int] | None = None,
    quiet: bool = False,
) -> Summary:
    """Trains a config's orbitals and stores what came out; an interrupted run of it is continued.

    Args:
        config: from `default_config` or `load_config`.
        results: the folder that runs are stored in.
        position: (n, m) for run n of m in a sweep.
        quiet: nothing on the console, whatever the config says: for a process beside others.

    Raises:
        InputError: for a config that cannot be run, before anything is written or compiled.
        TrainingDiverged: for an energy that is not finite; the last good state is saved.
    """
    check_writable(results)
    ready = plan(config)
    return Run(ready, folder_of(ready.config, results), Path(results), position, quiet=quiet).execute()


def folder_of(config: ConfigDict, results: str | Path) -> RunFolder:
    """The folder of an interrupted or failed run of this config, or a new one."""
    values, seed = to_dict(config), config.training.seed
    folder = find_run(results, config.experiment, config_hash(values), seed)
    if folder is None or folder.finished:
        folder = RunFolder.create(results, config.experiment, values, seed)
    return folder


def record_failure(config: ConfigDict, results: str | Path, reason: str) -> bool:
    """Stores why a run failed that could not do so itself; whether it failed at all."""
    values, seed = to_dict(config), config.training.seed
    folder = find_run(results, config.experiment, config_hash(values), seed)
    if folder is not None and folder.finished:
        return False
    if folder is None:
        folder = RunFolder.create(results, config.experiment, values, seed)
    if (folder.record.summary or {}).get("reason") != reason:
        JsonlWriter(folder, {"label": config.label}).fail(reason)
    return True


class Run:
    """One run in its phases: `open`, steps that its recorder takes, and `close`, or `fail`."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        results: Path,
        position: tuple[int, int] | None = None,
        *,
        members: int = 1,
        quiet: bool = False,
    ):
        self.plan, self.folder, self.results, self.position = plan, folder, results, position
        self.config, self.members, self.quiet = plan.config, members, quiet
        self.label = self.config.label or default_label(plan)
        self.problem = build.in_precision(plan.problem, self.config.training.precision)
        self._started = time.perf_counter()

    def execute(self) -> Summary:
        """The run by itself, from begin to end."""
        self.open()
        try:
            self._train()
            return self.close()
        except BaseException as error:
            self.fail(error)
            raise

    def open(self) -> TrainState:
        """The state to go on from, with everything that follows the run from there."""
        key = build.run_key(self.config)
        params = self.problem.init_params(key)
        self.parameters = count_parameters(params)
        state = begin(self.plan.optimizer, self.problem, params, key)
        self.checkpoints = Checkpoints(self.folder.checkpoints)
        state = self.checkpoints.restore(state) or state
        self.folder.resume(int(state.step))
        self.writers = self._writers()
        parts = self.folder, self.checkpoints, self.writers, self.label
        exact = TrainingEnergy(self.plan.system, self.plan.problem) if self.config.tracking.exact_steps else None
        self.recorder = Recorder(self.config, self.problem, self.plan.guard, state, *parts, exact)
        self._say_what_is_dropped(self.problem, state.params, "at the start")
        return state

    def _train(self) -> None:
        """The loop."""
        step, recorder = self.plan.optimizer.make_step(self.problem), self.recorder
        state = recorder.state
        until = int(state.step) if recorder.stopped else self.config.training.steps
        for progress in iterate(step, state, until=until):
            if recorder.take(progress):
                break

    def close(self) -> Summary:
        """Evaluates the trained orbitals, compares them, and stores what came out."""
        config, problem, recorder, plan = self.config, self.problem, self.recorder, self.plan
        recorder.warn_if_coarse()
        params, converged = recorder.state.params, recorder.stopped == CONVERGED
        self._say_what_is_dropped(problem, params, "at the end")
        if not problem.sampler.exact:
            converged = gradient_norm(problem, params) < build.tolerances(config)[1]
        outcome = evaluate(plan.system, plan.problem, settled(plan.problem, params), plan.shared)
        summary = self._summary(outcome, recorder.state, converged) | {"precision_error": self._precision_error(params)}
        self.checkpoints.close()
        outcome.slice.save(self.folder.path)
        self.writers.finish(summary)
        stored = self.folder.record.summary or {}
        if config.tracking.console and self.position is None and not self.quiet:
            print_summary(stored)
        return Summary(self.folder.path, stored)

    def _precision_error(self, params: Any) -> float | None:
        """How much single precision changes the energy of the trained orbitals [Ha]; None in double precision."""
        precision, atoms = self.config.training.precision, len(self.plan.system.molecule.charges)
        if precision == "float64":
            return None
        error = precision_error(self.problem, self.plan.problem, params)
        if error > SINGLE * atoms:
            warn(
                f"{self.label}: training.precision='{precision}' changes the energy by {1e3 * error:.2g} mHa, which is more than {1e3 * SINGLE:g} mHa "
                "an atom. The final energy is float64's, of orbitals trained to the other; use 'float64' if that matters."
            )
        return error

    def fail(self, error: BaseException) -> None:
        """Stores why the run failed; one that was interrupted stays so, and is resumed by the next call."""
        if isinstance(error, TrainingDiverged):
            self.checkpoints.save(error.state)
            self.writers.fail(str(error))
        elif isinstance(error, Exception):
            self.writers.fail(f"{type(error).__name__}: {error}")
        self.checkpoints.close()

    def _say_what_is_dropped(self, problem: Problem, params: Any, when: str) -> None:
        if dropped := problem.model.dropped(params, problem.grid.quadrature()):
            warn(
                f"{self.label}: {dropped} of {sum(problem.model.counts)} occupied orbitals are near-dependent {when}, and "
                "orthogonalizer.name='canonical' drops them with their electrons; use 'qr' or 'lowdin', or another ansatz.guess."
            )

    def _writers(self) -> WriterGroup:
        tracking, values = self.config.tracking, to_dict(self.config)
        record = JsonlWriter(self.folder, {"label": self.label, "parameters": self.parameters})

        def wandb() -> WandbWriter:
            mode, project, group = tracking.wandb, tracking.project, self.config.experiment
            tags = run_tags(values, short_name(self.plan))
            return WandbWriter(self.folder, values, mode=mode, project=project, group=group, tags=tags)

        # a process has one W&B run at a time
        others: list[Any] = [Afterwards(self.folder, wandb) if self.members > 1 else wandb()]
        if tracking.console and not self.quiet:
            steps, limit = self.config.training.steps, self.config.training.seconds
            others.append(ConsoleWriter(steps, self.label, position=self.position, limit=limit))
        return WriterGroup(record, *others)

    def _summary(self, outcome: Evaluation, state: TrainState, converged: bool) -> dict[str, Any]:
        """Everything that `summary.json` holds."""
        recorder, resolved = self.recorder, outcome.resolves(self.plan.system.molecule.natoms)
        converged = converged and resolved
        stopped = GRID if recorder.stopped == CONVERGED and not resolved else recorder.stopped
        return (
            {
                "converged": bool(converged),
                "stopped": CONVERGED if converged else stopped,
                "steps": int(state.step),
                "evaluations": int(state.evaluations),
                "seconds": recorder.seconds,
                "wall_seconds": (time.perf_counter() - self._started) / self.members,
                "members": self.members,
                "parameters": self.parameters,
                "label": self.label,
            }
            | found(outcome)
            | compared(self.plan, outcome, self._references(outcome.hartree))
        )

    def _references(self, hartree: str) -> dict[str, Any]:
        """The energies to compare with, found once for all members of a batch."""
        shared, key = self.plan.shared, ("references", hartree)
        if key not in shared:
            shared[key] = find_references(self.plan.system, hartree, self.results / "references")
        return shared[key]
