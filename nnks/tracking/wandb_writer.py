"""Weights & Biases as one more writer: offline unless asked, silent, never the reason that a run stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnks.tracking.base import Metrics, warn
from nnks.tracking.files import plain
from nnks.tracking.record import FAILED, FINISHED, INTERRUPTED, called
from nnks.tracking.store import RunFolder
from nnks.tracking.wandb_session import WandbSession, check_mode, first_line, set_aside, wandb_id

TAGGED = ("ansatz.name", "optimizer.name", "orthogonalizer.name", "sampler.name", "system.basis", "functional.xc")
"""Config keys whose values become tags, beside the molecule."""

LONGEST_TAG = 64  # characters; W&B refuses longer ones


def run_tags(config: Mapping[str, Any], molecule: str = "") -> tuple[str, ...]:
    """Labels to filter by: the molecule and the values of `TAGGED`, each once.

    Args:
        config: the resolved config.
        molecule: a short name, for one that the config gives as coordinates.
    """
    values = [molecule or _value(config, "system.molecule"), *(_value(config, key) for key in TAGGED)]
    return tuple(dict.fromkeys(tag.strip()[:LONGEST_TAG] for tag in values if tag.strip()))


def _value(config: Mapping[str, Any], path: str) -> str:
    section, _, key = path.partition(".")
    value = (config.get(section) or {}).get(key)
    return str(called(path, value)) if value else ""


class WandbWriter:
    """Mirrors a run to W&B under the id `<experiment>-<run>`, so that both sides find each other.

    Offline runs lie in `<run>/wandb/` and are uploaded later with `wandb sync`. Where W&B cannot be used as
    asked, the run goes on (online falls back to offline) and one sentence on standard error says what to do.

    A recording begins with the steps in `metrics.jsonl`: one of a run that goes on is made anew, and the older one set
    aside. Online it begins after the last step that the server has. So each step is there once, and all of them are.

    Args:
        folder: the run's folder.
        config: the resolved config.
        mode: `offline`, `online` or `disabled`.
        project: the W&B project.
        group: the name of the sweep or experiment.
        tags: labels for the run; None for those of `run_tags`.

    Raises:
        InputError: for another mode.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Mapping[str, Any],
        *,
        mode: str = "offline",
        project: str = "nnks",
        group: str = "",
        tags: tuple[str, ...] | None = None,
    ):
        self._folder, self._asked = folder, mode
        self._options = {
            "project": project,
            "group": group or None,
            "name": folder.name,
            "id": wandb_id(group, folder.name),
            "config": config,
            "tags": run_tags(config) if tags is None else tags,
            "job_type": "run",
        }
        self._lost = False
        self._begin()

    def _begin(self) -> None:
        """Starts with the steps that are stored."""
        check_mode(self._asked)
        set_aside(self._folder.path)
        self._session = WandbSession(self._folder.path, self._asked, **self._options)
        self._session.count_by("step")
        self._known = self._session.reached("step")
        self._lost = False
        if self._session.run is not None:
            for metrics in self._folder.read_metrics():
                self.write(metrics["step"], {name: value for name, value in metrics.items() if name != "step"})

    @property
    def mode(self) -> str:
        """`offline`, `online` or `disabled`, as the run has got it."""
        return self._session.mode

    def write(self, step: int, metrics: Metrics) -> None:
        """Logs the metrics with their step, unless that is recorded already."""
        if self._lost or (self._known is not None and step <= self._known):
            return
        try:
            self._session.log({"step": int(step), **{name: float(value) for name, value in metrics.items()}})
            self._known = step
        except Exception as error:
            self._lost = True
            warn(f"W&B's service is gone ({first_line(error)}); the run goes on, and is recorded anew at its end.")

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Stores the summary and ends the W&B run as a success."""
        self._end({"status": FINISHED, **plain(summary)}, 0)

    def fail(self, reason: str) -> None:
        """Ends the W&B run as a failure."""
        self._end({"status": FAILED, "reason": reason}, 1)

    def leave(self) -> None:
        """Ends the W&B run as one that is not finished; nothing is left to upload where a part of it is lost."""
        if self._lost or not self._session.end({"status": INTERRUPTED}, 1):
            set_aside(self._folder.path)

    def _end(self, summary: Mapping[str, Any], exit_code: int) -> None:
        """Ends the W&B run, which is recorded anew where its service was ended from outside."""
        if not self._lost and self._session.end(summary, exit_code):
            return
        self._begin()
        if self._lost or not self._session.end(summary, exit_code):
            set_aside(self._folder.path)
            warn(f"W&B's service does not stay; '{self._folder.path}' is recorded in metrics.jsonl only.")
