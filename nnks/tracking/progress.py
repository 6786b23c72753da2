"""The console while a run runs: one live line on a terminal, a line a phase and one now and then in a log file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nnks.tracking.base import Metrics
from nnks.tracking.remaining import Remaining

if TYPE_CHECKING:
    from rich.console import Console
else:
    Console = Any  # rich is imported when a run starts; the shape check must not look for it before


Position = tuple[int, int] | tuple[int, int, float | None]
"""(n, m) for run n of m in a sweep, and the seconds that all runs after it take together, where stored runs of theirs
tell."""

BUILDING, COMPILING, EVALUATION = "building", "compiling", "final evaluation"
"""What a run does beside its steps."""


class ConsoleWriter:
    """Shows what a run does: its phase, steps with energy [Ha], gradient norm and speed, and the time that is left.

    A phase is shown by its name and since when it lasts.

    The time that is left is shown where it is known within a factor of about three; elsewhere the time since the start
    is.

    Args:
        steps: how many steps the run may take.
        label: what the run is called.
        position: of a run in a sweep.
        console: a rich console; by default standard error.
        limit: seconds after which the run ends, if it has such a limit.
        thresholds: of the energy's change [Ha] and the gradient's norm, if the run may end by them.
        interval: seconds between two lines where the output is no terminal.
        clock: the time in seconds.
    """

    def __init__(
        self,
        steps: int,
        label: str = "",
        *,
        position: Position | None = None,
        console: Console | None = None,
        limit: float | None = None,
        thresholds: tuple[float, float] | None = None,
        interval: float | int = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        from rich.console import Console

        self._steps = steps
        self._console = console or Console(stderr=True)
        self._remaining = Remaining(steps, math.inf if limit is None else limit, thresholds)
        self._interval = interval
        self._clock = clock
        self._start = self._began = self._shown = self._since = self._wrote = clock()
        self._first: int | None = None  # the step at which this process began: later than 0 for a resumed run
        self._last: tuple[int, Metrics] | None = None
        self._phase, self._told = "", False
        self._title = " · ".join(part for part in (_counted(position), label) if part) or "run"
        self._live = self._task = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._open_live(_after(position), bar=thresholds is None)
        if self._live is None:
            self._print(self._title + _after(position))

    def _open_live(self, after: str, bar: bool) -> None:
        from rich.errors import LiveError
        from rich.progress import BarColumn, Progress, TextColumn

        # a bar of steps would stand at its beginning when a run converges
        columns = [BarColumn(bar_width=16)] if bar else []
        live = Progress(
            TextColumn("[bold]{task.description}[/]", markup=True),
            *columns,
            TextColumn("{task.fields[state]}", markup=False),
            console=self._console,
            transient=True,
        )
        try:
            live.start()
        except LiveError:  # an outer display is in charge: print lines below it
            return
        from rich.markup import escape

        self._live = live
        title = escape(self._title + after)
        self._task = live.add_task(title, total=max(self._steps, 1), state=_Now(self._now))

    def phase(self, name: str) -> None:
        """Says what the run does from now on; a log has a line for what comes before the first comma."""
        new = name.partition(",")[0] != self._phase.partition(",")[0]
        if new:
            self._since = self._clock()
        if not self._phase and self._last is not None and self._live is None:
            self._print("  " + self._state(*self._last))  # where training ended
        self._phase = name
        if self._live is None and (new or self._clock() - self._shown >= self._interval):
            self._shown = self._clock()
            self._print("  " + (name.partition(",")[0] if new else self._now()))

    def write(self, step: int, metrics: Metrics) -> None:
        """Shows the metrics: at once on a terminal, otherwise if the last line is long enough ago."""
        now = self._clock()
        if self._first is None:
            self._first, self._began = step, now  # the speed leaves compilation out
        self._phase, self._last, self._wrote = "", (step, metrics), now
        self._remaining.take(step, metrics.get("time/training_s", now - self._began), metrics)
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=step + 1)
        elif step == self._first or now - self._shown >= self._interval:
            self._shown = now
            self._print("  " + self._state(step, metrics))

    def result(self, summary: Mapping[str, Any]) -> None:
        """One line with the energy, before anything is known to compare it with."""
        self._told = True
        self._print(self._end(summary))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Closes the display, with one line unless the result was told: final energy, number of steps and time."""
        self._close("" if self._told else self._end(summary))

    def fail(self, reason: str) -> None:
        """Closes the display with the reason."""
        self._close(f"{self._title}: failed: {reason}")

    def leave(self) -> None:
        """Closes the display without a line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _end(self, summary: Mapping[str, Any]) -> str:
        energy = (summary.get("energies") or {}).get("total")
        reached = "" if energy is None else f"E = {energy:.7f} Ha, "
        seconds = summary.get("seconds")
        spent = self._clock() - self._start if seconds is None else seconds
        return f"{self._title}: {reached}{outcome(summary)} after {summary.get('steps', '?')} steps, {duration(spent)}"

    def _close(self, line: str) -> None:
        if self._live is None and self._last is not None and not self._phase:
            self._print("  " + self._state(*self._last))
        self.leave()
        if line:
            self._print(line)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _now(self) -> str:
        """What a terminal shows at this moment."""
        if self._phase or self._last is None:
            return f"{self._phase or BUILDING}, {duration(self._clock() - self._since)}"
        return self._state(*self._last)

    def _state(self, step: int, metrics: Metrics) -> str:
        parts = [f"step {step}/{self._steps}"]
        if "energy/total" in metrics:
            parts.append(f"E = {float(metrics['energy/total']):.7f} Ha")
        if "energy/validation" in metrics:
            parts.append(f"validation {float(metrics['energy/validation']):.7f} Ha")
        if "grad/norm" in metrics:
            parts.append(f"|g| = {float(metrics['grad/norm']):.1e}")
        first = step if self._first is None else self._first
        done, spent = step - first, self._wrote - self._began
        if done > 0 and spent > 0:
            parts.append(f"{done / spent:.3g} steps/s")
        left = self._remaining.seconds()
        parts.append(duration(self._clock() - self._start) if left is None else f"about {duration(left)} left")
        return "  ".join(parts)


class _Now:
    """A text that is made when it is shown, so that the seconds of a phase go on."""

    def __init__(self, make: Callable[[], str]):
        self._make = make

    def __str__(self) -> str:
        return self._make()


def _counted(position: Position | None) -> str:
    return "" if position is None else f"run {position[0]}/{position[1]}"


def _after(position: Position | None) -> str:
    """How many runs come after this one, and in what time, where that is known."""
    if position is None or position[1] <= position[0]:
        return ""
    seconds = position[2] if len(position) == 3 else None
    about = "" if seconds is None else f", about {duration(seconds)}"
    return f" ({position[1] - position[0]} more after it{about})"


def duration(seconds: float | int) -> str:
    """Seconds as people write them: `8.2 s`, `4:05 min`, `2:03:10 h`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def outcome(summary: Mapping[str, Any]) -> str:
    """How a run's training ended, in words."""
    if summary.get("converged"):
        return "converged"
    ends = {
        "grid": "as low as a second grid confirms",
        "validation": "as low as other molecules confirm",
        "steps": "not converged, out of steps",
        "seconds": "not converged, out of time",
    }
    return ends.get(summary.get("stopped", ""), "not converged")
