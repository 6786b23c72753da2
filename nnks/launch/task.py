"""What a launcher carries out: a run, or a batch of runs, by itself in whatever process it is put."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.interruption import swallows
from nnks.registry import InputError, StoreError
from nnks.tracking.progress import Position
from nnks.tracking.record import called


@dataclasses.dataclass(frozen=True)
class Resources:
    """What each task may use.

    Attributes:
        cpus: processor cores; None for the launcher's choice.
        gpus: accelerators.
        memory: GB; None for no limit.
        minutes: after which a task is ended; None for no limit.
    """

    cpus: int | None = None
    gpus: int = 0
    memory: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("cpus", 1), ("gpus", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"--{name} is {value}; it must be at least {least}.")
        for name in ("memory", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--{name} is {value}; it must be positive.")


@dataclasses.dataclass(frozen=True)
class Task:
    """One run or one batch of runs, as plain values that any process can be given.

    Attributes:
        source: the config file, whose own ansatz or functional must be registered where the runs run; empty if there is
            none.
        configs: resolved configs, as `to_dict` gives them.
        results: the folder that runs are stored in.
        position: (n, m) for task n of m, and the seconds of all tasks after it, where stored runs of theirs tell.
        minutes: after which it is ended; None for no limit.
        settings: of JAX, by name, such as the folder of compiled programs.
    """

    source: str
    configs: tuple[Mapping[str, Any], ...]
    results: str
    position: Position
    minutes: float | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one run of a task ended.

    Attributes:
        label: what the run is called.
        energy: its total [Ha]; None if it failed.
        reason: why it failed; empty if it did not.
        left: why it is neither finished nor failed: another process has it, or a signal ended its process; empty
            otherwise.
    """

    label: str
    energy: float | None = None
    reason: str = ""
    left: str = ""


def perform(task: Task, *, quiet: bool = True) -> list[Outcome]:
    """Carries a task out in this process. What goes wrong is in the outcomes, and is stored with the runs."""
    import jax

    from nnks.config import from_dict, load_module
    from nnks.runs.summary import Summary
    from nnks.tracking.cache import write_programs_whole

    for name, value in task.settings.items():
        jax.config.update(name, value)
    write_programs_whole()
    if task.source.endswith(".py"):
        load_module(task.source)
    configs = [from_dict(values) for values in task.configs]
    try:
        with limit(task.minutes):
            outcomes: list[Summary | Exception] = _run(configs, task, quiet)
    except Exception as error:  # all of them: the rest of a sweep goes on
        outcomes = [error] * len(configs)
    return [
        failure(config, task.results, end)
        if isinstance(end, Exception)
        else Outcome(end.values["label"], energy=end.energies["total"])
        for config, end in zip(configs, outcomes, strict=True)
    ]


def failure(config: Any, results: str | Path, error: Exception) -> Outcome:
    """The outcome of a run that did not end here, stored with it if it is a failure."""
    from nnks.runs.experiment import AlreadyFinished, record_failure
    from nnks.tracking.lock import Busy

    name = name_of(config)
    if isinstance(error, Busy):
        return Outcome(name, left=str(error))
    if isinstance(error, AlreadyFinished):
        return Outcome(name)
    try:
        if not record_failure(config, results, reason(error)):
            return Outcome(name)  # it had ended well before, or elsewhere
    except Busy as busy:
        return Outcome(name, left=str(busy))
    except (StoreError, InputError):
        pass  # nothing can be stored: the outcome says why the run failed
    return Outcome(name, reason=reason(error))


def _run(configs: list[Any], task: Task, quiet: bool) -> list[Any]:
    if len(configs) == 1:
        from nnks.runs.experiment import run

        return [run(configs[0], task.results, position=task.position, quiet=quiet)]
    from nnks.runs.ensemble import run_together

    return run_together(configs, task.results, position=task.position, quiet=quiet)


def reason(error: BaseException) -> str:
    """An error as one sentence; the kind is named where the sentence alone may say nothing."""
    from nnks.training.state import TrainingDiverged

    return (
        str(error)
        if isinstance(error, InputError | StoreError | TrainingDiverged | ChildProcessError)
        else f"{type(error).__name__}: {error}"
    )


def name_of(config: Any) -> str:
    """What a run is called before anything is known of it."""
    molecule, basis = (called(f"system.{key}", config.system[key]) for key in ("molecule", "basis"))
    return config.label or f"{molecule} / {config.ansatz.name} / {basis}"


AGAIN = 30.0
"""Seconds to the next attempt, should an error be lost in spite of `swallows`."""


@contextlib.contextmanager
def limit(minutes: float | None) -> Iterator[None]:
    """Ends what it encloses after so many minutes, by a `TimeoutError`; only a process's main thread can be ended so.

    A compilation that runs at that time is finished first.
    """
    usable = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGALRM")
    if minutes is None or not usable:
        yield
        return

    def end(_: int, frame: Any) -> None:
        if swallows(frame):
            signal.setitimer(signal.ITIMER_REAL, 0.1, AGAIN)
            return
        raise TimeoutError(f"it took longer than --minutes={minutes:g}")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 60 * minutes, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def needs(package: str, extra: str) -> Any:
    """An optional package, imported now.

    Raises:
        InputError: if it is missing.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"--launcher={extra} needs the package '{package}', which is not installed; pip install 'nnks[{extra}]', "
            "or use --launcher=local."
        ) from None


def lost(task: Task, why: str) -> list[Outcome]:
    """The outcomes of a task whose process ended without an answer, stored with its runs."""
    from nnks.config import from_dict

    return [failure(from_dict(values), task.results, ChildProcessError(why)) for values in task.configs]


def left(task: Task, why: str) -> list[Outcome]:
    """The outcomes of a task whose process was asked to end, and has saved what it had."""
    from nnks.config import from_dict

    return [Outcome(name_of(from_dict(values)), left=why) for values in task.configs]
