"""Orbax's own words on files that it cannot use: nnks says in one line what matters, so the rest is left out."""

from __future__ import annotations

import logging
import sys
from typing import Any

LATE = "Event loop is closed"
"""What tensorstore's threads meet that go on reading after a first error: it concerns nobody."""


def quiet_orbax() -> None:
    """Leaves out orbax's warnings and errors, and late errors of its threads.

    What matters of them is raised as well.
    """
    for name in ("absl", "asyncio"):
        log = logging.getLogger(name)
        if _is_news not in log.filters:
            log.addFilter(_is_news)
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)


def _is_news(record: logging.LogRecord) -> bool:
    return "orbax" not in record.pathname and "orbax" not in record.getMessage()


class _Hook:
    """The hook before it, but for what orbax leaves behind."""

    def __init__(self, before: Any):
        self._before = before

    def __call__(self, unraisable: Any) -> None:
        late = isinstance(unraisable.exc_value, RuntimeError) and str(unraisable.exc_value) == LATE
        code = getattr(unraisable.object, "cr_code", None)  # of a coroutine that was given up
        if not late and "orbax" not in getattr(code, "co_filename", ""):
            self._before(unraisable)
