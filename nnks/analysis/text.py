"""Numbers and tables as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

TINY = 5e-4
"""Differences below this [mHa] would read 0.000."""


def number(value: float | int, form: str) -> str:
    """Formatted; nothing for nan and infinity."""
    return format(value, form) if math.isfinite(value) else ""


def signed(value: float | int) -> str:
    """A difference [mHa] in three decimals, or as a power of ten where they would all be zero."""
    return number(value, "+.1e" if 0 < abs(value) < TINY else "+.3f")


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of equal keys as a table of Markdown; nothing for none."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += [
        "| " + " | ".join(str(v).replace("|", "\\|").replace("\n", " ") for v in row.values()) + " |" for row in rows
    ]
    return "\n".join(lines)
