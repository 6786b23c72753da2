"""Figure 3: what the batch size does to convergence on C20, against epochs and against seconds."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from nnks.tracking.record import RunRecord
from nnks_paper.paper import FIGURE3
from nnks_paper.report import CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number, spread
from nnks_paper.study import Study

TARGETS = (1.0, 0.1, 1e-2)
"""Distances from the minimum [Ha] that epochs and seconds are given to."""

COMPARED = "epochs and seconds to an energy, by batch size"

ROUNDING = 1e-9
"""Distance [Ha] below which an energy counts as the minimum."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """A run: energies of its orbitals above the minimum [Ha] by epoch, and the seconds of one step.

    Attributes:
        label: of the batch.
        part: batches an epoch; 1 for the full grid.
        seed: of the run.
        points: (epochs, energy above the minimum [Ha]), by integrals in the basis.
        step_s: median seconds of a step.
    """

    label: str
    part: int
    seed: int
    points: Sequence[tuple[float, float]]
    step_s: float

    def epochs(self, target: float) -> float | None:
        """Epochs until the energy first is below a distance from the minimum, between records by its logarithm.

        None if it never is.
        """
        before = None
        for epoch, error in self.points:
            if error < target:
                if before is None:
                    return epoch
                share = math.log(before[1] / target) / math.log(before[1] / max(error, ROUNDING))
                return before[0] + share * (epoch - before[0])
            before = epoch, error
        return None

    def seconds(self, target: float) -> float | None:
        """The same in seconds of steps."""
        epochs = self.epochs(target)
        return None if epochs is None else epochs * self.part * self.step_s


def collect(study: Study) -> list[Curve]:
    """The finished runs above the energy of direct minimization on the same grid."""
    runs = list(study.runs())
    minimum = next(
        (record.summary["energies"]["total"] for config, record in runs if _direct(config) and record.summary), None
    )
    if minimum is None:
        return []
    return [
        curve(config.label, config.training.seed, record, minimum) for config, record in runs if not _direct(config)
    ]


def _direct(config: object) -> bool:
    return getattr(config, "optimizer").name == "direct"  # noqa: B009 - a ConfigDict's attributes are its keys


def curve(label: str, seed: int, record: RunRecord, minimum: float) -> Curve:
    """A run's exact energies by epoch, and the median time of a step.

    Recorded energies cost time, and the steps beside them show it.
    """
    part = int(label.partition("/")[2] or 1)
    points = [
        (line["step"] / part, line["energy/exact"] - minimum) for line in record.metrics if "energy/exact" in line
    ]
    return Curve(label, part, seed, points, statistics.median(line["time/step_s"] for line in record.metrics))


def report(study: Study, figures: Path) -> Report:
    """Table, verdict and figure."""
    curves = collect(study)
    figure = draw(curves, figures / "fig3.png") if curves else None
    caption = (
        "Energy of the orbitals above the minimum, by integrals in the basis, against epochs (left) "
        "and seconds of steps (right); a line a seed."
    )
    name = figure.name if figure else ""
    return Report(
        "fig3",
        study.title,
        study.quick,
        [table(curves, study.configs[0].system.molecule)],
        [verdict(curves)],
        name,
        caption,
        study.unfinished(),
    )


def batches(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Curves by batch, from the smallest."""
    by_size: dict[str, list[Curve]] = {}
    for c in sorted(curves, key=lambda c: -c.part):
        by_size.setdefault(c.label, []).append(c)
    return by_size


def median(values: Sequence[float | None]) -> float | None:
    """The median over seeds, where a run that never gets there counts as later than all others.

    None if that is the median.
    """
    ordered = sorted(float("inf") if v is None else v for v in values)
    middle = ordered[len(ordered) // 2]
    return None if middle == float("inf") else middle


def table(curves: Sequence[Curve], molecule: str) -> Table:
    """One row a batch size."""
    rows = []
    for label, own in batches(curves).items():
        finals = [c.points[-1][1] for c in own if c.points]
        cells = []
        for target in TARGETS:
            cells += [
                number(median([c.epochs(target) for c in own]), ".3g"),
                number(median([c.seconds(target) for c in own]), ".3g"),
            ]
        rows.append(
            [
                label,
                str(len(own)),
                number(1e3 * statistics.median(c.step_s for c in own), ".3g"),
                milli(statistics.median(finals)),
                *cells,
            ]
        )
    header = ["batch", "seeds", "a step [ms]", "at the end [mHa]"]
    header += [f"{what} to {target:g} Ha" for target in TARGETS for what in ("epochs", "seconds")]
    note = (
        f"{molecule} in STO-3G, Adam from random orbitals; energies above that of direct minimization. "
        f"Medians over seeds; empty: not reached. The paper: {FIGURE3}."
    )
    return Table("Batch sizes", header, rows, note)


def verdict(curves: Sequence[Curve]) -> Finding:
    """Whether epochs fall with the batch's size, and whether the smallest batch is not the quickest."""
    by_size = batches(curves)
    reached = {
        t: {k: e for k, own in by_size.items() if (e := median([c.epochs(t) for c in own])) is not None}
        for t in TARGETS
    }
    target = next((t for t in reversed(TARGETS) if len(reached[t]) >= 3), None)
    if target is None:
        text = f"Fewer than three batch sizes come within {TARGETS[0]:g} Ha of the minimum."
        return Finding("amortization", OPEN, COMPARED, text)
    epochs = reached[target]
    seconds = {k: s for k in epochs if (s := median([c.seconds(target) for c in by_size[k]])) is not None}
    missed = [k for k in by_size if k not in epochs]
    nearest = min(t for t in TARGETS if reached[t])
    return in_words(epochs, seconds, missed, target, (nearest, list(reached[nearest])))


def in_words(
    epochs: dict[str, float],
    seconds: dict[str, float],
    missed: Sequence[str],
    target: float,
    nearest: tuple[float, Sequence[str]],
) -> Finding:
    """The verdict on epochs and seconds to a target [Ha] by batch, from the smallest.

    Args:
        epochs: to the target.
        seconds: to the target.
        missed: batches that did not get there.
        target: distance from the minimum.
        nearest: the smallest distance that any batch reached, and which did.
    """
    order = list(epochs.values())
    fewer = all(a <= 1.25 * b for a, b in itertools.pairwise(order)) and order[0] < order[-1]
    quickest, smallest = min(seconds, key=lambda k: seconds[k]), next(iter([*missed, *epochs]))
    text = [f"To {target:g} Ha above the minimum it takes {spread(epochs, '.3g')} epochs.", f"{_order(epochs, fewer)}."]
    text.append(f"In seconds that is {spread(seconds, '.3g')}; the quickest is {quickest}.")
    if missed:
        text.append(f"Not there came {', '.join(missed)}.")
    distance, few = nearest
    if distance < target:
        named = [name.replace("full", "the full") for name in few]
        text.append(f"Only {', '.join(named)} {'comes' if len(named) == 1 else 'come'} within {distance:g} Ha.")
    loses = quickest not in (smallest, "full grid")
    verdict = REPRODUCED if fewer and loses else CONTRADICTED
    return Finding("amortization", verdict, COMPARED, " ".join(text))


def _order(epochs: dict[str, float], fewer: bool) -> str:
    """What batch sizes do to the number of epochs, in words."""
    if fewer:
        return "Smaller batches need fewer epochs"
    full = epochs.get("full grid")
    if full is not None and all(e < full for k, e in epochs.items() if k != "full grid"):
        return "Every batch needs fewer epochs than the full grid, but among batches smaller ones do not need fewer"
    return "Smaller batches do not always need fewer epochs"


def draw(curves: Sequence[Curve], path: Path) -> Path:
    """Two panels: against epochs, and against seconds."""
    from nnks.analysis.style import looks, new_figure, save

    by_size = batches(curves)
    style = looks(list(by_size))
    figure, panels = new_figure(2, width=5.0, height=3.8, columns=2)
    for label, own in by_size.items():
        for n, c in enumerate(own):
            epochs, errors = [e for e, _ in c.points], [max(error, 1e-6) for _, error in c.points]
            look = {"color": style[label][0], "linewidth": 1.2, "alpha": 0.85, "label": label if n == 0 else None}
            panels[0].plot(epochs, errors, **look)
            panels[1].plot([e * c.part * c.step_s for e in epochs], errors, **look)
    panels[0].set(yscale="log", xscale="log", xlabel="epochs", ylabel="E − minimum [Ha]")
    panels[1].set(yscale="log", xscale="log", xlabel="seconds")
    panels[0].legend(title="batch", fontsize=8)
    return save(figure, path)
