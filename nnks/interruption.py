"""Signals that ask a program to end: what is at hand is saved first, and a second signal ends it at once.

A handler runs between two instructions of Python, which may be in the middle of anything. Training therefore encloses
its steps in `whole`, within which a signal is only noted, and looks at `requested` after each step. Elsewhere the
handler raises `Interrupted` where it stands.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Sent by a terminal's Ctrl-C, by schedulers and `kill`, and by a terminal that is closed."""

TWICE = 0.1
"""Seconds within which two signals are one: a terminal sends to a whole group, and wrappers pass on what they get."""

PATIENCE = 15.0
"""Seconds after which a program that has not ended yet says what it is waiting for."""

COLLECTION = "_xla_gc_callback"
"""JAX's part of a garbage collection, which no error leaves."""

CHECKERS = ("jaxtyping", "beartype")
"""Packages which make any error in the middle of a check one of types; beartype's own code has its name for a
file's."""


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end.

    Attributes:
        signal: which.
        state: what is known of the work, such as `at step 57; the state is saved`; empty for nothing.
    """

    def __init__(self, number: int, state: str = ""):
        self.signal, self.state = signal.Signals(number), state
        super().__init__(number)

    @property
    def status(self) -> int:
        """The exit status that shells know a signal by."""
        return 128 + self.signal

    def __str__(self) -> str:
        joint = "" if self.state.startswith(";") or not self.state else " "
        return f"interrupted by {self.signal.name}{joint}{self.state}"


class _Requests:
    """What has come in since `handled` began."""

    def __init__(self, numbers: set[int]) -> None:
        self.numbers = numbers
        self.number: int | None = None
        self.whole = 0
        self.lost = False  # the error could not be raised where the handler stood

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Notes the first signal, and raises it unless steps are taken whole."""
        if self.number is not None and not self.lost:
            return
        self.number = self.number or number
        self.lost = not self.whole and swallows(frame)
        if not (self.whole or self.lost):
            raise Interrupted(self.number)


_requests: _Requests | None = None


def requested() -> bool:
    """Whether a signal has asked for the end."""
    return _requests is not None and _requests.number is not None


def check() -> None:
    """Ends what is at hand if a signal has asked for it.

    Raises:
        Interrupted: if so.
    """
    if _requests is not None and _requests.number is not None:
        raise Interrupted(_requests.number)


def renew() -> None:
    """Puts the handlers back in their place, after a package that has put its own there (Ray does)."""
    if _requests is not None and threading.current_thread() is threading.main_thread():
        for number in _requests.numbers:
            signal.signal(number, _requests.handle)


def end_with_parent() -> None:
    """Ends this process, at once, soon after the one that started it is gone: nobody would hear of its work."""
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Signals are noted and raise nothing within; `requested` says whether one came, `check` raises it."""
    requests = _requests
    if requests is None:
        yield
        return
    requests.whole += 1
    try:
        yield
    finally:
        requests.whole -= 1


@contextlib.contextmanager
def handled(*, more: Sequence[int] = (), at_once: bool = True) -> Iterator[None]:
    """Signals raise `Interrupted` within; one that the process was started to ignore (`nohup`) stays ignored.

    After one that came, another one ends the process as the system does it: no traceback while the interpreter ends.

    Args:
        more: signals beside `SIGNALS`.
        at_once: whether a second signal ends the process; not for one that others may send to as well.
    """
    global _requests
    if threading.current_thread() is not threading.main_thread() or _requests is not None:
        yield  # signals belong to the main thread; within itself, the outer one is in charge
        return
    before = {number: signal.getsignal(number) for number in (*SIGNALS, *more)}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    _requests = requests = _Requests(set(before))
    renew()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # written to by the system's own handler, at once, also where Python's does not run: in a compilation that takes
    # minutes
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, requests, at_once), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt as error:  # code of C, such as Ray's, makes Python's own error of any
        if isinstance(error, Interrupted) or requests.number is None:
            raise
        raise Interrupted(requests.number) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None and requests.number is None else signal.SIG_DFL)
        signal.set_wakeup_fd(wakeup)
        os.close(writer)
        _requests = None


def _watch(reader: int, requests: _Requests, at_once: bool) -> None:
    """Follows the signals of a process in a thread: ends it at the second, and repeats one that was lost."""
    first: float | None = None
    said = echo = False
    while True:
        ready, _, _ = select.select([reader], [], [], None if first is None else 0.1)
        now = time.monotonic()
        if ready:
            data = os.read(reader, 1)
            if not data:
                os.close(reader)
                return
            if data[0] not in requests.numbers:
                continue
            if first is None:
                first = now
            elif echo:
                echo = False
            elif at_once and now - first > TWICE:
                say(f"nnks: ended at once by a second {signal.Signals(data[0]).name}; what was saved before is kept.")
                os._exit(128 + data[0])
        elif requests.lost and requests.number is not None:
            echo = True
            _thread.interrupt_main(signal.Signals(requests.number))
        if at_once and first is not None and not said and now - first > PATIENCE:
            said = True
            say("nnks: the work at hand is finished and saved first; a second signal ends it at once.")


def say(line: str) -> None:
    """A line on standard error, past everything that may be at work on it; nothing where the terminal is gone."""
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{line}\n".encode(errors="backslashreplace"))


def swallows(frame: Any) -> bool:
    """Whether an error of this frame would be lost: in JAX's part of garbage collection, or while types are checked."""
    if frame is not None and frame.f_code.co_name == COLLECTION:
        return True
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in CHECKERS or frame.f_code.co_filename.startswith("<@beartype"):
            return True
        if package == "nnks":
            return False
        frame = frame.f_back
    return False
