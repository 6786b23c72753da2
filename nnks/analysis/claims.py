"""Whether the claim of a sweep holds: what it expects of the runs beside what they say."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nnks.analysis.names import ANSATZ_WORDS
from nnks.analysis.statistics import EQUAL, FEWEST, HIGHER, LEVEL, LOWER, SINGLE, UNDECIDED, Comparison
from nnks.analysis.table import Row, known
from nnks.tracking.record import FINISHED

HOLDS, FAILS, UNTOLD = "The claim holds", "The claim does not hold", "It cannot be told whether the claim holds"

MOST_SEEDS = 99
"""Beyond these many seeds none are asked for."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What becomes of a claim.

    Attributes:
        holds: None where that cannot be told.
        why: the rest of the sentence.
    """

    holds: bool | None
    why: str

    @property
    def sentence(self) -> str:
        """As a page says it."""
        start = UNTOLD if self.holds is None else HOLDS if self.holds else FAILS
        return f"{start}: {self.why}."


def judge(expected: Mapping[str, str], comparisons: Sequence[Comparison], *, single: bool = False) -> Verdict:
    """The claim of an ablation: each setting that it names beside the baseline.

    A setting is compared in every case, or in the one that stands before it.

    Args:
        expected: `lower`, `higher` or `equal` by setting, or by `case: setting`.
        comparisons: of the ablation.
        single: whether one seed is all that the ablation has, because nothing in it is drawn at random: differences
            count as they are.
    """
    if single:
        comparisons = [_as_it_is(each) for each in comparisons]
    pairs = [(each, want) for each in comparisons if (want := wanted(expected, each))]
    if not pairs:
        return Verdict(
            None, "it says nothing of a setting that was run" if expected else "it names no setting (see `expect`)"
        )
    against = [(each, want) for each, want in pairs if each.verdict not in (want, UNDECIDED, SINGLE)]
    open_ = [each for each, _ in pairs if each.verdict in (UNDECIDED, SINGLE)]
    if against:
        each, want = against[0]
        more = f", and {len(against) - 1} more are not as expected" if len(against) > 1 else ""
        return Verdict(False, f"{_where(each)} is {each.verdict}, not {want}{more}")
    if missing := [each for each in open_ if math.isnan(each.difference)]:
        return Verdict(None, f"{_named(missing)} without a pair of finished runs that can be believed")
    if open_:
        return Verdict(None, f"{_named(open_)} undecided; {seeds_in_words(max(map(seeds_that_tell, open_)))}")
    many = f"each of its {len(pairs)} differences" if len(pairs) > 1 else "the difference"
    return Verdict(True, f"{many} is as expected")


def _as_it_is(each: Comparison) -> Comparison:
    """A difference without an interval, judged by its size."""
    if math.isnan(each.difference):
        return each
    verdict = EQUAL if abs(each.difference) <= each.resolution else LOWER if each.difference < 0 else HIGHER
    return dataclasses.replace(each, verdict=verdict)


def wanted(expected: Mapping[str, str], each: Comparison) -> str | None:
    """What is expected of a comparison; what names its case comes first."""
    return expected.get(f"{each.stratum}: {each.setting}", expected.get(each.setting))


def _named(several: Sequence[Comparison]) -> str:
    """The first of several comparisons, and how many more there are."""
    more = f" and {len(several) - 1} more" if len(several) > 1 else ""
    return f"{_where(several[0])}{more} {'are' if more else 'is'}"


def _where(each: Comparison) -> str:
    return f"{each.setting} ({each.stratum})" if each.stratum else each.setting


def seeds_that_tell(each: Comparison) -> int:
    """How many seeds would settle a comparison if they spread as those that there are.

    It is settled if the interval leaves out either zero or a difference that matters.
    """
    from scipy.stats import t

    if each.seeds < FEWEST or not each.spread > 0:
        return FEWEST
    room = max(abs(each.difference), each.resolution - abs(each.difference))
    for seeds in range(each.seeds + 1, MOST_SEEDS + 1):
        if t.ppf(1 - (1 - LEVEL) / (2 * each.settings), seeds - 1) * each.spread / math.sqrt(seeds) <= room:
            return seeds
    return MOST_SEEDS + 1


def seeds_in_words(seeds: int) -> str:
    """How many seeds are asked for."""
    if seeds > MOST_SEEDS:
        return f"more than {MOST_SEEDS} seeds would be needed"
    return f"{seeds} seeds are needed at least" if seeds == FEWEST else f"about {seeds} seeds would tell"


def judge_bounds(expected: Mapping[str, Sequence[Any]], rows: Sequence[Row]) -> Verdict:
    """The claim of a sweep without an ablation: how near to a reference the runs of each ansatz end.

    Args:
        expected: by ansatz: `same` or `best`, and the distance in mHa.
        rows: what `run_rows` returned.
    """
    parts, missing = [], 0
    for ansatz, (role, most) in expected.items():
        own = [row for row in rows if row["ansatz"] == ansatz]
        ended = [row for row in own if row["status"] == FINISHED and not row["doubts"]]
        errors = known(abs(row[f"error_{role}_mHa"]) for row in ended)
        missing += len(own) - len(errors) if own else 1
        to = "PySCF in the same basis" if role == "same" else "the best reference"
        what = ANSATZ_WORDS.get(ansatz, ansatz)
        if errors and max(errors) > most:
            return Verdict(False, f"{what} ends {max(errors):.3g} mHa from {to}, more than {most:g} mHa")
        if errors:
            parts.append(f"{what} ends within {max(max(errors), 1e-9):.2g} mHa of {to}")
    if missing:
        return Verdict(None, f"{missing} of its runs are missing, not finished, or without a reference")
    return Verdict(True, "; ".join(parts))


def wrong_bounds(expected: Any) -> str:
    """What is wrong with what a sweep expects, in a few words."""
    if not isinstance(expected, dict) or not all(isinstance(name, str) for name in expected):
        return "expect is no dictionary by ansatz"
    if not all(map(_is_bound, expected.values())):
        return "expect is not references and distances by ansatz"
    return ""


def _is_bound(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2 or value[0] not in ("same", "best"):
        return False
    return isinstance(value[1], int | float) and not isinstance(value[1], bool) and 0 < value[1] < math.inf
