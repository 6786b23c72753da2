"""Tasks on a Ray cluster, or on this machine by Ray."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from nnks.interruption import renew
from nnks.launch.task import Outcome, Resources, Task, lost, needs, perform


class Ray:
    """Each task is a Ray task with its own resources; Ray decides where and when.

    Args:
        workers: tasks at a time.
        resources: of each; one core if nothing is asked for.
        cluster: address of a running cluster, or `auto`; empty for that in `RAY_ADDRESS`, or a new one on this machine.
    """

    quiet = True

    def __init__(self, workers: int, resources: Resources | None = None, cluster: str = ""):
        self._ray = needs("ray", "ray")
        self.workers, self._resources, self._cluster = workers, resources or Resources(), cluster

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each task, as it ends."""
        ray, started = self._ray, not self._ray.is_initialized()
        if started:
            self._start()
        remote = ray.remote(**self._options())(_perform)
        waiting, running = list(enumerate(tasks))[::-1], {}
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    number, task = waiting.pop()
                    running[remote.remote(task)] = number, task
                (reference,), _ = ray.wait(list(running))
                number, task = running.pop(reference)
                try:
                    yield number, ray.get(reference)
                except ray.exceptions.RayError as error:  # the worker or its machine went away
                    yield number, lost(task, f"Ray lost it: {str(error).strip().splitlines()[0]}")
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            if started:
                ray.shutdown()

    def _start(self) -> None:
        address = self._cluster or os.environ.get("RAY_ADDRESS")
        paths = os.pathsep.join(path for path in sys.path if path)
        options: dict[str, Any] = {"runtime_env": {"env_vars": {"PYTHONPATH": paths}}, "log_to_driver": False}
        if address:
            options["address"] = address
        else:
            cores = self.workers * (self._resources.cpus or 1)
            options |= {"include_dashboard": False, "num_cpus": cores}
            options |= {"num_gpus": self.workers * self._resources.gpus} if self._resources.gpus else {}
        with warnings.catch_warnings():  # Ray starts its programs by fork and exec at once, which JAX's threads survive
            warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
            self._ray.init(**options)
        renew()

    def _options(self) -> dict[str, Any]:
        own, cpus = self._resources, self._resources.cpus or 1
        threads = {"OMP_NUM_THREADS": str(cpus), "NPROC": str(cpus)}  # of PySCF, and of XLA
        options: dict[str, Any] = {"num_cpus": cpus, "max_retries": 0, "runtime_env": {"env_vars": threads}}
        if own.gpus:
            options["num_gpus"] = own.gpus
        if own.memory is not None:
            options["memory"] = int(1e9 * own.memory)
        return options


def _perform(task: Task) -> list[Outcome]:
    return perform(task)
