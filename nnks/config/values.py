"""What a key may hold: its type, whether None, its bounds or choices.

And values read from the text of a command line.
"""

from __future__ import annotations

import dataclasses
import decimal
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nnks.registry import InputError, shown, suggest

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
"""How a command line spells them, in any case."""

WHOLE = 2**63 - 1
"""The largest whole number that 64 bits hold."""

NUMBER = re.compile(r"[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)([ed][+-]?\d+)?", re.ASCII)
"""A number as Python and Fortran write them, `1e-3`, `1d-3`, `1_000`."""

MOST_DIGITS = 100
"""Of a whole number that is read; 19 fit in 64 bits."""

NO_NUMBER = ("nan", "inf", "+inf", "-inf", "infinity", "-infinity")


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Where a number may lie.

    Attributes:
        lowest: it may be this, or must be more if `above`.
        highest: it may be this, or must be less if `below`.
        unit: of a real number.
        above: leaves the lowest out.
        below: leaves the highest out.
    """

    lowest: float | int = -math.inf
    highest: float | int = math.inf
    unit: str = ""
    above: bool = False
    below: bool = False

    def hold(self, value: float | int) -> bool:
        """Whether a number lies within; nan and infinite ones never do."""
        if not math.isfinite(_as_float(value)):
            return False
        low = value > self.lowest if self.above else value >= self.lowest
        return low and (value < self.highest if self.below else value <= self.highest)

    def __str__(self) -> str:
        """The end of `a number ...`."""
        low = f"{'above' if self.above else 'of at least'} {_digits(self.lowest)}" if math.isfinite(self.lowest) else ""
        high = f"{'below' if self.below else 'at most'} {_digits(self.highest)}" if math.isfinite(self.highest) else ""
        return " and ".join(filter(None, (low, high))) + (f" [{self.unit}]" if self.unit else "")


WHOLE_NUMBERS, FINITE = Bounds(-WHOLE, WHOLE), Bounds()
"""Of keys that nothing else is known of: fields of an ansatz of a user's own."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a key may hold.

    Attributes:
        kind: `int`, `float`, `bool`, `str`, `tuple` or `list`; `object` for any value that JSON can store.
        default: an example, and of a tuple the type of its items.
        optional: whether it may be None.
        bounds: of a number.
        choices: of a text, if its values are a closed set.
        fault: what is wrong with a text, as the end of a sentence, or nothing.
        empty: what an empty text stands for.
        by_element: whether a text may be given as a dictionary with one for each element.
    """

    kind: type
    default: Any = None
    optional: bool = False
    bounds: Bounds = FINITE
    choices: Sequence[str] = ()
    fault: Callable[[str], str] | None = None
    empty: str = ""
    by_element: bool = False

    def __str__(self) -> str:
        """What the key takes."""
        whole, real = self.bounds is not WHOLE_NUMBERS, self.bounds is not FINITE
        names = {
            int: f"a whole number {_span(self.bounds) if whole else 'of at most 64 bits'}",
            float: f"a number {self.bounds}" if real else "a finite number",
            bool: "true or false",
            str: f"one of {', '.join(filter(None, self.choices))}" if self.choices else "a text",
            tuple: "values with commas between them",
            list: "values with commas between them",
        }
        example = self.default if isinstance(self.default, int | float | str) and self.default != "" else None
        such = "" if example is None or self.kind is bool or self.choices else f", such as {shown(example)}"
        empty = f', or "" for {self.empty}' if self.empty else ""
        return names.get(self.kind, "a number, a text, or true or false") + such + empty + ", or None" * self.optional

    def read(self, text: str, path: str) -> Any:
        """The value that a text on the command line stands for.

        Raises:
            InputError: for one that the key does not take.
        """
        word = text.strip().lower()
        if word == "none":
            return self.check(None, path)
        if self.kind is bool and word in TRUE + FALSE:
            return word in TRUE
        if self.kind in (tuple, list):
            return self.check(self._items(text, path), path)
        if self.kind in (int, float):
            number = read_number(word, self.kind)
            if number is None:
                raise self.refusal(text, path)
            return self.check(number, path)
        if self.kind is bool:
            raise self.refusal(text, path)
        return self.check(_plain(text) if self.kind is object else text, path)

    def check(self, value: Any, path: str) -> Any:
        """The value in the key's own type.

        Raises:
            InputError: for one of another type, out of bounds, or none of the choices.
        """
        value = _scalar(value)
        if value is None:
            if self.kind is str and self.empty:  # whose word for none is an empty text
                return ""
            if not self.optional:
                raise self.refusal(None, path)
            return None
        typed = self._typed(value, path)
        if self.kind in (int, float) and not self.bounds.hold(typed):
            raise self.refusal(typed, path)
        if self.choices and typed not in self.choices:
            raise InputError(f"{key_name(path)} is {shown(typed)}; {self._suggestion(typed)}.")
        if isinstance(typed, str) and self.fault is not None and (fault := self.fault(typed)):
            raise InputError(f"{key_name(path)} is {shown(typed)}; {fault}.")
        return typed

    def refusal(self, value: Any, path: str) -> InputError:
        """The sentence for a value that the key does not take."""
        return InputError(f"{key_name(path)} is {shown(value)}; it must be {self}.")

    def _suggestion(self, value: str) -> str:
        named = [choice for choice in self.choices if choice]
        return suggest(value, named) + (f', or "" for {self.empty}' if self.empty else "")

    def _typed(self, value: Any, path: str) -> Any:
        if self.kind is bool and isinstance(value, bool):
            return value
        if self.kind is int and _is_number(value) and value == value // 1:
            return int(value)
        if self.kind is float and _is_number(value):
            return _as_float(value)
        if self.kind is str and isinstance(value, str):
            return str(value)
        if (
            self.by_element
            and isinstance(value, Mapping)
            and value
            and all(isinstance(x, str) for x in (*value, *value.values()))
        ):
            return ",".join(f"{element}:{name}" for element, name in sorted(value.items()))
        if self.kind in (tuple, list) and isinstance(value, tuple | list):
            return self.kind(storable(item, path) for item in value)
        if self.kind not in (bool, int, float, str, tuple, list):
            return storable(value, path)
        raise self.refusal(value, path)

    def _items(self, text: str, path: str) -> list[Any]:
        """The items of a tuple, `32,16` or `(32, 16)`, in the type of the default's."""
        first = self.default[0] if self.default else ""
        item = Rule(type(first), first, bounds=WHOLE_NUMBERS if type(first) is int else FINITE)
        inner = text.strip().removeprefix("(").removesuffix(")").removeprefix("[").removesuffix("]").strip()
        return [item.read(part.strip().strip("'\""), path) for part in inner.rstrip(",").split(",")] if inner else []


def key_name(path: str) -> str:
    """A key, or an option of a command, as sentences call it, on one line."""
    name = shown(path)[1:-1]
    return name if path.startswith("--") else f"config.{name}"


def _span(bounds: Bounds) -> str:
    return f"from {_digits(bounds.lowest)} to {_digits(bounds.highest)}"


def _digits(bound: float | int) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) != math.inf


def _as_float(value: float | int) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 300 digits
        return math.inf


def read_number(word: str, kind: type) -> int | float | None:
    """A number from its text in small letters, without a digit lost; None if it is none, as digits of other scripts."""
    if kind is float and word in NO_NUMBER:
        return float(word)
    if not NUMBER.fullmatch(word):
        return None
    word = word.replace("d", "e").replace("_", "")
    if kind is float:
        return float(word)
    try:
        value = decimal.Decimal(word)
    except decimal.InvalidOperation:  # an exponent of more than 18 digits
        return None
    # 1e999999999 would take a gigabyte to write out
    short = value.is_finite() and value.adjusted() < MOST_DIGITS
    return int(value) if short and value == value.to_integral_value() else None


def _plain(text: str) -> Any:
    """The number or switch that a text looks like, for a key that takes any value; otherwise the text."""
    word = text.strip().lower()
    if word in ("true", "false"):
        return word == "true"
    whole = read_number(word, int)
    number = read_number(word, float) if whole is None else whole
    return text if number is None else number


def _scalar(value: Any) -> Any:
    """A Python number for a NumPy or JAX one."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def storable(value: Any, path: str) -> Any:
    """A value of a field of a user's own, if JSON can store it."""
    value = _scalar(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and WHOLE_NUMBERS.hold(_as_float(value)):
        return value
    if isinstance(value, str) and value.isprintable():
        return value
    if isinstance(value, tuple | list):
        return type(value)(storable(item, path) for item in value)
    if isinstance(value, Mapping):
        return {str(key): storable(item, path) for key, item in value.items()}
    raise InputError(
        f"{key_name(path)} is {shown(value)}; it must be a number, a text, true or false, or a tuple of them."
    )
