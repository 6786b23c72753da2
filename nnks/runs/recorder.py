"""What happens after every step of a run: it is written, saved, compared with the held-out grid, and ended."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from nnks import setup
from nnks.config import ConfigDict
from nnks.objective import Objective
from nnks.runs.plan import code_of_own
from nnks.tracking import Every, WriterGroup, warn
from nnks.tracking.files import plain
from nnks.tracking.record import CODE
from nnks.training import Convergence, TrainState
from nnks.training.checkpoint import Checkpoints
from nnks.training.loop import StepTaken
from nnks.training.saved import Progressed, Saved, pack, unpack
from nnks.training.two_phase import PHASE, SECOND_PHASE
from nnks.training.validation import EarlyStopping
from nnks.types import Params

CONVERGED, GRID = "converged", "grid"
"""Why a run ended: both thresholds were reached, or the energy fell on the training grid alone. Or the energies of
other molecules did not fall (`validation`); or `steps`, or `seconds`."""

STOPS = ("", CONVERGED, GRID, "seconds", "steps", "validation")
"""All of them, after that of a run which goes on; checkpoints hold the place here."""

COARSE = 0.01
"""Difference of a state's energies on the training grid and on the held-out one [Ha] that a run warns of."""


class Recorder:
    """Follows one run, step by step; the steps themselves know of none of it.

    Attributes:
        stopped: why the run ended; empty as long as it goes on.
        seconds: of the run so far, those of an interrupted one before included.
    """

    def __init__(
        self,
        config: ConfigDict,
        objective: Objective,
        stopping: EarlyStopping | None,
        start: Saved,
        checkpoints: Checkpoints,
        writers: WriterGroup,
        label: str,
        exact: Callable[[Params], float] | None = None,
    ):
        self._config, self._objective, self._stopping, self._label = config, objective, stopping, label
        self._checkpoints, self._writers = checkpoints, writers
        self._code = code_of_own(config)
        self._exact, self._exact_due = exact, Every(config.tracking.exact_steps)
        self._start, known = unpack(start, stopping)
        self._convergence = Convergence(*setup.tolerances(config), known.total)
        self.stopped = STOPS[known.stopped] or self._stop(False, False, 0.0, int(start.step))
        self._save, self._log = Every(config.training.checkpoint_steps), Every(config.tracking.log_steps)
        self._before, self._trained = known.seconds, known.trained
        self._last: StepTaken | None = None
        self._row: dict[str, Any] = {}  # what was recorded last
        # how often; None where an older checkpoint does not say it
        self._rows: int | None = checkpoints.note.get("rows") if int(start.step) else 0
        self._best = stopping.better() if stopping is not None and self.stopped else None
        self._whole = self._last, known, self._copy_of_stopping()
        self._kept: int | None = None  # the step that was saved last
        self.seconds, self._compiled = self._before, 0.0
        self._started = time.perf_counter()

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What was recorded last."""
        return self._row

    @property
    def state(self) -> TrainState:
        """The run's state: after the last step, or the better one that the held-out grid found at the end."""
        if self._best is not None:
            return self._best
        return self._start if self._last is None else self._last.state

    def take(self, progress: StepTaken) -> bool:
        """Records a step; whether the run ends with it."""
        objective, stopping, metrics = self._objective, self._stopping, progress.metrics
        fits = stopping is not None and stopping.check(objective, self.state, progress)
        self._last = progress
        now = time.perf_counter()
        self._compiled = self._compiled or now  # the first step of a process compiles, and counts as no training
        self.seconds, spent = self._before + now - self._started, self._trained + now - self._compiled
        converged = self._convergence.reached(metrics) and self._exactly(metrics)
        self.stopped = self._stop(converged, fits, spent, progress.step)
        if self._exact is not None and self._exact_due(progress.step):
            metrics["energy/exact"] = self._exact(progress.state.params)
        # a step that is saved in its turn is recorded as well
        if self._log(progress.step) or self._save(progress.step) or "energy/exact" in metrics or self.stopped:
            row = metrics | {"time/elapsed_s": self.seconds, "time/training_s": spent}
            self._writers.write(progress.step, row)
            self._row = plain({"step": progress.step, **row})
            self._rows = None if self._rows is None else self._rows + 1
        if stopping is not None and self.stopped:
            self._best = stopping.better()
            self.stopped = self.stopped if self._best is None else stopping.reason
        numbers = Progressed(metrics["energy/total"], self.seconds, spent, STOPS.index(self.stopped))
        self._whole = progress, numbers, self._copy_of_stopping()
        if self._save(progress.step) or self.stopped:
            self.save()
        return bool(self.stopped)

    def save(self) -> None:
        """Saves the state after the last step that was taken to its end, unless it is saved already."""
        progress, numbers, stopping = self._whole
        if self._kept != self.step:
            self._kept = self.step
            state = self._start if progress is None else progress.state
            # the row goes with the state, should the file of rows be damaged; a step between two records has none
            note: dict[str, Any] = {"row": self._row} if self._row.get("step") == self.step else {}
            note |= {} if self._rows is None else {"rows": self._rows}
            note |= {CODE: self._code} if self._code else {}
            self._checkpoints.save(pack(state, numbers, stopping), note)

    @property
    def step(self) -> int:
        """The step that `save` saves."""
        progress, _, _ = self._whole
        return int(self._start.step) if progress is None else progress.step

    def _copy_of_stopping(self) -> EarlyStopping | None:
        """What early stopping knows now."""
        stopping = self._stopping
        return None if stopping is None else dataclasses.replace(stopping, recent=stopping.recent.copy())

    def warn_if_coarse(self) -> None:
        """Says so if the training grid and the held-out one disagree."""
        stopping, level = self._stopping, self._config.quadrature.level
        if stopping is not None and stopping.apart > COARSE:
            warn(
                f"{self._label}: energies on quadrature.level={level} and one level finer are {stopping.apart:.2g} "
                "Ha apart, so that training says little about the energy; use a higher quadrature.level."
            )

    def _exactly(self, metrics: Mapping[str, Any]) -> bool:
        """Whether a step's energy is that of the full grid, which alone can be converged."""
        return self._objective.exact or metrics.get(PHASE) == SECOND_PHASE

    def _stop(self, converged: bool, fits: bool, spent: float, step: int) -> str:
        """Why a run ends after this step; empty if it does not."""
        training = self._config.training
        late = training.seconds is not None and spent >= training.seconds
        fitted = GRID if self._stopping is None else self._stopping.reason
        ends = {CONVERGED: converged, fitted: fits, "seconds": late, "steps": step == training.steps}
        return next((reason for reason, holds in ends.items() if holds), "")
