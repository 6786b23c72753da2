"""The recording of a run for W&B by a process beside it: W&B takes longer to start than a small run takes to train.

The run sends its steps through a pipe, a line of JSON for each call of a writer, and waits at its end for the
recording's. Where that process does not do its part, the recording is made anew from the steps that are stored.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from nnks.tracking.base import Metrics, warn
from nnks.tracking.files import plain
from nnks.tracking.store import RunFolder
from nnks.tracking.wandb_session import FINISH_TIMEOUT, set_aside
from nnks.tracking.wandb_writer import WandbWriter

PROGRAM = "from nnks.tracking.wandb_process import follow; follow()"

LIMIT = 2 * FINISH_TIMEOUT
"""Seconds that the end of a recording may take."""


class WandbProcess:
    """A writer whose W&B runs in another process, which starts at once and is told later what it records.

    A signal from the terminal does not reach that process; it ends when the run ends, however that is.
    """

    def __init__(self) -> None:
        # what this process imports from, that one does
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
        self._folder: RunFolder | None = None
        self._config: Mapping[str, Any] = {}
        self._options: dict[str, Any] = {}

    def begin(self, folder: RunFolder, config: Mapping[str, Any], **options: Any) -> WandbProcess:
        """Names the run that is recorded, in the words of `WandbWriter`; returns itself."""
        self._folder, self._config, self._options = folder, plain(config), options
        self._send({"folder": str(folder.path.absolute()), "config": self._config, **options})
        return self

    def write(self, step: int, metrics: Metrics) -> None:
        """Passes the metrics of a step on."""
        self._send(["write", int(step), {name: float(value) for name, value in metrics.items()}])

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Stores the summary and ends the W&B run as a success."""
        self._end("finish", plain(summary))

    def fail(self, reason: str) -> None:
        """Ends the W&B run as a failure."""
        self._end("fail", reason)

    def leave(self) -> None:
        """Ends the W&B run as one that is not finished."""
        self._end("leave")

    def close(self) -> None:
        """Ends the process if nothing has ended it yet: it was told no run, or not its end."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def _send(self, line: Any) -> None:
        """Writes a line; one that nobody reads is in the run's folder, too."""
        stream = self._process.stdin
        assert stream is not None
        try:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
        except OSError:
            pass  # the process has ended, which its exit status says at the end

    def _end(self, method: str, *arguments: Any) -> None:
        self._send([method, *arguments])
        try:
            self._process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.close()
            if self._folder is not None:
                set_aside(self._folder.path)
            warn("W&B's process does not end; this run is recorded in metrics.jsonl only.")
            return
        if self._process.returncode and self._folder is not None:
            getattr(WandbWriter(self._folder, self._config, **self._options), method)(*arguments)


def follow() -> None:
    """Records the run that standard input tells of, line by line, to its end."""
    gc.disable()  # what is imported stays
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    unused: dict[str, Any] = dict.fromkeys(("pandas", "wandb.sdk.launch"))
    sys.modules |= (
        unused  # W&B goes without them: what is recorded here are numbers and text, and no job for its agents
    )
    importlib.import_module("wandb")  # before the run is known
    first = sys.stdin.readline()
    if not first:
        return
    told = json.loads(first)
    tags = None if told["tags"] is None else tuple(told.pop("tags"))
    writer = WandbWriter(RunFolder(told.pop("folder")), told.pop("config"), tags=tags, **told)
    calls = {"write": writer.write, "finish": writer.finish, "fail": writer.fail, "leave": writer.leave}
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        calls[method](*arguments)
        if method != "write":
            return
    writer.leave()  # the run's process was killed
