"""An ablation in one declaration: what is varied, against what it is compared, and which question that answers.

A config file declares it beside its base:

    ABLATION = Ablation(
        claim="Which activation does a neural term need?",
        axes={"ansatz.activation": ("tanh", "silu", "sin"), "system.molecule": ("H2", "LiH")},
    )

    def get_config(): ...
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nnks.registry import InputError, shown, suggest

METRICS = {
    "error_best_mHa": "energy above the best reference [mHa]",
    "error_same_mHa": "energy above PySCF in the same basis [mHa]",
    "energy_total_mHa": "energy [mHa]",
    "seconds": "seconds of training",
    "steps": "steps",
    "evaluations": "energy gradients",
}
"""What runs can be compared by, and how it reads."""

COMBINATIONS = ("product", "one_at_a_time")

EXPECTED = ("lower", "higher", "equal")
"""What a claim can say of a setting: how its metric lies to that of the baseline."""

MOLECULE = "system.molecule"
"""The key whose values are cases of most ablations."""

Axis = Sequence[Any] | Mapping[str, Mapping[str, Any]]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_named(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value))


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Sequence) and not isinstance(value, str) and all(map(holds, value))


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "claim": (_is_text, "a text"),
    "axes": (_is_named, "values by key, such as {'optimizer.name': ('adam', 'lbfgs')}"),
    "metric": (_is_text, "the name of one"),
    "baseline": (_is_named, "a value by axis"),
    "strata": (_list_of(_is_text), f"a list of axes, such as ('{MOLECULE}',)"),
    "seeds": (
        _list_of(lambda seed: isinstance(seed, int) and not isinstance(seed, bool)),
        "whole numbers, such as (0, 1, 2)",
    ),
    "combine": (_is_text, "the name of one"),
    "resolution": (lambda value: value == 0 or _is_positive(value), "a number that is not negative"),
    "ratio": (lambda value: value is None or _is_positive(value), "a number above 1, or None"),
    "accuracy": (_is_positive, "a positive number [mHa]"),
    "expect": (_is_named, "'lower', 'higher' or 'equal' by setting"),
}
"""What each field must hold, and how a sentence says it: whoever writes the file may have meant another field."""


def check_kinds(fields: Mapping[str, Any]) -> None:
    """Refuses fields of an ablation that hold something of another kind.

    Raises:
        InputError: for the first such field.
    """
    for name, value in fields.items():
        holds, kind = KINDS[name]
        if not holds(value):
            raise InputError(f"the ablation's {name} is {shown(value)}; it must be {kind}.")


def check_axes(axes: Mapping[str, Any]) -> None:
    """Refuses an axis without values, and one that can be read only once, such as a generator.

    Raises:
        InputError: for the first such axis.
    """
    for name, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Sequence | Mapping) or not values:
            raise InputError(
                f"axis {shown(name)} of the ablation has no values, it is {shown(values)}; give a tuple, such as "
                "('adam', 'lbfgs')."
            )
        for label, changes in values.items() if isinstance(values, Mapping) else ():
            if not isinstance(changes, Mapping):
                raise InputError(
                    f"{shown(label)} on axis {shown(name)} of the ablation is {shown(changes)}; it must be a "
                    "dictionary of changes, such as {'optimizer.learning_rate': 0.1}."
                )


@dataclasses.dataclass(frozen=True)
class Ablation:
    """Axes, seeds and the question of a sweep.

    Attributes:
        claim: what the runs are to show, or the question they answer.
        axes: config key -> its values; or a name of one's own -> {label: changes}, for settings of several keys.
        metric: what is compared, one of `METRICS`.
        baseline: the value (or label) of each axis that others are compared with; the first one where it is not named.
        strata: axes whose values are cases to be told apart, such as molecules, and are not compared with each other.
        seeds: of `training.seed`; differences are taken between runs of equal seed.
        combine: `product` of all axes, or `one_at_a_time` from the baseline (strata are always a product).
        resolution: a difference of the metric below this does not matter [its unit].
        ratio: if given, settings are compared by how many times as large the metric is, for metrics that span powers of
            ten: a ratio below this (1.5, say) does not matter, and values below the resolution count as the resolution.
        accuracy: error [mHa] that steps and seconds are counted to.
        expect: what the claim says of settings beside the baseline, by label, or by `case: label` where it says so of
            one case only (`"H2O: adam": "higher"`): `lower`, `higher` or `equal`. By it the report tells whether the
            claim holds.
    """

    claim: str
    axes: Mapping[str, Axis]
    metric: str = "error_best_mHa"
    baseline: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    strata: Sequence[str] = (MOLECULE,)
    seeds: Sequence[int] = (0, 1, 2)
    combine: str = "product"
    resolution: float = 0.02
    ratio: float | None = None
    accuracy: float = 1.0
    expect: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses a declaration that cannot be meant.

        Raises:
            InputError: in one sentence.
        """
        check_kinds({field: getattr(self, field) for field in KINDS})
        if self.metric not in METRICS:
            raise InputError(f"the ablation's metric is '{self.metric}'; {suggest(self.metric, METRICS)}.")
        if self.combine not in COMBINATIONS:
            raise InputError(f"the ablation's combine is '{self.combine}'; {suggest(self.combine, COMBINATIONS)}.")
        if not self.axes or not self.seeds:
            raise InputError(
                "an ablation needs at least one axis and one seed; give axes={key: values} and seeds=(0, 1, 2)."
            )
        if self.ratio is not None and not (self.ratio > 1 and self.resolution > 0):
            raise InputError(
                f"the ablation's ratio is {self.ratio} and its resolution {self.resolution}; ratios need one above 1, "
                "such as 1.5, and a positive resolution, which smaller values count as."
            )
        check_axes(self.axes)
        for name in self.strata:
            if name not in self.axes and name != MOLECULE:
                raise InputError(
                    f"the ablation's strata name {shown(name)}, which is no axis; {suggest(name, self.axes)}."
                )
        labels = {label for axis in self.axes for label in self.settings(axis)}
        for name, value in self.expect.items():
            if (label := name.rpartition(": ")[2]) not in labels:
                raise InputError(f"the ablation expects something of {shown(label)}; {suggest(label, labels)}.")
            if value not in EXPECTED:
                raise InputError(
                    f"the ablation expects {shown(str(value))} of {shown(name)}; {suggest(str(value), EXPECTED)}."
                )
        for name, value in self.baseline.items():
            if name not in self.axes:
                raise InputError(
                    f"the ablation's baseline names '{name}', which is no axis; {suggest(name, self.axes)}."
                )
            if str(value) not in self.settings(name):
                raise InputError(
                    f"the ablation's baseline '{value}' is not on axis '{name}'; "
                    f"{suggest(str(value), self.settings(name))}."
                )

    def settings(self, axis: str) -> dict[str, dict[str, Any]]:
        """The changes to a config that each setting of an axis makes, by its label."""
        values = self.axes[axis]
        if isinstance(values, Mapping):
            return {str(label): dict(changes) for label, changes in values.items()}
        return {str(value): {axis: value} for value in values}

    def start(self, axis: str) -> str:
        """The label of an axis that others are compared with."""
        return str(self.baseline.get(axis, next(iter(self.settings(axis)))))

    @property
    def count(self) -> int:
        """Runs, without making them."""
        sizes = {name: len(self.settings(name)) for name in self.axes}
        crossed = [name for name in self.axes if self._is_crossed(name)]
        single = sum(size - 1 for name, size in sizes.items() if name not in crossed)
        return len(self.seeds) * math.prod(sizes[name] for name in crossed) * (1 + single)

    def _is_crossed(self, axis: str) -> bool:
        """Whether an axis is combined with all others."""
        return axis in self.strata or self.combine == "product"

    def points(self) -> list[dict[str, str]]:
        """The label on every axis, for each run of a seed."""
        crossed = [name for name in self.axes if self._is_crossed(name)]
        single = [name for name in self.axes if name not in crossed]
        base = {name: self.start(name) for name in self.axes}
        points = []
        for labels in itertools.product(*(self.settings(name) for name in crossed)):
            here = base | dict(zip(crossed, labels, strict=True))
            points += [here] + [
                here | {name: label} for name in single for label in self.settings(name) if label != base[name]
            ]
        return points

    def runs(self) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """Labels and changes of every run, all of a seed together: what is interrupted has whole seeds."""
        return [
            (point, self._changes(point) | {"training.seed": seed}) for seed in self.seeds for point in self.points()
        ]

    def _changes(self, point: Mapping[str, str]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, label in point.items():
            changes |= self.settings(name)[label]
        shown = [
            label if isinstance(self.axes[name], Mapping) else _short(name, label)
            for name, label in point.items()
            if len(self.axes[name]) > 1 and MOLECULE not in self.settings(name)[label]  # tables name it anyway
        ]
        return changes | {"label": ", ".join(shown)}

    def stored(self) -> dict[str, Any]:
        """What a report needs of it, as plain values."""
        return {
            "metric": self.metric,
            "axes": {name: list(self.settings(name)) for name in self.axes},
            "baseline": {name: self.start(name) for name in self.axes},
            "strata": [name for name in self.axes if name in self.strata],
            "seeds": list(self.seeds),
            "resolution": self.resolution,
            "ratio": self.ratio,
            "accuracy": self.accuracy,
            "expect": dict(self.expect),
        }


def _short(key: str, value: str) -> str:
    """`adam` of `optimizer.name`, `width 20` of `ansatz.width`."""
    last = key.removesuffix(".name").rpartition(".")[2]
    return value if key.endswith(".name") or key in ("system.basis", "functional.xc") else f"{last} {value}"
