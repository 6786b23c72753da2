"""How a battery refuses: an AssertionError with a sentence that says what came and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import jax
import numpy as np

Case = TypeVar("Case")


def expect(holds: Any, sentence: str) -> None:
    """Raises with the sentence unless the condition holds; works under `python -O`, unlike `assert`."""
    if not bool(holds):
        raise AssertionError(sentence)


def expect_close(what: str, came: Any, expected: Any, *, atol: float = 0.0, rtol: float = 0.0) -> None:
    """Raises unless every entry is within `atol + rtol * |expected|`; the sentence shows the worst entry.

    Args:
        what: subject of the sentence, such as "the energy [Ha]".
        came: what the member returned.
        expected: a number, or an array of the same shape.
        atol: absolute tolerance, in the unit of the values.
        rtol: relative tolerance.
    """
    came, expected = np.asarray(came), np.asarray(expected)
    expect(
        came.shape == expected.shape or expected.ndim == 0,
        f"{what} has shape {came.shape}; expected {expected.shape}.",
    )
    if came.size == 0:
        return
    expected = np.broadcast_to(expected, came.shape)
    excess = np.abs(came - expected) - (atol + rtol * np.abs(expected))
    worst = np.unravel_index(np.nanargmax(excess) if np.isfinite(excess).any() else 0, came.shape)
    if not np.isfinite(excess).all():
        worst = np.unravel_index(np.argmin(np.isfinite(excess)), came.shape)
    value, wanted = came[worst], expected[worst]
    where = f" at index {tuple(map(int, worst))}" if came.ndim else ""
    expect(
        np.isfinite(excess).all() and (excess <= 0).all(),
        f"{what}{where} is {value:.12g}; expected {wanted:.12g} within {atol + rtol * abs(wanted):.1e} "
        f"(the difference is {abs(value - wanted):.1e}).",
    )


def expect_arrays(what: str, record: Any) -> None:
    """Raises unless all leaves of a pytree are arrays: only then can it be an argument of a compiled step."""
    strange = [leaf for leaf in jax.tree.leaves(record) if not isinstance(leaf, (jax.Array, np.ndarray))]
    expect(
        not strange,
        f"{what} has {strange[:1]} among its leaves; expected arrays only: make it a class under "
        "@nnks.types.record, with `static()` for fields that are not arrays.",
    )


def run_checks(checks: Iterable[Callable[[Case], None]], case: Case) -> None:
    """Runs every check of a battery; the first one that fails says why."""
    for check in checks:
        check(case)
