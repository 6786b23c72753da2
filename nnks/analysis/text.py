"""Numbers and tables as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

TINY = 5e-4
"""Differences below this [mHa] would read 0.000."""


def number(value: float | int, form: str) -> str:
    """Formatted; nothing for nan and infinity."""
    return format(value, form) if math.isfinite(value) else ""


def signed(value: float | int) -> str:
    """A difference [mHa] in three decimals, or as a power of ten where they would all be zero."""
    return number(value, "+.1e" if 0 < abs(value) < TINY else "+.3f")


def in_figure(text: str, most: int = 80) -> str:
    """A name as figures can show it: one short line that holds no formula and that a legend does not leave out."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return (" " if line.startswith("_") else "") + line.replace("$", r"\$")


def in_markdown(text: str) -> str:
    """One line of a name or a sentence in which no HTML and no link begins."""
    line = " ".join(text.split())
    return re.sub(r"<(?=[A-Za-z/!?])", r"\\<", line).replace("](", r"]\(")


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of equal keys as a table of Markdown; nothing for none."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(map(in_markdown, rows[0])) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(in_markdown(str(v)).replace("|", "\\|") for v in row.values()) + " |" for row in rows]
    return "\n".join(lines)
