"""What the store's files must hold: kinds of values by key, judged where a file is read.

So nothing behind has to doubt them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"
"""What a run can be: `status` of its summary, or interrupted where there is no summary (yet)."""

Kind = tuple[Callable[[Any], bool], str]
"""A test, and what it asks for in words."""


def is_number(value: Any) -> bool:
    """Whether it is a number of a size that can be meant, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e100


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _named(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(inner(x) for x in value.values())


def _listed(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(inner(x) for x in value)


def _or_none(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or inner(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


NUMBER: Kind = (_or_none(is_number), "a number")
COUNT: Kind = (_or_none(lambda value: is_number(value) and value >= 0), "a number that is not negative")
WHOLE: Kind = (_or_none(_is_whole), "a whole number")
TEXT: Kind = (_or_none(_is_text), "a text")
TRUTH: Kind = (_or_none(lambda value: isinstance(value, bool)), "true or false")
TEXTS: Kind = (_or_none(_listed(_is_text)), "a list of texts")
NUMBERS: Kind = (_or_none(_named(_or_none(is_number))), "numbers by name")
TABLE: Kind = (_or_none(_named(_or_none(_named(_or_none(is_number))))), "numbers by two names")
LEVELS: Kind = (_or_none(_listed(_listed(_or_none(is_number)))), "lists of numbers")
LEFT: Kind = (
    _or_none(
        _named(
            lambda value: (
                isinstance(value, dict)
                and all(map(is_number, map(value.get, ("seconds", "budget"))))
                and _is_text(value.get("command"))
            )
        )
    ),
    "commands by name",
)
SECTION: Kind = (lambda value: isinstance(value, dict), "named values")

SUMMARY_KINDS: Mapping[str, Kind] = {
    "status": (lambda value: value in (FINISHED, FAILED, INTERRUPTED), "finished, failed or interrupted"),
    **dict.fromkeys(("reason", "label", "stopped", "config_hash", "config_checksum"), TEXT),
    **dict.fromkeys(("reference_same", "reference_large"), TEXT),
    **dict.fromkeys(("energies", "reference"), NUMBERS),
    **dict.fromkeys(("steps", "evaluations", "seconds", "wall_seconds", "parameters", "members"), COUNT),
    **dict.fromkeys(("electrons", "virial", "orthonormality", "quadrature_error", "precision_error"), NUMBER),
    "reference_terms": TABLE,
    "reference_left": LEFT,
    "orbital_energies": LEVELS,
    **dict.fromkeys(("violations", "remarks"), TEXTS),
    "converged": TRUTH,
    "seed": WHOLE,
    "last_step": WHOLE,
}
"""Of a summary; keys that are not here may hold anything."""

SECTIONS = (
    *("system", "quadrature", "functional", "training", "evaluation", "reference", "tracking"),
    *("orthogonalizer", "sampler", "ansatz", "optimizer"),
)
"""Of a config: named values."""

TRAINING_KINDS: Mapping[str, Kind] = {"seed": WHOLE, "steps": WHOLE}


def wrong(values: Mapping[str, Any], kinds: Mapping[str, Kind]) -> str:
    """The first value that is of another kind than its key asks for, in words; empty for none."""
    for key, (holds, kind) in kinds.items():
        if key in values and not holds(values[key]):
            return f"{key} is {shortened(values[key])}, not {kind}"
    return ""


def shortened(value: Any, most: int = 40) -> str:
    """A value in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def check_summary(summary: dict[str, Any]) -> str:
    """What is wrong with a summary, in a few words."""
    return wrong(summary, SUMMARY_KINDS) if "status" in summary else "it has no status"


def check_config(config: dict[str, Any]) -> str:
    """What is wrong with a stored config, whatever its keys are, in a few words."""
    if not config:
        return "it is empty"
    text: dict[str, Kind] = dict.fromkeys(("experiment", "label"), TEXT)
    odd = wrong(config, dict.fromkeys(SECTIONS, SECTION) | text)
    return odd or wrong(config.get("training", {}), TRAINING_KINDS)


def check_reference(result: dict[str, Any]) -> str:
    """What is wrong with a stored reference, in a few words."""
    energies = result.get("energies")
    if not isinstance(energies, dict) or not all(map(is_number, energies.values())) or "total" not in energies:
        return "it has no energies"
    return ""
