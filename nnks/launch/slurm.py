"""Tasks as SLURM jobs through submitit, or as its local jobs where there is no SLURM."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nnks.interruption import Interrupted, handled
from nnks.launch.task import Outcome, Resources, Task, left, lost, needs, perform
from nnks.registry import InputError, suggest

MINUTES = 24 * 60
"""Of a job, if nothing is asked for."""

GRACE = 5
"""Minutes that a job has beyond its task's limit, to store why it ended."""

CLUSTERS = ("slurm", "local")

POLL = 0.5
"""Seconds between looks at the jobs."""


class Slurm:
    """Each task is a job with its own resources.

    A job that SLURM asks to end, before its time is over or for another one, saves the state of its run; the sweep goes
    on without it.

    Args:
        workers: jobs at a time.
        resources: of each.
        cluster: `slurm`, or `local` for processes of this machine; empty for SLURM where there is one.
    """

    quiet = True

    def __init__(self, workers: int, resources: Resources | None = None, cluster: str = ""):
        if cluster and cluster not in CLUSTERS:
            raise InputError(f"--cluster is '{cluster}'; {suggest(cluster, CLUSTERS)}.")
        self._submitit = needs("submitit", "slurm")
        self.workers, self._resources, self._cluster = workers, resources or Resources(), cluster or None

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each task, as it ends."""
        executor = self._executor(Path(tasks[0].results) / "jobs") if tasks else None
        waiting, running = list(enumerate(tasks))[::-1], {}
        try:
            while waiting or running:
                while executor is not None and waiting and len(running) < self.workers:
                    number, task = waiting.pop()
                    running[number] = executor.submit(perform_job, task), task
                for number in [n for n, (job, _) in running.items() if job.done()]:
                    job, task = running.pop(number)
                    yield number, self._outcomes(job, task)
                time.sleep(POLL if running else 0)
        finally:
            _cancel([job for job, _ in running.values()])

    def _executor(self, folder: Path) -> Any:
        own = self._resources
        executor = self._submitit.AutoExecutor(folder=folder, cluster=self._cluster)
        minutes = MINUTES if own.minutes is None else math.ceil(own.minutes) + GRACE
        executor.update_parameters(name="nnks", timeout_min=minutes, cpus_per_task=own.cpus or 1)
        if own.gpus:
            executor.update_parameters(gpus_per_node=own.gpus)
        if own.memory is not None:
            executor.update_parameters(mem_gb=own.memory)
        return executor

    def _outcomes(self, job: Any, task: Task) -> list[Outcome]:
        try:
            return job.result()
        except Exception as error:  # submitit raises its own errors and those of unpickling; the job is over either way
            last = str(error).strip().splitlines() or [type(error).__name__]
            return lost(task, f"job {job.job_id} ended in state {job.state}: {last[-1]}")


def _cancel(jobs: Sequence[Any]) -> None:
    """Ends jobs; those of this machine save the states of their runs first."""
    local = [job for job in jobs if _is_local(job)]
    for job in jobs:
        if (
            job in local
        ):  # submitit's own way is SIGINT, which a sweep in the background ignores, and a second to end in
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(job.job_id), signal.SIGTERM)
        else:
            job.cancel()
    while not all(job.done() for job in local):
        time.sleep(POLL)


def _is_local(job: Any) -> bool:
    """Whether a job is a process of this machine, by whose number submitit calls it."""
    return type(job).__name__ == "LocalJob"


def perform_job(task: Task) -> list[Outcome]:
    """Carries a task out as a job: signals, of which submitit would ignore SIGTERM, save what there is."""
    warning = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}", signal.SIGUSR2)
    try:
        with handled(more=(warning,), at_once=False):
            return perform(task)
    except Interrupted as stop:
        return left(task, f"{stop}; the same command continues it")
