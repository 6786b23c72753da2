"""An ablation's answers: verdicts on its axes in words, tables of differences and arrivals, a figure of intervals."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.ablation import METRICS
from nnks.analysis.claims import Verdict, judge, seeds_in_words, seeds_that_tell
from nnks.analysis.statistics import (
    EQUAL,
    FEWEST,
    HIGHER,
    LEVEL,
    LOWER,
    SINGLE,
    UNDECIDED,
    UNITS,
    Comparison,
    compare,
)
from nnks.analysis.style import GRAY, MOST_METHODS, MOST_PANELS, PALETTE, new_figure, save
from nnks.analysis.table import Row, first
from nnks.analysis.text import in_figure, signed
from nnks.analysis.time_to_accuracy import Arrival, arrivals
from nnks.analysis.wording import chemical
from nnks.tracking.record import RunRecord

METHOD = (
    "Differences are taken between runs that are equal in everything else, seed included, and averaged over the other "
    "axes; intervals are Student's over three or more seeds and hold together for all settings of an axis with "
    f"{LEVEL:.0%} (Bonferroni); p-values are Holm's. Medians of steps and seconds count runs that never arrive as "
    "later than their end (Kaplan-Meier)."
)

COLORS = {EQUAL: GRAY, LOWER: PALETTE[2], HIGHER: PALETTE[1], UNDECIDED: PALETTE[0], SINGLE: PALETTE[0]}


class Answers:
    """What the runs of a declared ablation say."""

    def __init__(self, ablation: Mapping[str, Any], rows: Sequence[Row], records: Sequence[RunRecord]):
        self.ablation = ablation
        self.comparisons: list[Comparison] = [
            dataclasses.replace(each, stratum=chemical(each.stratum)) for each in compare(ablation, rows)
        ]
        self.arrivals: list[Arrival] = arrivals(ablation, rows, records)
        self.unit = UNITS.get(ablation["metric"], "mHa")
        self.ratio: float | None = ablation.get("ratio")
        self.limit = math.log10(self.ratio) if self.ratio else float(ablation["resolution"])
        self.quantity = METRICS[ablation["metric"]]
        if self.ratio:
            self.quantity += f", as ratios; values below {ablation['resolution']:g} count as that"

    def verdict(self) -> Verdict:
        """Whether the claim holds."""
        expected = {
            ": ".join(map(chemical, name.split(": "))): want
            for name, want in (self.ablation.get("expect") or {}).items()
        }
        return judge(expected, self.comparisons, single=len(self.ablation.get("seeds") or ()) == 1)

    def summary(self) -> str:
        """How many differences there are of each kind: the answer of an ablation whose claim expects nothing."""
        known = [c for c in self.comparisons if math.isfinite(c.difference)]
        if not known:
            return "No pair of runs has finished."
        counts = {name: sum(c.verdict == name for c in known) for name in (LOWER, HIGHER, EQUAL, UNDECIDED, SINGLE)}
        parts = [
            f"{count} with {name}" if name == SINGLE else f"{count} {name}" for name, count in counts.items() if count
        ]
        open_ = [c for c in known if c.verdict in (UNDECIDED, SINGLE)]
        more = f" ({seeds_in_words(max(map(seeds_that_tell, open_)))})" if open_ else ""
        return f"Of {len(known)} differences from the baseline: {', '.join(parts)}{more}."

    def sentences(self) -> list[str]:
        """One verdict for each axis and stratum."""
        groups: dict[tuple[str, str], list[Comparison]] = {}
        for comparison in self.comparisons:
            groups.setdefault((comparison.axis, comparison.stratum), []).append(comparison)
        return [self._sentence(axis, stratum, group) for (axis, stratum), group in groups.items()]

    def _sentence(self, axis: str, stratum: str, group: Sequence[Comparison]) -> str:
        start = f"{stratum}, {axis}: " if stratum else f"{axis}: "
        known = [c for c in group if math.isfinite(c.difference)]
        if not known:
            return f"{start}no pair of finished runs."
        equal = [c for c in known if c.verdict == EQUAL]
        farthest = max((max(abs(c.low), abs(c.high)) for c in equal), default=0.0)
        if len(equal) == len(group):
            every = "no difference" if len(group) == 1 else "no setting differs"
            return (
                f"{start}{every} from {known[0].baseline} beyond {self._size(farthest)}: all intervals lie within it."
            )
        parts = [self._part(c) for c in known if c.verdict in (LOWER, HIGHER)]
        if equal:
            names = ", ".join(c.setting for c in equal)
            parts.append(f"{names} {_are(equal)} equal to it within {self._size(farthest)}")
        if single := [c for c in known if c.verdict == SINGLE]:
            parts.append(self._of_few_seeds(single))
        if undecided := [c for c in known if c.verdict == UNDECIDED]:
            names = ", ".join(f"{c.setting} ({self._interval(c)})" for c in undecided)
            more = seeds_in_words(max(map(seeds_that_tell, undecided)))
            parts.append(
                f"{names} {_are(undecided)} undecided: no difference and one that matters are both possible ({more})"
            )
        return f"{start}against {known[0].baseline}, {'; '.join(parts)}."

    def _of_few_seeds(self, single: Sequence[Comparison]) -> str:
        near = [c for c in single if abs(c.difference) <= self.limit]
        parts = [self._size_of(c) for c in single if c not in near]
        if near:
            most = self._size(max(abs(c.difference) for c in near))
            parts.append(f"{', '.join(c.setting for c in near)} {_are(near)} within {most} of it")
        seeds = max(c.seeds for c in single)
        few = "one seed: no interval" if seeds == 1 else f"{seeds} seeds are too few for an interval; it takes {FEWEST}"
        return f"{', '.join(parts)} ({few})"

    def _size_of(self, c: Comparison) -> str:
        if self.ratio:
            return f"{c.setting} is {10**c.difference:.3g} times as large"
        return f"{c.setting} is {'lower' if c.difference < 0 else 'higher'} by {self._size(abs(c.difference))}"

    def _part(self, c: Comparison) -> str:
        return f"{self._size_of(c)} ({self._interval(c)})"

    def _interval(self, c: Comparison) -> str:
        return f"{self._shown(c.low)} to {self._shown(c.high)}"

    def _shown(self, value: float) -> str:
        """A difference, or the ratio that its logarithm was compared for."""
        return f"{10**value:.3g}" if self.ratio else signed(value)

    def _size(self, value: float) -> str:
        return f"a factor of {10**value:.3g}" if self.ratio else f"{value:.3g} {self.unit}"

    def table(self) -> list[dict[str, str]]:
        """Every difference."""
        return [
            {
                "axis": c.axis,
                "case": c.stratum,
                "setting": c.setting,
                "against": c.baseline,
                "ratio" if self.ratio else f"difference [{self.unit}]": self._shown(c.difference),
                "from": self._shown(c.low),
                "to": self._shown(c.high),
                "p": "" if math.isnan(c.p) else f"{c.p:.2g}",
                "verdict": c.verdict,
                "over the other axes": "" if c.least == c.most else f"{self._shown(c.least)} … {self._shown(c.most)}",
                "seeds": str(c.seeds),
                "runs without a partner": str(c.missing or ""),
            }
            for c in self.comparisons
        ]

    def arrival_table(self) -> list[dict[str, str]]:
        """Steps and seconds to the accuracy."""
        names = list(self.ablation["axes"])
        return [
            dict(zip(names, map(chemical, a.point), strict=True))
            | {
                "arrived": f"{a.arrived}/{a.runs}",
                "steps": "never" if math.isinf(a.steps) else f"{a.steps:.0f}",
                "time [s]": "never" if math.isinf(a.seconds) else "" if math.isnan(a.seconds) else f"{a.seconds:.2f}",
            }
            for a in self.arrivals
        ]

    def figure(self, path: Path) -> Path | None:
        """Intervals of all differences, one panel an axis and stratum, zero and the resolution marked."""
        drawn = [c for c in self.comparisons if math.isfinite(c.difference)]
        groups: dict[str, list[Comparison]] = {}
        for c in drawn:
            groups.setdefault(f"{c.stratum}: {c.axis}" if c.stratum else c.axis, []).append(c)
        if not groups:
            return None
        groups = {title: group[:MOST_METHODS] for title, group in first(groups, MOST_PANELS).items()}
        most = max(len(group) for group in groups.values())
        figure, panels = new_figure(len(groups), width=5.2, height=1.3 + 0.36 * most, columns=2)
        for axes, (title, group) in zip(panels, groups.items(), strict=True):
            self._draw(axes, group)
            axes.set_title(in_figure(title), loc="left", fontweight="bold")
        return save(figure, path)

    def _draw(self, axes: Any, group: Sequence[Comparison]) -> None:
        width = self.limit
        shown = (lambda x: 10**x) if self.ratio else (lambda x: x)
        axes.axvspan(shown(-width), shown(width), color="#eef1f4", zorder=0)
        axes.axvline(shown(0.0), color="black", linewidth=1.0)
        for row, c in enumerate(group):
            color = COLORS[c.verdict]
            if math.isfinite(c.low):
                axes.plot([shown(c.low), shown(c.high)], [row, row], color=color, linewidth=2, solid_capstyle="round")
            axes.plot(shown(c.difference), row, "o", color=color, markersize=6)
            # a difference that is small beside another one is read as a number
            axes.annotate(
                self._shown(c.difference), (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8
            )
        axes.set_yticks(range(len(group)), [in_figure(c.setting) for c in group])
        axes.set_ylim(len(group) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        if self.ratio:
            axes.set_xscale("log")
            axes.set_xlabel(f"ratio to {in_figure(group[0].baseline)}")
            return
        axes.margins(x=0.1)
        axes.set_xlabel(f"difference from {in_figure(group[0].baseline)} [{self.unit}]")


def _are(several: Sequence[Comparison]) -> str:
    return "is" if len(several) == 1 else "are"
