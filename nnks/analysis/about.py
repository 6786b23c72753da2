"""What a sweep says of itself: `experiment.json`, judged before a report is made of it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnks.ablation import EXPECTED, METRICS
from nnks.analysis.claims import wrong_bounds
from nnks.tracking.files import read_json
from nnks.tracking.packed import Pack
from nnks.tracking.sound import TEXT, Kind, is_number, wrong

FILE = "experiment.json"
"""In the folder of a sweep, or in its packed runs."""


def read_about(folder: Path) -> dict[str, Any]:
    """Title, claim, command and ablation of a sweep; empty for none, or for a damaged file, which is said."""
    if not os.path.lexists(folder / FILE) and (text := Pack(folder).about) is not None:
        return read_json(folder / FILE, check_about, lambda _: io.BytesIO(text)) or {}
    return read_json(folder / FILE, check_about) or {}


def check_about(about: Mapping[str, Any]) -> str:
    """What is wrong with the description of a sweep, in a few words; empty for nothing."""
    odd = wrong(about, dict.fromkeys(("title", "claim", "command"), TEXT))
    odd = odd or (wrong_bounds(about["expect"]) if "expect" in about else "")
    return odd or (_wrong_ablation(about["ablation"]) if "ablation" in about else "")


def _wrong_ablation(ablation: Any) -> str:
    if not isinstance(ablation, dict):
        return "its ablation is none"
    axes = ablation.get("axes")
    if not isinstance(axes, dict) or not axes or not all(map(_labels, axes.values())):
        return "axes is not labels by name"
    kinds: dict[str, Kind] = {
        "metric": (lambda value: isinstance(value, str) and value in METRICS, "a metric"),
        "baseline": (lambda value: _point(value, axes), "a label on every axis"),
        "strata": (lambda value: isinstance(value, list) and all(_one(name, axes) for name in value), "axes"),
        "resolution": (lambda value: is_number(value) and value > 0, "a positive number"),
        "accuracy": (lambda value: is_number(value) and value > 0, "a positive number"),
        "runs": (lambda value: isinstance(value, list) and all(_run(run, axes) for run in value), "a list of runs"),
    }
    if missing := [key for key in kinds if key not in ablation]:
        return f"its ablation has no {missing[0]}"
    ratio: Kind = (lambda value: value is None or (is_number(value) and value > 1), "a number above 1")
    expect: Kind = (_expectations, "lower, higher or equal by setting")
    return wrong(ablation, kinds | {"ratio": ratio, "expect": expect})


def _expectations(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(want, str) and want in EXPECTED for want in value.values())


def _labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(label, str) for label in value)


def _one(label: Any, of: Any) -> bool:
    return isinstance(label, str) and label in of


def _point(value: Any, axes: Mapping[str, list[str]]) -> bool:
    return isinstance(value, dict) and all(_one(value.get(name), labels) for name, labels in axes.items())


def _run(value: Any, axes: Mapping[str, list[str]]) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("hash"), str):
        return False
    return type(value.get("seed")) is int and _point(value.get("point"), axes)
