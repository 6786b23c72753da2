"""What an item of the reproduction says: tables, a figure, and verdicts that follow from stored runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

REPRODUCED, BETTER, NOT, CONTRADICTED, OPEN = "reproduced", "better", "not reproduced", "contradicted", "open"
"""What can be said of a claim: `not reproduced` where runs show no difference, `open` where those that would decide are
missing."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A verdict on a claim, and the numbers that it follows from.

    Attributes:
        claim: a key of `paper.CLAIMS`.
        verdict: `reproduced`, `better`, `not reproduced`, `contradicted` or `open`.
        compared: what the verdict is on, in a few words: the claim itself may say more than was compared.
        evidence: sentences with the numbers that decide; lists of numbers belong into a table.
    """

    claim: str
    verdict: str
    compared: str
    evidence: str


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells as text, with a sentence or two on what they are."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """An item as it is shown, written and stored; `figure` is the name of a file beside it."""

    name: str
    title: str
    quick: bool
    tables: Sequence[Table]
    findings: Sequence[Finding]
    figure: str = ""
    caption: str = ""
    missing: Sequence[str] = dataclasses.field(default_factory=list)
    cost: str = ""
    command: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """What `to_dict` made."""
        parts = {
            "tables": [Table(**table) for table in values["tables"]],
            "findings": [Finding(**{"compared": ""} | finding) for finding in values["findings"]],
        }
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in values.items() if k in known} | parts)


def number(value: float | None, form: str = ".6f") -> str:
    """A number as a cell; empty where there is none."""
    return "" if value is None or value != value else format(value, form)


def spread(values: Mapping[str, float], form: str) -> str:
    """The smallest and the largest of these with their names, in words; one number where there is no other."""
    low, high = (pick(values, key=lambda name: values[name]) for pick in (min, max))
    least, most = (f"{format(values[name], form)} ({name})" for name in (low, high))
    return least if low == high else f"{least} to {most}"


def milli(value: float | None) -> str:
    """A difference [Ha] as mHa, in powers of ten where three decimals would all be zero."""
    if value is None or value != value:
        return ""
    scaled = 1e3 * value
    return format(scaled, "+.3f" if abs(scaled) >= 5e-4 or scaled == 0 else "+.1e")
