"""The console while a run runs: one live line on a terminal, a line now and then in a log file."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nnks.tracking.base import Metrics

if TYPE_CHECKING:
    from rich.console import Console
else:
    Console = Any  # rich is imported when a run starts; the shape check must not look for it before


class ConsoleWriter:
    """Shows step, energy [Ha], gradient norm, speed and the time that is left at most.

    Args:
        steps: how many steps the run may take.
        label: what the run is called.
        position: (n, m) for run n of m in a sweep.
        console: a rich console; by default standard error.
        limit: seconds after which the run ends, if it has such a limit.
        interval: seconds between two lines where the output is no terminal.
        clock: the time in seconds.
    """

    def __init__(
        self,
        steps: int,
        label: str = "",
        *,
        position: tuple[int, int] | None = None,
        console: Console | None = None,
        limit: float | None = None,
        interval: float | int = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        from rich.console import Console

        self._steps = steps
        self._console = console or Console(stderr=True)
        self._limit = math.inf if limit is None else limit
        self._interval = interval
        self._clock = clock
        self._start = self._began = self._shown = clock()
        self._first: int | None = None  # the step at which this process began: later than 0 for a resumed run
        self._last: tuple[int, Metrics] | None = None
        counted = f"run {position[0]}/{position[1]}" if position else ""
        self._title = " · ".join(part for part in (counted, label) if part) or "run"
        self._live = self._task = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._open_live()
        if self._live is None:
            self._print(self._title)

    def _open_live(self) -> None:
        from rich.errors import LiveError
        from rich.progress import BarColumn, Progress, TextColumn

        live = Progress(
            TextColumn("[bold]{task.description}[/]", markup=True),
            BarColumn(bar_width=16),
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
        self._task = live.add_task(escape(self._title), total=max(self._steps, 1), state="compiling")

    def write(self, step: int, metrics: Metrics) -> None:
        """Shows the metrics: at once on a terminal, otherwise if the last line is long enough ago."""
        if self._first is None:
            self._first, self._began = step, self._clock()  # the speed leaves compilation out
        self._last = step, metrics
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=step + 1, state=self._state(step, metrics))
        elif step == self._first or self._clock() - self._shown >= self._interval:
            self._shown = self._clock()
            self._print("  " + self._state(step, metrics))

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Closes the display with one line: the final energy, the number of steps and the time."""
        energy = (summary.get("energies") or {}).get("total")
        found = "" if energy is None else f"E = {energy:.7f} Ha, "
        seconds = summary.get("seconds")
        spent = self._clock() - self._start if seconds is None else seconds
        self._close(
            f"{self._title}: {found}{outcome(summary)} after {summary.get('steps', '?')} steps, {duration(spent)}"
        )

    def fail(self, reason: str) -> None:
        """Closes the display with the reason."""
        self._close(f"{self._title}: failed: {reason}")

    def leave(self) -> None:
        """Closes the display without a line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _close(self, line: str) -> None:
        if self._live is None and self._last is not None:
            self._print("  " + self._state(*self._last))
        self.leave()
        self._print(line)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _state(self, step: int, metrics: Metrics) -> str:
        parts = [f"step {step}/{self._steps}"]
        if "energy/total" in metrics:
            parts.append(f"E = {float(metrics['energy/total']):.7f} Ha")
        if "grad/norm" in metrics:
            parts.append(f"|g| = {float(metrics['grad/norm']):.1e}")
        first = step if self._first is None else self._first
        done, spent = step - first, self._clock() - self._began
        if done > 0 and spent > 0:
            speed = done / spent
            parts.append(f"{speed:.3g} steps/s")
            left = min(max(self._steps - step - 1, 0) / speed, max(self._limit - spent, 0.0))
            parts.append(f"at most {duration(left)} left")
        return "  ".join(parts)


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
        "steps": "not converged, out of steps",
        "seconds": "not converged, out of time",
    }
    return ends.get(summary.get("stopped", ""), "not converged")
