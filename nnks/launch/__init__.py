"""Where the runs of a sweep run: in this process, in processes of this machine, on a Ray cluster, or as SLURM jobs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from nnks.launch.task import Outcome as Outcome
from nnks.launch.task import Resources as Resources
from nnks.launch.task import Task as Task
from nnks.registry import InputError, suggest

LAUNCHERS = {"local": ("local", "Processes"), "ray": ("ray", "Ray"), "slurm": ("slurm", "Slurm")}
"""The module here and the class of each, imported when it is used."""


@runtime_checkable
class Launcher(Protocol):
    """Carries out tasks, some at a time."""

    @property
    def workers(self) -> int:
        """How many at a time."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether tasks are elsewhere, where nobody sees their console."""
        ...

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, list[Outcome]]]:
        """The place of each task and the outcomes of its runs, as it ends; whatever happens to it."""
        ...


def make_launcher(
    name: str = "local", workers: int = 1, resources: Resources | None = None, cluster: str = ""
) -> Launcher:
    """The launcher of a name; `local` with one worker is this process.

    Raises:
        InputError: for an unknown name, an impossible number, a resource that it does not have, or a package that is
            missing.
    """
    if name not in LAUNCHERS:
        raise InputError(f"--launcher is '{name}'; {suggest(name, LAUNCHERS)}.")
    if workers < 1:
        raise InputError(f"--workers is {workers}; it must be at least 1.")
    module, kind = LAUNCHERS[name]
    own = resources or Resources()
    if name == "local" and workers == 1 and own.cpus is None and not own.gpus:
        kind = "InProcess"
    return getattr(importlib.import_module(f"nnks.launch.{module}"), kind)(workers, resources, cluster)
