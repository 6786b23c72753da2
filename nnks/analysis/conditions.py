"""Conditions on stored runs, as typed: `ansatz.name=residual`, `training.seed<3`, `molecule=C*`, `energy!=none`."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from nnks.analysis.listing import StoredRun, check_keys
from nnks.config.values import read_number
from nnks.registry import InputError

_FORM = re.compile(r"(?P<key>[^=!<>\s]+)\s*(?P<operator>!=|<=|>=|==?|<|>)\s*(?P<value>.*)", re.DOTALL)
_NONE = ("", "none", "null")


@dataclasses.dataclass(frozen=True)
class Condition:
    """One comparison of a run's value with a given one.

    Attributes:
        key: of the value.
        operator: `=`, `!=`, `<`, `<=`, `>` or `>=`.
        value: as typed. Beside `=` and `!=`: a number, `true`, `false`, `none`, or a text in which `*`, `?` and `[...]`
            stand for other characters (alone, `*` is any value but none), upper and lower case being different (Co is
            not CO).
    """

    key: str
    operator: str
    value: str

    def holds(self, value: Any) -> bool:
        """Whether a run's value meets it.

        None, of a run that lacks the key, equals `none` and is neither less nor more.
        """
        if self.operator == "=":
            return equal(value, self.value)
        if self.operator == "!=":
            return not equal(value, self.value)
        bound = read_number(self.value.lower(), float)
        if bound is None or isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            return False
        return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[self.operator]


def parse_condition(text: str) -> Condition:
    """A condition as typed.

    Raises:
        InputError: for another form, or a comparison of size with what is no number.
    """
    match = _FORM.fullmatch(text.strip())
    if not match:
        raise InputError(
            f"'{text}' is no condition; write KEY=VALUE, KEY!=VALUE, 'KEY<VALUE' or 'KEY>VALUE', such as "
            "ansatz.name=residual, and a folder before --where."
        )
    key, operator, value = match["key"], match["operator"].replace("==", "="), match["value"].strip()
    if operator[0] in "<>" and read_number(value.lower(), float) is None:
        raise InputError(f"'{text}' compares with '{value}', which is no number; write a number, or = for text.")
    return Condition(key, operator, value)


def equal(value: Any, text: str) -> bool:
    """Whether a stored value is what was typed."""
    if value is None:
        return text.lower() in _NONE
    if isinstance(value, bool):
        return fnmatch.fnmatchcase(str(value).lower(), text.lower())
    if isinstance(value, (int, float)):
        number = read_number(text.lower(), float)
        return fnmatch.fnmatchcase(str(value), text) if number is None else math.isclose(value, number, rel_tol=1e-12)
    if isinstance(value, list):
        return json.dumps(value).replace(" ", "") == text.replace(" ", "")
    return str(value) == text or fnmatch.fnmatchcase(str(value), text)


def select(runs: Sequence[StoredRun], conditions: Sequence[str]) -> list[StoredRun]:
    """The runs that meet all conditions, in their order.

    Raises:
        InputError: for a condition of another form, or a key that no run has.
    """
    parsed = [parse_condition(text) for text in conditions]
    check_keys(runs, (condition.key for condition in parsed))
    return [run for run in runs if all(condition.holds(run[condition.key]) for condition in parsed)]
