"""The one loop: a generator of progress. Writers, checkpoints and stopping rules are outside it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from nnks.training.state import Metrics, StepFn, TrainingDiverged, TrainState, member


@dataclasses.dataclass(frozen=True)
class Progress:
    """The outcome of one step: the state after it and its numbers, read from the device."""

    step: int
    state: TrainState
    metrics: dict[str, float]


@dataclasses.dataclass(frozen=True)
class MemberProgress:
    """The outcome of one step of one member, like `Progress`.

    Its state is taken out of the batch when it is asked for.
    """

    step: int
    metrics: dict[str, float]
    states: TrainState
    index: int

    @property
    def state(self) -> TrainState:
        """The member's state after the step."""
        return member(self.states, self.index)


StepTaken = Progress | MemberProgress
"""A step of a run: its number, its metrics, and the state after it."""


def iterate(step: StepFn, state: TrainState, *, until: int) -> Iterator[Progress]:
    """Yields progress; step n is dispatched before the numbers of step n - 1 are read.

    Raises:
        TrainingDiverged: if an energy or the gradient norm is not finite; carries the last state that was.
    """
    good, last = state, None
    pending: tuple[int, TrainState, Metrics] | None = None
    started = time.perf_counter()
    for n in range(int(state.step), until + 1):
        dispatched = None
        if n < until:
            state, metrics = step(state)
            dispatched = n + 1, state, metrics
        if pending is not None:
            progress = _read(*pending)
            elapsed, started = time.perf_counter() - started, time.perf_counter()
            progress.metrics["time/step_s"] = elapsed
            if not all(map(math.isfinite, progress.metrics.values())):
                raise TrainingDiverged(progress.step, progress.metrics, good, last)
            # the energies of a step belong to the state before its update, so that one is known to be good
            good, last = progress.state, progress.metrics["energy/total"]
            yield progress
        pending = dispatched


def _read(step: int, state: TrainState, metrics: Metrics) -> Progress:
    return Progress(step, state, {name: float(value) for name, value in metrics.items()})


ROUNDING = 1e-14
"""Of a total energy, as a share of it: forty units of the last place, for a sum of a hundred thousand numbers."""


@dataclasses.dataclass
class Convergence:
    """Stops when the energy's change in a step and its gradient's norm are both below their thresholds.

    An optimizer that predicts what is left to be gained (`energy/predicted`) is also converged when that is below the
    energy's threshold: a gradient's norm depends on how parameters are scaled, and the prediction does not. One that
    knows the energy's error (`energy/error`, from a Hessian) is judged by it instead of by the change; where that is
    less than the rounding of the total, no line search can tell a lower gradient from a higher one, and the run ends.

    The spread of recent energies alone would stop slow optimizers 0.1 mHa early. Minibatch energies are noisy, so
    stochastic runs train for all their steps.

    Attributes:
        energy: largest change of the total in the last step [Ha].
        gradient: largest norm of its gradient.
        previous: the total of the step before [Ha]; None before the first one.
    """

    energy: float
    gradient: float
    previous: float | None = None

    def reached(self, metrics: dict[str, Any]) -> bool:
        """Whether this step's metrics end the run; adds `energy/change` to them."""
        total = metrics["energy/total"]
        if self.previous is not None:
            metrics["energy/change"] = abs(total - self.previous)
        self.previous = total
        return self.holds(metrics)

    def holds(self, metrics: Mapping[str, Any]) -> bool:
        """Whether metrics that were stored with their `energy/change` ended a run."""
        off = metrics.get("energy/error", metrics.get("energy/change", math.inf))
        rounding = ROUNDING * abs(metrics["energy/total"])
        stationary = (
            metrics["grad/norm"] < self.gradient
            or metrics.get("energy/predicted", math.inf) < self.energy
            or metrics.get("energy/error", math.inf) < rounding
        )
        return off < self.energy and stationary
