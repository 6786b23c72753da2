"""Weights & Biases as one more writer: offline unless asked, silent, never the reason that a run stops."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from nnks.registry import InputError, suggest
from nnks.tracking.base import Metrics, warn
from nnks.tracking.files import plain
from nnks.tracking.store import RunFolder

MODES = ("offline", "online", "disabled")
INIT_TIMEOUT = 15.0  # [s]; with a key and no network W&B would otherwise try for 100 s
FINISH_TIMEOUT = 60.0  # [s]; what is not uploaded by then stays on disk


def wandb_id(*names: str) -> str:
    """Names joined to an id that W&B accepts: letters, digits, `-`, `_` and `.`, at most 128 of them."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(name for name in names if name))[-128:]


class WandbWriter:
    """Mirrors a run to W&B under the id `<experiment>-<run>`, so that both sides find each other.

    Offline runs lie in `<run>/wandb/` and are uploaded later with `wandb sync`. Where W&B cannot be used as
    asked, the run goes on (online falls back to offline) and one sentence on standard error says what to do.

    Args:
        folder: the run's folder.
        config: the resolved config.
        mode: `offline`, `online` or `disabled`.
        project: the W&B project.
        group: the name of the sweep or experiment.
        tags: labels for the run.

    Raises:
        InputError: for another mode.
    """

    unreachable = False
    """Set when the server did not answer: the later runs of a sweep do not wait for it again."""

    def __init__(
        self,
        folder: RunFolder,
        config: Mapping[str, Any],
        *,
        mode: str = "offline",
        project: str = "nnks",
        group: str = "",
        tags: tuple[str, ...] = (),
    ):
        if mode not in MODES:
            raise InputError(f"tracking.wandb is '{mode}', which is no mode of W&B; {suggest(mode, MODES)}.")
        self.mode = mode
        self._run = None
        if mode == "disabled":
            return
        options = {
            "project": project,
            "group": group or None,
            "name": folder.name,
            "id": wandb_id(group, folder.name),
            "config": plain(config),
            "dir": str(folder.path),
            "tags": tags or None,
            "resume": "allow",
        }
        self._run = self._start(options)
        if self._run is not None:
            # steps travel as a metric: W&B's own counter refuses the steps that a resumed run repeats
            self._run.define_metric("step", hidden=True)
            self._run.define_metric("*", step_metric="step")

    def _start(self, options: dict[str, Any]) -> Any:
        try:
            wandb = importlib.import_module("wandb")
        except ImportError:
            self.mode = "disabled"
            warn("W&B is not installed, so this run has metrics.jsonl only; try 'pip install wandb'.")
            return None
        wandb.setup(settings=wandb.Settings(silent=True))  # the login speaks before a run's settings hold
        settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            init_timeout=INIT_TIMEOUT,
            login_timeout=INIT_TIMEOUT,
            finish_timeout=FINISH_TIMEOUT,
            finish_timeout_raises=True,
        )
        if self.mode == "online" and WandbWriter.unreachable:
            self.mode = "offline"
        if self.mode == "online":
            try:
                return wandb.init(mode="online", settings=settings, **options)
            except Exception as error:
                self.mode = "offline"
                WandbWriter.unreachable = True
                wandb.teardown()  # W&B's service still holds the id of the run that it could not start
                warn(
                    f"W&B cannot be reached ({_first_line(error)}); this run is recorded offline; "
                    f"try 'wandb login', and 'wandb sync {options['dir']}/wandb/offline-run-*' to upload it."
                )
        try:
            return wandb.init(mode="offline", settings=settings, **options)
        except Exception as error:
            self.mode = "disabled"
            warn(f"W&B does not start ({_first_line(error)}); this run is recorded in metrics.jsonl only.")
            return None

    def write(self, step: int, metrics: Metrics) -> None:
        """Logs the metrics with their step."""
        if self._run is not None:
            self._run.log({"step": int(step), **{name: float(value) for name, value in metrics.items()}})

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Stores the summary and ends the W&B run as a success."""
        self._end({"status": "finished", **plain(summary)}, 0)

    def fail(self, reason: str) -> None:
        """Ends the W&B run as a failure."""
        self._end({"status": "failed", "reason": reason}, 1)

    def _end(self, summary: dict[str, Any], exit_code: int) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        run.summary.update(summary)
        try:
            run.finish(exit_code=exit_code)
        except Exception as error:
            warn(
                f"W&B did not finish the upload ({_first_line(error)}); the data are complete on disk; "
                f"try 'wandb sync {run.settings.sync_dir}'."
            )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
