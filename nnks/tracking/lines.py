"""Metrics as lines of JSON, a step each, which end in a checksum; read line by line, so that no file is too long.

A line that is no record costs itself alone: `{"step": 3, "energy/total": -1.1, "check": "5f2c0d9a"}` has a step that is
above the one before, numbers or null, and the CRC-32 of the text before `check`. Lines of older files have no checksum.
"""

from __future__ import annotations

import collections
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.tracking.files import Damaged, open_regular, plain, printable
from nnks.tracking.notices import notice

CHECK = "check"
LONGEST, LAST = 1 << 20, 2**53
"""Bytes of a line and the step beyond which it is no record."""

_SEPARATOR = f', "{CHECK}": "'


def metrics_line(step: int, metrics: Mapping[str, Any]) -> str:
    """One record with its checksum; numbers that are not finite are null."""
    text = json.dumps(plain({"step": int(step), **metrics}), allow_nan=False)[:-1]
    return f'{text}{_SEPARATOR}{zlib.crc32(text.encode()):08x}"}}\n'


def parse_line(raw: bytes) -> dict[str, Any]:
    """A record; a null is read as nan.

    Raises:
        Damaged: with the reason, for anything else.
    """
    try:
        text = raw.decode("utf-8")
        entry = json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged("no JSON") from None
    if not isinstance(entry, dict):
        raise Damaged("no record")
    if (check := entry.pop(CHECK, None)) is not None:
        body = text.rpartition(_SEPARATOR)[0]
        if check != f"{zlib.crc32(body.encode()):08x}":
            raise Damaged("its checksum is off")
    step = entry.get("step")
    if type(step) is not int or not 0 <= step < LAST:
        raise Damaged("no step")
    for name, value in entry.items():
        if value is None:
            entry[name] = math.nan
        elif type(value) not in (int, float) or not -1e300 < value < 1e300:
            raise Damaged(f"'{printable(name)[:40]}' is no number")
    return entry


def _raw_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends.

    The rest of one that is too long is a line of its own, and no record either.
    """
    with open_regular(path) as stream:
        while raw := stream.readline(LONGEST):
            yield raw


def each_line(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None, str]]:
    """Each line, with its record or the reason why it is none; the half line of a killed process is left out.

    Raises:
        Damaged: for what is no file.
    """
    latest = -1
    for raw in _raw_lines(path):
        if not raw.strip():
            continue
        try:
            entry = parse_line(raw)
            if entry["step"] < latest:
                raise Damaged("out of order")
        except Damaged as error:
            if raw.endswith(b"\n") or len(raw) >= LONGEST:
                yield raw, None, str(error)
            continue
        latest = entry["step"]
        yield raw, entry, ""


def stream_metrics(path: Path, last: int | None = None) -> Iterator[dict[str, Any]]:
    """Records in their order, lines of one step merged; what is no record or missing is said at the end.

    Args:
        path: the file; a missing one has no records.
        last: the step that its records must reach, for a run that has ended; half a line is damage there.
    """
    pending: dict[str, Any] | None = None
    unusable, first = 0, ""
    try:
        for _, entry, wrong in each_line(path):
            if entry is None:
                unusable, first = unusable + 1, first or wrong
            elif pending is not None and pending["step"] == entry["step"]:
                pending.update(entry)
            else:
                if pending is not None:
                    yield pending
                pending = entry
    except FileNotFoundError:
        pass
    except Damaged as error:
        notice(f"'{printable(str(path))}' is damaged ({error}) and is not used.")
        return
    if pending is not None:
        yield pending
    reached = -1 if pending is None else pending["step"]
    if last is not None and reached < last:
        rest = "has none of its records" if reached < 0 else f"ends with step {reached}"
        notice(f"'{printable(str(path))}' {rest}; the run took its last at step {last}: the rest is missing.")
    if unusable:
        many = f"{unusable} lines are no records" if unusable > 1 else "a line is no record"
        notice(f"'{printable(str(path))}': {many} ({first}), and left out.")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All records, as `stream_metrics` gives them."""
    return list(stream_metrics(path))


def last_metrics(path: Path) -> dict[str, Any] | None:
    """The last record; None for none."""
    return next(iter(collections.deque(stream_metrics(path), maxlen=1)), None)
