"""Where a run's numbers go while it runs: JSON lines always, the console and W&B as wanted.

The runner calls `write` with the metrics of a step and ends with `finish` or `fail`. The JSON lines are the
record of truth; the other writers may lose numbers, but never stop a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnks.registry import StoreError
from nnks.tracking.base import Every, Metrics, Writer, warn
from nnks.tracking.files import digest
from nnks.tracking.progress import ConsoleWriter
from nnks.tracking.record import CONFIG, CONFIG_CHECKSUM, FAILED, FINISHED, LAST_STEP, SUMMARY, config_hash
from nnks.tracking.store import RunFolder
from nnks.tracking.wandb_writer import WandbWriter

__all__ = ["Afterwards", "ConsoleWriter", "Every", "JsonlWriter", "Metrics", "WandbWriter", "Writer", "WriterGroup"]


class JsonlWriter:
    """Stores metrics in `metrics.jsonl` and the end of the run in `summary.json`.

    Args:
        folder: the run's folder; call `RunFolder.resume` on it first when a run goes on.
        known: summary entries that are known before the run (label, parameters, reference, ...); a failed run
            is stored with these.
    """

    def __init__(self, folder: RunFolder, known: Mapping[str, Any] | None = None):
        self.folder = folder
        self._known = dict(known or {})
        self._last: int | None = None

    def write(self, step: int, metrics: Metrics) -> None:
        """Adds one line."""
        self.folder.append_metrics(step, metrics)
        self._last = step

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Marks the run as finished, atomically."""
        self._end({"status": FINISHED, "reason": "", **summary})

    def fail(self, reason: str) -> None:
        """Marks the run as failed; `steps` and `seconds` are those of the last metrics."""
        last = self.folder.last_metrics() or {}
        reached = {"steps": last.get("step", 0), "seconds": last.get("time/elapsed_s")}
        self._end({"status": FAILED, "reason": reason, "converged": False, **reached})

    def leave(self) -> None:
        """Nothing: without a summary a run is interrupted."""

    def _end(self, summary: dict[str, Any]) -> None:
        if not self.folder.record.has(CONFIG):  # an energy of nobody knows what is none
            raise StoreError(f"'{self.folder.path / SUMMARY}' cannot be written ({CONFIG} beside it has been removed)")
        record = self.folder.record
        identity: dict[str, Any] = {"config_hash": config_hash(record.config), CONFIG_CHECKSUM: digest(record.config)}
        identity["seed"] = record.seed
        if self._last is None:  # no step was taken since the run went on
            self._last = (self.folder.last_metrics() or {}).get("step")
        identity[LAST_STEP] = self._last
        self.folder.write_json(SUMMARY, {**identity, **self._known, **summary})


class WriterGroup:
    """Several writers as one. The first is the record of truth, and ends last.

    A folder thus counts as finished only when every writer is done. An error of the first writer stops the
    run (a full disk should); an error of another one switches that writer off and is reported once.
    """

    def __init__(self, record: Writer, *others: Writer):
        self._record = record
        self._others = list(others)

    def write(self, step: int, metrics: Metrics) -> None:
        """Passes the metrics on."""
        self._record.write(step, metrics)
        self._pass_on("write", step, metrics)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Ends all writers."""
        self._pass_on("finish", summary)
        self._record.finish(summary)

    def fail(self, reason: str) -> None:
        """Ends all writers."""
        self._pass_on("fail", reason)
        self._record.fail(reason)

    def leave(self) -> None:
        """Ends all writers; the run goes on another time."""
        self._pass_on("leave")
        self._record.leave()

    def _pass_on(self, method: str, *arguments: Any) -> None:
        for writer in list(self._others):
            try:
                getattr(writer, method)(*arguments)
            except Exception as error:
                self._others.remove(writer)
                warn(f"{type(writer).__name__} is switched off for this run ({error}); metrics.jsonl goes on.")


class Afterwards:
    """Starts a writer at the end of a run, from whose folder it takes all steps.

    It is for a writer that cannot follow several runs at a time.

    Args:
        make: starts a writer that begins with all steps in the run's folder.
    """

    def __init__(self, make: Callable[[], Writer]):
        self._make = make

    def write(self, step: int, metrics: Metrics) -> None:
        """Nothing yet."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Writes all steps, and the end."""
        self._make().finish(summary)

    def fail(self, reason: str) -> None:
        """Writes all steps, and the reason."""
        self._make().fail(reason)

    def leave(self) -> None:
        """Nothing: all is written when the run ends."""
