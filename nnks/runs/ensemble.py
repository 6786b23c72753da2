"""Runs that differ in seed or in numbers of a first-order optimizer, trained as one program and stored one by one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnks import interruption, setup
from nnks.config import ConfigDict
from nnks.interop.reference import untold
from nnks.runs.experiment import AlreadyFinished, Run, display_of, folder_of
from nnks.runs.members import mark_batch, unmark_batch
from nnks.runs.plan import Plan, default_label, plan
from nnks.runs.summary import Summary
from nnks.tracking import ConsoleWriter, RunFolder
from nnks.tracking.lock import Busy, release
from nnks.tracking.progress import COMPILING, Position
from nnks.training import iterate_together, make_batch_step
from nnks.training.ensemble import stack
from nnks.training.loop import MemberProgress
from nnks.training.state import TrainingDiverged

TABLES = 12
"""Arrays of points times orbitals that a member's energy gradient holds at once: values, three slopes, and their
derivatives."""


def run_together(
    configs: Sequence[ConfigDict],
    results: str | Path = "results",
    *,
    position: Position | None = None,
    quiet: bool = False,
) -> list[Summary | Exception]:
    """Trains configs of one batch as one compiled program; each is stored as it would be by itself.

    Everything is built and evaluated by the same programs. Members that converge, diverge or fail do so on their own;
    an interrupted batch goes on, member by member, from their checkpoints. A batch that would not fit the memory is
    divided.

    Args:
        configs: of one group of `nnks.runs.members.batches`.
        results: the folder that runs are stored in.
        position: (n, m) for task n of m in a sweep.
        quiet: nothing on the console.

    Returns:
        A summary for each config, or the error that ended it.

    Raises:
        InputError: for a config that cannot be run.
    """
    ready, outcomes = plan(configs[0]), []
    size = min(len(configs), most_members(ready))
    for at in range(0, len(configs), size):
        plans = [member_plan(ready, config) for config in configs[at : at + size]]
        outcomes += _run_part(plans, Path(results), position, quiet)
    return outcomes


def _run_part(
    plans: Sequence[Plan], results: Path, position: Position | None, quiet: bool
) -> list[Summary | Exception]:
    """What fits the memory at once, without the members that another process has."""
    folders: list[RunFolder | Exception] = []
    try:
        for each in plans:
            try:
                folders.append(folder_of(each.config, results, again=position is None))
            except (Busy, AlreadyFinished) as error:
                folders.append(error)
        own = [(each, folder) for each, folder in zip(plans, folders, strict=True) if isinstance(folder, RunFolder)]
        mark_batch([folder for _, folder in own])
        display = None if quiet or position is None or not own else _display(own[0][0].config, len(own), position)
        follow = untold if display is None else display.phase
        runs = [Run(each, folder, results, position, members=len(own), follow=follow) for each, folder in own]
        ended = iter(_Batch(runs, display).execute() if runs else [])
        return [next(ended) if isinstance(folder, RunFolder) else folder for folder in folders]
    finally:
        for folder in folders:
            if isinstance(folder, RunFolder):
                unmark_batch(folder)
                release(folder.path)


def _display(config: ConfigDict, members: int, position: Position) -> ConsoleWriter | None:
    """What shows a batch by its first member."""
    own = config.label or default_label(config)
    return display_of(config, position, own if members == 1 else f"{members} runs together: {own}, ...")


def most_members(ready: Plan) -> int:
    """How many runs of a plan fit half of the free memory at once."""
    sampler, system = ready.problem.sampler, ready.system
    points = system.grid.size if sampler.exact else 2 * sampler.size
    each = 8 * TABLES * points * system.occupations.size
    return max(1, int(0.5 * setup.free_memory() // each))


def member_plan(first: Plan, config: ConfigDict) -> Plan:
    """The plan of another member: the same problem, its own optimizer and early stopping."""
    own = setup.self_contained(ConfigDict(config.copy_and_resolve_references()))
    setup.check_training(own)
    stopping = None if first.stopping is None else first.stopping.fresh()
    return dataclasses.replace(first, config=own, optimizer=setup.make_optimizer(own, first.problem), stopping=stopping)


class _Batch:
    """Runs in step."""

    def __init__(self, runs: list[Run], display: ConsoleWriter | None):
        self._runs, self._console = runs, display
        self._ended: dict[int, Summary | Exception] = {}

    def execute(self) -> list[Summary | Exception]:
        """Opens, trains and closes all members."""
        opened: list[Run] = []
        try:
            for run in self._runs:
                run.open()
                opened.append(run)
            self._train()
            # a batch that is interrupted from here on has nothing left to train, whichever of its members are closed by
            # then
            for run in self._runs:
                run.checkpoints.close()
            for index, run in enumerate(self._runs):
                self._attempt(index, run.close)
        except BaseException as error:  # of all members: they cannot be told apart
            for index in range(len(opened)):
                self._end(index, error)
            if self._console is not None:
                self._console.leave()
            if not isinstance(error, Exception):
                raise
            for index in range(len(opened), len(self._runs)):
                self._ended[index] = error
        self._say_the_end()
        return [self._ended[index] for index in range(len(self._runs))]

    def _train(self) -> None:
        """Steps until every member has stopped."""
        runs = self._runs
        active = [index for index, run in enumerate(runs) if not run.recorder.stopped]
        if not active:
            return
        runs[0].follow(COMPILING)
        first: Any = [run.plan.optimizer for run in runs]
        step = make_batch_step(first, runs[0].problem, runs[0].config.training.steps)
        with interruption.whole():
            # of all of them: a program for fewer members would round differently from the one that was interrupted
            for outcomes in iterate_together(step, stack([run.recorder.state for run in runs])):
                active = [index for index in active if not self._take(index, outcomes[index])]
                if self._console is not None and active:
                    shown = outcomes[active[0]]
                    assert isinstance(shown, MemberProgress)
                    self._console.write(shown.step, shown.metrics)
                if not active or interruption.requested():
                    break
        interruption.check()

    def _take(self, index: int, progress: MemberProgress | TrainingDiverged) -> bool:
        """Records a member's step; whether it is its last one."""
        if isinstance(progress, TrainingDiverged):
            self._end(index, progress)
            return True
        return self._attempt(index, functools.partial(self._runs[index].recorder.take, progress), ends=False)

    def _attempt(self, index: int, action: Any, *, ends: bool = True) -> bool:
        """What an action of one member returned; an error ends that member alone."""
        if index in self._ended:
            return True
        try:
            result = action()
        except Exception as error:
            self._end(index, error)
            return True
        if ends:
            self._ended[index] = result
        return bool(result)

    def _end(self, index: int, error: BaseException) -> None:
        if index in self._ended:
            return
        self._runs[index].fail(error)
        if isinstance(error, Exception):
            self._ended[index] = error

    def _say_the_end(self) -> None:
        if self._console is None:
            return
        summaries = [each.values for each in self._ended.values() if isinstance(each, Summary)]
        if summaries:
            self._console.finish(min(summaries, key=lambda values: values["energies"]["total"]))
        else:
            self._console.fail(str(next(iter(self._ended.values()))))
