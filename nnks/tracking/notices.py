"""What is wrong with a store, said once: a line on standard error for each, and to whoever collects them for a page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nnks.tracking.base import warn

_SAID: set[str] = set()
_COLLECTING: list[list[str]] = []


def notice(sentence: str) -> None:
    """Says a sentence on standard error, once a process; a collector hears it each time."""
    for sentences in _COLLECTING:
        if sentence not in sentences:
            sentences.append(sentence)
    if sentence not in _SAID:
        _SAID.add(sentence)
        warn(sentence)


@contextlib.contextmanager
def collected() -> Iterator[list[str]]:
    """The notices of what is done inside, in their order, each once."""
    sentences: list[str] = []
    _COLLECTING.append(sentences)
    try:
        yield sentences
    finally:
        _COLLECTING[:] = [other for other in _COLLECTING if other is not sentences]
