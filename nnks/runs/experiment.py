"""One run, from a config to a stored summary: build, train, evaluate, compare."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnks import interruption, setup
from nnks.compiler import make_room
from nnks.config import ConfigDict, resolved, to_dict
from nnks.interop.reference import Follow, untold
from nnks.interruption import Interrupted
from nnks.objective import Problem, Several, settled
from nnks.registry import InputError, StoreError
from nnks.runs.evaluation import TrainingEnergy, evaluate, gradient_norm, precision_error
from nnks.runs.plan import (
    Plan,
    Sketch,
    changed_code,
    code_of_own,
    default_label,
    finished_run,
    meaning,
    plan,
    short_name,
    sketch,
)
from nnks.runs.recorder import CONVERGED, GRID, Recorder
from nnks.runs.references import find_references
from nnks.runs.summary import Summary, compared, evaluated
from nnks.runs.trained_basis import save_trained_set
from nnks.tracking import (
    Afterwards,
    ConsoleWriter,
    JsonlWriter,
    RunFolder,
    WandbProcess,
    WandbWriter,
    Writer,
    WriterGroup,
    check_writable,
    config_hashes,
    find_run,
    print_summary,
    run_tags,
    warn,
)
from nnks.tracking.console import left_references
from nnks.tracking.files import storing
from nnks.tracking.lock import alone, hold, release
from nnks.tracking.notices import notice
from nnks.tracking.progress import BUILDING, COMPILING, EVALUATION, Position
from nnks.tracking.record import CODE, SET_ASIDE, SLICE, SUMMARY
from nnks.training import TrainState, begin, iterate
from nnks.training.checkpoint import Checkpoints
from nnks.training.saved import Progressed, Saved, pack
from nnks.training.state import TrainingDiverged, count_parameters

SINGLE = 1e-6
"""What a training in single precision may change of the energy per atom [Ha] before the run says so."""


def run(
    config: ConfigDict,
    results: str | Path = "results",
    *,
    position: Position | None = None,
    quiet: bool = False,
    again: bool = False,
) -> Summary:
    """Trains a config's orbitals and stores what came out.

    An interrupted run of it is continued, a finished one returned.

    Args:
        config: from `default_config` or `load_config`.
        results: the folder that runs are stored in.
        position: of the run in a sweep.
        quiet: nothing on the console, whatever the config says: for a process beside others.
        again: whether a run that is finished is computed once more, into a folder of its own that ends in `-2`, and so
            on.

    Raises:
        InputError: for a config that cannot be run, before anything is written or compiled.
        TrainingDiverged: for an energy that is not finite; the last good state is saved.
    """
    check_writable(results)
    make_room()  # a process may run one molecule after the other
    config = setup.self_contained(resolved(config))
    stored = None if again else finished_run(config, results)
    if stored is not None:
        return _kept(stored, config, alone=position is None and not quiet)
    # what is wrong with one molecule is said before anything else is; several take their time
    display = display_of(config, position) if setup.is_several(config) and not quiet else None
    try:
        outlined = outline_of(config, follow=_follow(display))
        if display is None and not quiet:
            display = display_of(outlined.config, position)
        with _beside(outlined.config, alone=position is None) as recording:
            ready, kind = ready_for(outlined, _follow(display))
            folder = folder_of(ready.config, results, again=again)
            try:
                return kind(ready, folder, Path(results), position, display=display, recording=recording).execute()
            finally:
                release(folder.path)
    except AlreadyFinished as elsewhere:
        return _kept(elsewhere.folder, config, alone=position is None and not quiet)
    finally:
        if display is not None:
            display.leave()


def _follow(display: ConsoleWriter | None) -> Follow:
    """What tells a display of phases."""
    return untold if display is None else display.phase


def outline_of(config: ConfigDict, like: Any = None, follow: Follow = untold) -> Any:
    """The sketch of a run of one molecule, or of several.

    Args:
        config: of the run.
        like: another's sketch, from which the molecule and its grid are taken over if they are the same.
        follow: told what is done, of several molecules.
    """
    if not setup.is_several(config):
        return sketch(config, like if isinstance(like, Sketch) else None)
    from nnks.runs.several import sketch_of_several  # which builds on this module

    return sketch_of_several(config, follow)


def ready_for(outlined: Any, follow: Follow) -> tuple[Any, type[Run]]:
    """The plan that a sketch becomes, and what runs it; `follow` is told what is built, of several molecules."""
    if isinstance(outlined, Sketch):
        return plan(outlined.config, outlined), Run
    from nnks.runs.several import RunOfSeveral, plan_of_several

    return plan_of_several(outlined, follow), RunOfSeveral


@contextlib.contextmanager
def _beside(config: ConfigDict, *, alone: bool) -> Iterator[WandbProcess | None]:
    """W&B in a process of its own, which starts while a run that is `alone` is built.

    None for one that does without.
    """
    recording = WandbProcess() if alone and config.tracking.wandb == "offline" else None
    try:
        yield recording
    finally:
        if recording is not None:
            recording.close()


def display_of(config: ConfigDict, position: Position | None, label: str = "") -> ConsoleWriter | None:
    """What shows a run on the console, if its config wants that; it begins with the building."""
    if not config.tracking.console:
        return None
    label = label or config.label or default_label(config)
    exact = config.sampler.name == "full" or config.optimizer.name == "handover"  # minibatches take all their steps
    display = ConsoleWriter(
        config.training.steps,
        label,
        position=position,
        limit=config.training.seconds,
        thresholds=setup.tolerances(config) if exact else None,
    )
    display.phase(BUILDING)
    return display


class AlreadyFinished(InputError):
    """A run was finished by another process in the meantime.

    Attributes:
        folder: the run's.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        super().__init__(f"the run '{folder.path}' is finished.")


def _kept(folder: RunFolder, config: ConfigDict, *, alone: bool) -> Summary:
    """The summary of a finished run; one that is `alone` says that it is not computed again, and what came out."""
    summary = Summary(folder.path, folder.record.summary or {})
    if alone:
        print(
            f"this run is finished and stored in {folder.path}; it is not computed again (--again, or again=True, does "
            "so; another training.seed is another run)"
        )
        if config.tracking.console:
            print_summary(summary.values)
    return summary


def folder_of(config: ConfigDict, results: str | Path, *, again: bool = False) -> RunFolder:
    """The folder of an interrupted or failed run of this config, or a new one, held for this process until `release`.

    Args:
        config: the resolved one.
        results: the folder that runs are stored in.
        again: whether a finished run is passed over.

    Raises:
        Busy: if another process has it.
        AlreadyFinished: if the run is finished and is not to be computed `again`.
    """
    values, seed = to_dict(config), config.training.seed
    with alone(Path(results) / config.experiment):
        folder = find_run(results, config.experiment, config_hashes(values), seed, latest=again)
        if folder is not None and folder.finished and not again:
            raise AlreadyFinished(folder)
        if folder is None or folder.finished:
            folder = RunFolder.create(results, config.experiment, values, seed)
            hold(folder.path)
        else:
            hold(folder.path)
            folder.prepare(values)
    return folder


def record_failure(config: ConfigDict, results: str | Path, reason: str) -> bool:
    """Stores why a run failed that could not do so itself; whether it failed at all.

    Raises:
        Busy: if another process has the run by now.
    """
    try:
        folder = folder_of(config, results, again=False)
    except AlreadyFinished:
        return False
    try:
        if (folder.record.summary or {}).get("reason") != reason:
            JsonlWriter(folder, {"label": config.label}).fail(reason)
    finally:
        release(folder.path)
    return True


def members_of(plan: Any) -> tuple[Plan, ...]:
    """The plan of each molecule of a run."""
    return getattr(plan, "members", (plan,))


class Run:
    """One run in its phases: `open`, steps that its recorder takes, and `close`, or `fail`."""

    def __init__(
        self,
        plan: Any,  # `Plan`, or what stands for it for several molecules
        folder: RunFolder,
        results: Path,
        position: Position | None = None,
        *,
        members: int = 1,
        display: ConsoleWriter | None = None,
        follow: Follow = untold,
        recording: WandbProcess | None = None,
    ):
        self.plan, self.folder, self.results, self.position = plan, folder, results, position
        self.config, self.members, self.display, self._recording = plan.config, members, display, recording
        self.follow = follow if display is None else display.phase
        self.label = self.config.label or default_label(self.config)
        self.problem = setup.in_precision(plan.problem, self.config.training.precision)
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

    def open(self) -> None:
        """Finds the state to go on from, and makes everything that follows the run from there."""
        key = setup.run_key(self.config)
        params = self.problem.init_params(key)
        self.parameters = count_parameters(params)
        state = begin(self.plan.optimizer, self.problem, params, key)
        self.checkpoints = Checkpoints(self.folder.checkpoints, self.folder.set_aside)
        start = pack(state, Progressed(), self.plan.stopping)
        restored = self.checkpoints.restore(start)
        self._say_what_is_damaged(restored)
        self._say_whose_code_changed()
        start = restored if isinstance(restored, Saved) else start
        row, rows = self.checkpoints.note.get("row"), self.checkpoints.note.get("rows")
        self.folder.resume(row["step"] if row else int(start.step), row, rows)
        self.writers = self._writers()
        parts = self.checkpoints, self.writers, self.label
        exact = self._final_energy() if self.config.tracking.exact_steps else None
        self.recorder = Recorder(self.config, self.problem, self.plan.stopping, start, *parts, exact)
        self._say_what_is_dropped(self.problem, start.params, "at the start")

    def _final_energy(self) -> Any:
        """The final evaluation's total of parameters: the sum over molecules."""
        each = [TrainingEnergy(member.system, member.problem) for member in members_of(self.plan)]
        if not isinstance(self.problem, Several):
            return each[0]
        return lambda params: sum(energy(params.of(index)) for index, energy in enumerate(each))

    def _train(self) -> None:
        """The loop."""
        self.follow(COMPILING)
        step, recorder = self.plan.optimizer.make_step(self.problem), self.recorder
        state = recorder.state
        until = int(state.step) if recorder.stopped else self.config.training.steps
        with interruption.whole():
            for progress in iterate(step, state, until=until):
                if recorder.take(progress) or interruption.requested():
                    break
        if interruption.requested():
            self._save_basis()  # as far as it has come
        interruption.check()

    def _save_basis(self) -> None:
        """The basis that the run has trained, if it trains one, as a file."""
        recorder, labels = self.recorder, getattr(self.plan, "labels", ("total",))
        members, path = members_of(self.plan), self.folder.path
        held_out = () if self.plan.stopping is None else self.plan.stopping.molecules
        save_trained_set(path, self.config, members, recorder.state, labels, recorder.metrics, held_out)

    def close(self) -> Summary:
        """Evaluates the trained orbitals, compares them, and stores what came out."""
        config, problem, recorder = self.config, self.problem, self.recorder
        self.follow(EVALUATION)
        recorder.warn_if_coarse()
        params, converged = recorder.state.params, recorder.stopped == CONVERGED
        self._say_what_is_dropped(problem, params, "at the end")
        self._save_basis()
        if not problem.exact:
            converged = gradient_norm(problem, params) < setup.tolerances(config)[1]
        summary, outcome = self._outcome(params, recorder.state, converged=converged)
        summary["precision_error"] = self._precision_error(params)
        if self.display is not None:
            self.display.result(summary)  # nobody waits for what it is compared with
        summary |= self._compare(summary, outcome)
        summary["wall_seconds"] = (time.perf_counter() - self._started) / self.members
        self.checkpoints.close()
        self._save_picture(outcome)
        self.writers.finish(summary)
        stored = self.folder.record.summary
        if stored is None:  # somebody has removed it by now
            raise StoreError(f"'{self.folder.path / SUMMARY}' was written and is gone")
        if self.display is not None and self.position is None:
            print_summary(stored)
        elif config.tracking.console:
            for sentence in left_references(stored):
                notice(sentence)
        return Summary(self.folder.path, stored)

    def _precision_error(self, params: Any) -> float | None:
        """How much single precision changes the energy of the trained orbitals [Ha]; None in double precision."""
        precision = self.config.training.precision
        if precision == "float64":
            return None
        atoms = sum(len(member.system.molecule.charges) for member in members_of(self.plan))
        error = precision_error(self.problem, self.plan.problem, params)
        if error > SINGLE * atoms:
            warn(
                f"{self.label}: training.precision='{precision}' changes the energy by {1e3 * error:.2g} mHa, which is "
                f"more than {1e3 * SINGLE:g} mHa an atom. The final energy is float64's, of orbitals trained to the "
                "other; use 'float64' if that matters."
            )
        return error

    def fail(self, error: BaseException) -> None:
        """Stores why the run failed; one that was interrupted is saved where it is, and goes on with the next call."""
        if isinstance(error, KeyboardInterrupt):
            self.recorder.save()
            self.checkpoints.close()  # first: who asked for the end may not wait for the rest
            self.writers.leave()
            if isinstance(error, Interrupted):
                error.state = f"at step {self.recorder.step}; the state is saved"
        elif isinstance(error, StoreError):
            self._abandon(error)
        elif isinstance(error, Exception) and not self.folder.finished:  # what follows the end is no part of the run
            if isinstance(error, TrainingDiverged):
                self.recorder.save()
                error.saved = f"The state of step {self.recorder.step} is saved in '{self.folder.checkpoints}'."
                self.writers.fail(str(error))
            else:
                self.writers.fail(f"{type(error).__name__}: {error}")
        self.checkpoints.close()

    def _abandon(self, error: StoreError) -> None:
        """Adds to an error of the store from where the run can go on, and stores it if there is room for that."""
        with contextlib.suppress(StoreError):
            self.checkpoints.close()
        latest = self.checkpoints.latest()
        if latest is None:
            error.rest = "; no state of the run is stored; make room for it, and the same command begins anew"
        else:
            good = f"the last good state is step {latest.name} in '{latest}'"
            error.rest = f"; {good}; make room for more, and the same command goes on from there"
        with contextlib.suppress(StoreError):
            self.writers.fail(str(error))

    def _say_what_is_damaged(self, restored: TrainState | None) -> None:
        """One line on checkpoints that could not be restored, and from where the run goes on instead."""
        unusable = self.checkpoints.unusable
        if unusable:
            named = ", ".join(f"'{path}' ({why})" for path, why in unusable.items())
            begin = "starts over" if restored is None else f"goes on from step {int(restored.step)}"
            aside = self.folder.path / SET_ASIDE
            warn(f"{self.label}: no state can be restored from {named}, now in '{aside}'; the run {begin}.")

    def _say_whose_code_changed(self) -> None:
        """One line on code of a user's own that is another than that of the steps which are stored."""
        if changed := changed_code(self.config, self.checkpoints.note.get(CODE)):
            warn(
                f"{self.label}: the code of {', '.join(changed)} is not what the stored steps were computed with; the "
                f"run goes on with the new code. To begin anew, remove '{self.folder.path}' first, with nnks rm."
            )

    def _say_what_is_dropped(self, problem: Any, params: Any, when: str) -> None:
        if not isinstance(problem, Several):
            return self._say_what_one_drops(problem, params, when)
        for index, one in enumerate(problem.problems):
            self._say_what_one_drops(one, params.of(index), when)
        return None

    def _say_what_one_drops(self, problem: Problem, params: Any, when: str) -> None:
        if dropped := problem.model.dropped(params, problem.grid.quadrature()):
            warn(
                f"{self.label}: {dropped} of {sum(problem.model.nocc)} occupied orbitals are near-dependent {when}, "
                "and orthogonalizer.name='canonical' drops them with their electrons; use 'qr' or 'lowdin', or another "
                "ansatz.guess."
            )

    def _writers(self) -> WriterGroup:
        tracking, values = self.config.tracking, to_dict(self.config)
        record = JsonlWriter(self.folder, {"label": self.label, "parameters": self.parameters})

        def wandb() -> Writer:
            mode, project, group = tracking.wandb, tracking.project, self.config.experiment
            tags = run_tags(values, short_name(self.config))
            start = WandbWriter if self._recording is None else self._recording.begin
            return start(self.folder, values, mode=mode, project=project, group=group, tags=tags)

        # a process has one W&B run at a time
        others: list[Any] = [Afterwards(wandb) if self.members > 1 else wandb()]
        if self.display is not None:
            others.append(self.display)
        return WriterGroup(record, *others)

    def _outcome(self, params: Any, state: TrainState, *, converged: bool) -> tuple[dict[str, Any], Any]:
        """Everything that `summary.json` holds but what the run is compared with, and the final evaluation."""
        plan = self.plan
        outcome = evaluate(plan.system, plan.problem, settled(plan.problem, params), plan.shared)
        told_apart = outcome.resolves(plan.system.molecule.natoms)
        return self._common(state, converged=converged, told_apart=told_apart) | evaluated(outcome), outcome

    def _compare(self, summary: dict[str, Any], outcome: Any) -> dict[str, Any]:
        """What the references say of the final energy."""
        return compared(self.plan, outcome, self._references(outcome.hartree))

    def _save_picture(self, outcome: Any) -> None:
        """Stores the plane that reports show."""
        with storing(self.folder.path / SLICE):
            outcome.slice.save(self.folder.path)

    def _common(self, state: TrainState, *, converged: bool, told_apart: bool) -> dict[str, Any]:
        """What a summary says of the training; `told_apart` is whether grids agree on the energy."""
        recorder = self.recorder
        converged = converged and told_apart
        stopped = GRID if recorder.stopped == CONVERGED and not told_apart else recorder.stopped
        return {
            "converged": bool(converged),
            "stopped": CONVERGED if converged else stopped,
            "steps": int(state.step),
            "evaluations": int(state.evaluations),
            "seconds": recorder.seconds,
            "members": self.members,
            "parameters": self.parameters,
            "label": self.label,
            "functional": meaning(self.config.functional.xc),
        } | ({CODE: code} if (code := code_of_own(self.config)) else {})

    def _references(self, hartree: str) -> dict[str, Any]:
        """The energies to compare with, found once for all members of a batch."""
        shared, key = self.plan.shared, ("references", hartree)
        if key not in shared:
            shared[key] = find_references(
                self.plan.system,
                hartree,
                self.results,
                lambda what: self.follow(f"reference: {what}"),
                self.folder.path,
            )
        return shared[key]
