"""One run of Weights & Biases that never stops nnks: started as asked or as far as possible, ended within a time.

Offline recordings lie in `<folder>/wandb/` until `wandb sync` uploads them. W&B takes the steps of a run from the last
recording that is uploaded, so there is one of each run: an older one goes to `<folder>/wandb/superseded/`.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from nnks.registry import InputError, suggest
from nnks.tracking.base import warn
from nnks.tracking.files import plain

MODES = ("offline", "online", "disabled")
INIT_TIMEOUT = 15.0  # [s]; with a key and no network W&B would otherwise try for 100 s
FINISH_TIMEOUT = 60.0  # [s]; what is not uploaded by then stays on disk
RECORDINGS, SUPERSEDED = "offline-run-*", "superseded"


def wandb_id(*names: str) -> str:
    """Names joined to an id that W&B accepts: letters, digits, `-`, `_` and `.`, at most 128 of them."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(name for name in names if name))[-128:]


def check_mode(mode: str) -> None:
    """Accepts `offline`, `online` and `disabled`.

    Raises:
        InputError: for another mode.
    """
    if mode not in MODES:
        raise InputError(f"tracking.wandb is '{mode}', which is no mode of W&B; {suggest(mode, MODES)}.")


class WandbSession:
    """A W&B run that is being written.

    Online falls back to offline and offline to nothing, each with one sentence on standard error.

    Args:
        folder: where `wandb/` goes.
        mode: `offline`, `online` or `disabled`.
        options: of `wandb.init`: `project`, `id`, `name`, `group`, `tags`, `config`, ... A run of the same id is
            resumed.

    Attributes:
        mode: the one that the run has got.
        run: W&B's own, or None.

    Raises:
        InputError: for another mode.
    """

    unreachable: ClassVar[bool] = False
    """Set when the server did not answer: the later runs of a sweep do not wait for it again."""

    def __init__(self, folder: Path, mode: str, **options: Any):
        check_mode(mode)
        self.mode = mode
        self.run: Any = None
        if mode == "disabled":
            return
        if mode == "online" and WandbSession.unreachable:
            self.mode = "offline"
        options |= {"config": plain(options.get("config") or {}), "dir": str(folder), "resume": "allow"}
        try:
            wandb = importlib.import_module("wandb")
        except ImportError:
            self.mode = "disabled"
            warn("W&B is not installed, so this run has metrics.jsonl only; try 'pip install wandb'.")
            return
        if self.mode == "online":
            self._start_online(wandb, options)
        if self.mode == "offline":
            self._start_offline(wandb, options)

    def _start_online(self, wandb: Any, options: dict[str, Any]) -> None:
        try:
            self.run = _init(wandb, "online", options)
        except Exception as error:
            self.mode = "offline"
            WandbSession.unreachable = True
            warn(
                f"W&B cannot be reached ({first_line(error)}); this run is recorded offline; try 'wandb login', and "
                f"'{_sync(Path(options['dir']) / 'wandb')}' to upload it."
            )
            try:
                wandb.teardown()  # W&B's service still holds the id of the run that it could not start
            except Exception as failure:
                warn(f"W&B's service does not end ({first_line(failure)}); the run goes on.")

    def _start_offline(self, wandb: Any, options: dict[str, Any]) -> None:
        try:
            self.run = _init(wandb, "offline", options)
        except Exception as error:
            self.mode = "disabled"
            warn(f"W&B does not start ({first_line(error)}); this run is recorded in metrics.jsonl only.")

    def count_by(self, metric: str) -> None:
        """Makes a metric the horizontal axis of all others.

        W&B's own counter refuses the steps that a resumed run repeats.
        """
        if self.run is not None:
            try:
                self.run.define_metric(metric, hidden=True)
                self.run.define_metric("*", step_metric=metric)
            except Exception as error:
                warn(f"W&B does not take '{metric}' as its axis ({first_line(error)}); the run goes on.")

    def reached(self, metric: str) -> float | None:
        """The last value of a metric that W&B's server has of a run which goes on; None for a new one, and offline."""
        if self.run is None or not self.run.resumed:
            return None
        value = self.run.summary.get(metric)
        return float(value) if isinstance(value, (int, float)) else None

    def log(self, values: Mapping[str, Any]) -> None:
        """Adds a row to the run's history."""
        if self.run is not None:
            self.run.log(dict(values))

    def end(self, summary: Mapping[str, Any], exit_code: int = 0) -> bool:
        """Stores summary values and ends the run; what is not uploaded by then stays on disk.

        Returns:
            Whether all of it is recorded: not if W&B's service was ended from outside.
        """
        run, self.run = self.run, None
        if run is None:
            return True
        try:
            run.summary.update(plain(summary))
            run.finish(exit_code=exit_code)
        except TimeoutError as error:
            warn(
                f"W&B did not finish the upload ({first_line(error)}); the data are complete on disk; "
                f"try 'wandb sync {shlex.quote(str(run.settings.sync_dir))}'."
            )
        except Exception:
            return False
        return True


def set_aside(folder: str | Path) -> None:
    """Moves the offline recordings of a run to where no upload looks for them."""
    inner = Path(folder) / "wandb"
    for path in inner.glob(RECORDINGS):
        target, copy = inner / SUPERSEDED / path.name, 1
        try:
            target.parent.mkdir(exist_ok=True)
            while target.exists():
                copy += 1
                target = target.with_name(f"{path.name}-{copy}")
            path.rename(target)
        except OSError as error:
            warn(f"the recording '{path}' cannot be set aside ({error.strerror}); do not upload it beside a newer one.")


def _init(wandb: Any, mode: str, options: dict[str, Any]) -> Any:
    """A run of W&B; where its service was ended from outside, by a new one."""
    try:
        return _start(wandb, mode, options)
    except ConnectionError:
        with contextlib.suppress(Exception, SystemExit):  # it tells the service, which is gone, before it forgets it
            wandb.teardown()
        set_aside(options["dir"])  # the attempt has left an empty recording
        return _start(wandb, mode, options)


def _start(wandb: Any, mode: str, options: dict[str, Any]) -> Any:
    wandb.setup(settings=wandb.Settings(silent=True))  # the login speaks before a run's settings hold
    settings = wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        # versions are in the run's environment; reading all packages takes a fifth of a second
        x_save_requirements=False,
        init_timeout=INIT_TIMEOUT,
        login_timeout=INIT_TIMEOUT,
        finish_timeout=FINISH_TIMEOUT,
        finish_timeout_raises=True,
    )
    return wandb.init(mode=mode, settings=settings, **options)


def waiting(folder: str | Path) -> list[Path]:
    """Offline recordings of a run or of all runs of an experiment that are not uploaded yet."""
    folder = Path(folder)
    recordings = [*folder.glob(f"wandb/{RECORDINGS}"), *folder.glob(f"*/wandb/{RECORDINGS}")]
    return sorted(path for path in recordings if not any(path.glob("*.wandb.synced")))


def sync_instruction(folder: str | Path) -> str:
    """One sentence on how to upload what is recorded offline below a run's or an experiment's folder.

    Empty for nothing.
    """
    recordings = waiting(folder)
    if not recordings:
        return ""
    parents = list(dict.fromkeys(path.parent for path in recordings))
    own = Path(folder) / "wandb"
    inner = any(parent != own for parent in parents)
    commands = [_sync(own)] * (own in parents) + [_sync(Path(folder) / "*" / "wandb")] * inner
    count = f"{len(recordings)} recordings wait" if len(recordings) > 1 else "1 recording waits"
    return f"W&B: {count} on this machine; upload with: {' && '.join(commands)}"


def _sync(parent: Path) -> str:
    """The command for a folder `wandb`, whose stars are the shell's."""
    quoted = "/".join(part if part in ("", "*") else shlex.quote(part) for part in parent.as_posix().split("/"))
    return f"wandb sync {quoted}/{RECORDINGS}"


def first_line(error: BaseException) -> str:
    """What an error says, in one line without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
