"""Tasks in this process, or in workers of this machine: each has its own cores, and may die without the others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from nnks.interruption import SIGNALS, Interrupted, handled
from nnks.launch.task import Outcome, Resources, Task, left, lost, perform
from nnks.registry import InputError

SAFE_PATH = "PYTHONSAFEPATH"
"""With it, a new interpreter imports nothing from the working folder, which may hold somebody else's
`multiprocessing.py`."""


class InProcess:
    """One task after the other, here."""

    quiet = False
    workers = 1

    def __init__(self, workers: int = 1, resources: Resources | None = None, cluster: str = ""):
        check(resources or Resources(), cluster)

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each task, as it ends."""
        for number, task in enumerate(tasks):
            yield number, perform(task, quiet=False)


class Processes:
    """Tasks in processes of this machine, each on cores of its own.

    A worker is a new interpreter. It is bound to its cores before anything numerical is loaded, so that XLA, OpenMP and
    BLAS start as many threads as it has cores, and it serves one task after the other, which saves compilation.
    """

    quiet = True

    def __init__(self, workers: int, resources: Resources | None = None, cluster: str = ""):
        self.workers, self._resources = workers, resources or Resources()
        check(self._resources, cluster)

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each task, as it ends."""
        todo: queue.SimpleQueue = queue.SimpleQueue()
        done: queue.SimpleQueue = queue.SimpleQueue()
        for each in enumerate(tasks):
            todo.put(each)
        workers = [
            Worker(cores_of(n, self.workers, self._resources.cpus), gpus_of(n, self._resources.gpus))
            for n in range(min(self.workers, len(tasks)))
        ]
        threads = [threading.Thread(target=worker.serve, args=(todo, done), daemon=True) for worker in workers]
        before = os.environ.get(SAFE_PATH)
        os.environ[SAFE_PATH] = "1"
        for thread in threads:
            thread.start()
        try:
            for _ in tasks:
                number, outcomes = done.get()
                if isinstance(outcomes, BaseException):
                    raise outcomes
                yield number, outcomes
        except Interrupted as stop:
            stop.state = "; what its workers have reached is saved"
            raise
        finally:
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join()
            os.environ.pop(SAFE_PATH)
            os.environ |= {} if before is None else {SAFE_PATH: before}


class Worker:
    """A process that performs tasks, and a new one in its place if it dies."""

    def __init__(self, cores: list[int], gpus: str | None):
        self._cores, self._gpus = cores, gpus
        self._stopped = False
        self._process: Any = None
        self._pipe: Any = None

    def serve(self, todo: queue.SimpleQueue, done: queue.SimpleQueue) -> None:
        """Performs tasks until none is left."""
        while not self._stopped:
            try:
                number, task = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, self._perform(task)))
            except BaseException as error:  # of the launcher itself: raised where outcomes are waited for
                done.put((number, error))

    def _perform(self, task: Task) -> list[Outcome]:
        process = self._process or self._start()
        try:
            self._pipe.send(task)
            return self._pipe.recv()
        except (EOFError, ConnectionError):
            process.join()
            code, self._process = process.exitcode, None
            if self._stopped:
                return []
            if code in ENDED:
                why = f"its process was ended by {ENDED[code]}; its state is saved, and the same command continues it"
                return left(task, why)
            return lost(task, f"its process ended {ending(code)}")

    def _start(self) -> Any:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._cores, self._gpus), daemon=True)
        resource_tracker.ensure_running()  # it lets signals through again at its own start
        # what a process inherits: until its handlers are there, a terminal's Ctrl-C would be a traceback
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self._process = process
        return process

    def stop(self) -> None:
        """Asks the process to save the state of its run, and to end."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()

    def join(self) -> None:
        """Waits for the end."""
        if (process := self._process) is not None:
            process.join()


ENDED = {128 + number: number.name for number in SIGNALS}
"""Exit statuses of a worker that was asked to end."""


def work(pipe: Connection, cores: list[int], gpus: str | None) -> None:
    """The life of a worker's process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # the signals of a terminal reach it beside those of the main process, which alone decides on an end at once
    with handled(at_once=False):
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            _serve(pipe, cores, gpus)
        except Interrupted as stop:
            os._exit(stop.status)  # at once: the step that was dispatched last may still run


def _serve(pipe: Connection, cores: list[int], gpus: str | None) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(len(cores))
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # workers share an accelerator's memory
    if gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    from nnks.runs.programs import release_programs

    with contextlib.suppress(EOFError):
        while True:
            pipe.send(perform(pipe.recv()))
            release_programs()


def _end_with_parent() -> None:
    """Ends this process, at once, when the one that started it is gone: nobody would hear of its runs."""
    if (parent := multiprocessing.parent_process()) is not None:
        wait([parent.sentinel])
        os._exit(1)


def check(resources: Resources, cluster: str) -> None:
    """Refuses what processes of one machine cannot be given.

    Raises:
        InputError: in one sentence.
    """
    if cluster:
        raise InputError(f"--cluster is '{cluster}', and --launcher=local has none; use --launcher=ray or slurm.")
    if resources.memory is not None:
        raise InputError(
            f"--memory is {resources.memory:g} GB, which --launcher=local cannot keep processes to; use --launcher=ray "
            "or slurm, or fewer --workers."
        )


def cores_of(number: int, workers: int, cpus: int | None) -> list[int]:
    """The cores of a worker: as many as asked for, or an equal share of this process's; shared if there are too few."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    each = cpus or max(1, len(usable) // workers)
    return sorted({usable[(number * each + n) % len(usable)] for n in range(each)})


def gpus_of(number: int, gpus: int) -> str | None:
    """The accelerators of a worker; None for whatever JAX finds."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(n) for n in range((number + 1) * gpus)]
    return ",".join(names[(number * gpus + n) % len(names)] for n in range(gpus)) if gpus else None


def ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"by {name}" + (", as it does when memory runs out" if name == "SIGKILL" else "")
    return f"with status {code}"
