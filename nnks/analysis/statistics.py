r"""What an ablation's runs say: paired differences from the baseline with intervals, and a verdict.

For a setting of an axis, the difference from the baseline is taken between runs that are equal in everything else, seed
included, and averaged over the other axes: one number $d_s$ a seed. With $n$ seeds its mean has the interval
$\bar d \pm t\,s_d/\sqrt n$ of Student's distribution. An axis of $m$ settings beside the baseline has $m$ such
intervals, which hold together with 95 % where each holds with $1 - 0.05/m$ (Bonferroni); p-values are Holm's. Where an
ablation asks for ratios, all of this is done with decimal logarithms of the metric.

References:
    Holm, Scand. J. Statist. 6, 65 (1979).
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from nnks.analysis.table import Row, known
from nnks.tracking.record import FINISHED
from nnks.units import MILLIHARTREE

LEVEL = 0.95
"""Of all intervals of an axis together."""

EQUAL, LOWER, HIGHER, UNDECIDED, SINGLE = "equal", "lower", "higher", "undecided", "too few seeds"

FEWEST = 3
"""Seeds for an interval: from two, Student's is so wide that it says nothing."""

UNITS = {"seconds": "s", "steps": "steps", "evaluations": "gradients"}

Point = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A setting of an axis against the axis's baseline, in one stratum.

    Attributes:
        axis: its name.
        stratum: the case, such as the molecule.
        setting: the label on the axis.
        baseline: the label that it is compared with.
        difference: mean over seeds [unit of the metric; of its decimal logarithm where ratios are asked for].
        low: lower end of the interval; nan from less than `FEWEST` seeds.
        high: upper end.
        seeds: pairs that there are.
        missing: pairs of which a run did not finish.
        p: of no difference, by Holm's method; nan without an interval.
        least: smallest mean difference over the settings of the other axes.
        most: largest one.
        verdict: `equal`, `lower`, `higher`, `undecided`, or `too few seeds`.
        spread: standard deviation over seeds; nan without an interval.
        settings: whose intervals hold together with this one.
        resolution: what a difference must exceed to matter.
    """

    axis: str
    stratum: str
    setting: str
    baseline: str
    difference: float
    low: float
    high: float
    seeds: int
    missing: int
    p: float
    least: float
    most: float
    verdict: str
    spread: float = math.nan
    settings: int = 1
    resolution: float = 0.0


def locate(ablation: Mapping[str, Any], rows: Sequence[Row]) -> dict[tuple[tuple[str, ...], int], int]:
    """The number of the row that is at each point (labels in the order of the axes) and seed.

    The last one that finished.
    """
    points = {(run["hash"], run["seed"]): run["point"] for run in ablation["runs"]}
    located: dict[tuple[tuple[str, ...], int], int] = {}
    for number, row in enumerate(rows):
        point = points.get((row["config_hash"], row["seed"]))
        if point is None:
            continue
        key = tuple(point[axis] for axis in ablation["axes"]), row["seed"]
        if key not in located or row["status"] == FINISHED:
            located[key] = number
    return located


def value(row: Row, metric: str) -> float:
    """The metric of a run; nan where it did not finish, or its energy is doubted."""
    if row["status"] != FINISHED or row.get("doubts"):
        return math.nan
    return row["energy_total"] / MILLIHARTREE if metric == "energy_total_mHa" else row[metric]


def compare(ablation: Mapping[str, Any], rows: Sequence[Row]) -> list[Comparison]:
    """Every setting against its axis's baseline, axis by axis, in each stratum."""
    names = list(ablation["axes"])
    where = locate(ablation, rows)
    ratio, resolution = ablation.get("ratio"), ablation["resolution"]
    values = {key: value(rows[number], ablation["metric"]) for key, number in where.items()}
    if ratio:
        # comparisons with nan are false, so that a failed run stays nan
        values = {key: math.log10(resolution if x < resolution else x) for key, x in values.items()}
        resolution = math.log10(ratio)
    planned = {(tuple(run["point"][name] for name in names), run["seed"]) for run in ablation["runs"]}
    strata = [names.index(name) for name in ablation["strata"]]
    cases = list(dict.fromkeys(tuple(run["point"][names[i]] for i in strata) for run in ablation["runs"]))
    judged = []
    for position, axis in enumerate(names):
        if position in strata:
            continue
        base = ablation["baseline"][axis]
        for case in cases:
            group = []
            for setting in ablation["axes"][axis]:
                if setting == base:
                    continue
                pairs = _pairs(planned, values, position, setting, base, strata, case)
                if pairs:
                    group.append((setting, pairs))
            judged += _judged(axis, ", ".join(case), base, group, resolution)
    return judged


def _pairs(
    planned: set, values: Mapping, position: int, setting: str, base: str, strata: Sequence[int], case: tuple[str, ...]
) -> dict[tuple[str, ...], dict[int, float]]:
    """Differences by the settings of the other axes, and by seed."""
    differences: dict[tuple[str, ...], dict[int, float]] = {}
    for point, seed in sorted(planned):
        other = (*point[:position], base, *point[position + 1 :])
        if point[position] != setting or tuple(point[i] for i in strata) != case or (other, seed) not in planned:
            continue
        difference = values.get((point, seed), math.nan) - values.get((other, seed), math.nan)
        differences.setdefault((*point[:position], *point[position + 1 :]), {})[seed] = difference
    return differences


def _judged(axis: str, stratum: str, base: str, group: list, resolution: float) -> list[Comparison]:
    """Comparisons of one axis in one stratum, whose intervals and p-values account for each other."""
    from scipy.stats import t

    measured = []
    for setting, pairs in group:
        seeds = sorted({seed for each in pairs.values() for seed in each})
        by_seed = [_mean(known(each[seed] for each in pairs.values() if seed in each)) for seed in seeds]
        complete = known(by_seed)
        across = known(_mean(known(each.values())) for each in pairs.values())
        missing = sum(math.isnan(x) for each in pairs.values() for x in each.values())
        measured.append((setting, complete, across, missing))
    raw = [_p_value(complete) for _, complete, _, _ in measured]
    adjusted = holm(raw)
    judged = []
    for (setting, d, across, missing), p in zip(measured, adjusted, strict=True):
        mean = _mean(d)
        half = spread = math.nan
        if len(d) >= FEWEST:
            spread = statistics.stdev(d)
            quantile = float(t.ppf(1 - (1 - LEVEL) / (2 * len(measured)), len(d) - 1))
            half = quantile * spread / math.sqrt(len(d))
        low, high = mean - half, mean + half
        verdict = _verdict(mean, low, high, resolution)
        least, most = (min(across), max(across)) if across else (math.nan, math.nan)
        ends = (mean, low, high, len(d), missing, p, least, most, verdict)
        judged.append(Comparison(axis, stratum, setting, base, *ends, spread, len(measured), resolution))
    return judged


def _verdict(mean: float, low: float, high: float, resolution: float) -> str:
    if math.isnan(low):
        return SINGLE
    if -resolution <= low and high <= resolution:
        return EQUAL
    if low > 0 or high < 0:
        return HIGHER if mean > 0 else LOWER
    return UNDECIDED


def _p_value(differences: Sequence[float]) -> float:
    """Of Student's paired test, two-sided; without spread it is 0 or 1."""
    from scipy.stats import ttest_1samp

    if len(differences) < FEWEST:
        return math.nan
    if statistics.stdev(differences) == 0:
        return 1.0 if differences[0] == 0 else 0.0
    return float(ttest_1samp(differences, 0.0).pvalue)  # pyright: ignore[reportAttributeAccessIssue]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values; nan stays and does not count."""
    order = sorted((i for i, p in enumerate(p_values) if not math.isnan(p)), key=lambda i: p_values[i])
    adjusted, running = list(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else math.nan
