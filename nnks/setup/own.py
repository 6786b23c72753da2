"""Members of a user's own beside the ansatz: what each must have and return, found from shapes before compilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.registry import InputError, shown
from nnks.traces import attempted, is_own

VALUES, POINTS = 3, 7
"""Of the values that an orthogonalizer is tried with."""


def check_orthogonalizer(name: str, member: Any) -> None:
    """Refuses an orthogonalizer that returns no mix, a square matrix for the values of one spin.

    Raises:
        InputError: with what came and what was expected.
    """
    if not is_own(member):
        return
    who = f"orthogonalizer '{name}'"
    _check_parts(who, member, ("positive", "__call__"))
    values, weights = (jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((VALUES, POINTS), (POINTS,)))
    mix = attempted(f"{who} fails", lambda m, v, w: m(v, w), member, values, weights)
    _check_array(f"{who} returned", mix, (VALUES, VALUES), f"[n, n] for values [n, points] = [{VALUES}, {POINTS}]")


def check_sampler(name: str, sampler: Any) -> None:
    """Refuses a sampler that does not draw two batches of its size.

    Raises:
        InputError: with what came and what was expected.
    """
    if not is_own(sampler):
        return
    who = f"sampler '{name}'"
    _check_parts(who, sampler, ("size", "exact", "draw"))
    drawn = attempted(f"{who} fails in `draw`", lambda s, k: s.draw(k, jnp.int32(0)), sampler, _key())
    if not isinstance(drawn, tuple) or len(drawn) != 2 or not all(hasattr(b, "index") for b in drawn):
        raise InputError(f"{who} draws a {type(drawn).__name__}; expected two nnks.quadrature.Batch, (x, y).")
    for batch in drawn:
        _check_array(f"{who} draws weights", batch.weights, (sampler.size,), f"[size] = [{sampler.size}]")
        _check_array(f"{who} draws an index", batch.index, (sampler.size,), f"[size] = [{sampler.size}]", jnp.integer)


def check_term(name: str, spec: Any, term: Any) -> None:
    """Refuses a term that is not one, or that reports its energy under another name.

    Raises:
        InputError: with what came and what was expected.
    """
    if not is_own(spec):
        return
    who = f"term '{name}'"
    _check_parts(who, term, ("name", "order", "__call__"))
    if term.name != name:
        raise InputError(
            f"{who} makes a term whose name is {shown(term.name)}; expected the name that it is registered under."
        )
    if term.order not in (0, 1):
        raise InputError(f"{who} has order {shown(term.order)}; expected 1 if it needs gradients of orbitals, else 0.")


def check_energies(problem: Any, params: Any) -> None:
    """Refuses terms of a user's own that fail, or are no energy, found from shapes.

    Raises:
        InputError: with the error that it ends in.
    """
    for term in problem.functional.terms:
        if is_own(term):
            who = f"term '{term.name}'"
            value = attempted(f"{who} fails", lambda p, t: _energy(problem, p, t), params, term)
            _check_array(f"{who} returned", value, (), "of shape (), an energy [Ha]")


def _energy(problem: Any, params: Any, term: Any) -> Any:
    x = problem.model(params, problem.grid.quadrature())
    return term(x, x)


def check_finite(name: str, energy: Any, matrix: Any) -> None:
    """Refuses a term whose energy or derivative is not finite.

    Args:
        name: of the term.
        energy: of the superposition of atoms [Ha].
        matrix: its derivative there by the density matrix [Ha].

    Raises:
        InputError: with which of them.
    """
    what = {"energy": energy, "derivative": matrix}
    broken = next((key for key, value in what.items() if not np.isfinite(np.asarray(value)).all()), None)
    if broken is not None:
        raise InputError(
            f"term '{name}': its {broken} is not finite (nan or infinite) for the density of the atoms, from which a "
            "run starts; check divisions, roots and logarithms in it, which JAX differentiates."
        )


def check_optimizer(name: str, optimizer: Any) -> None:
    """Refuses an optimizer without the parts of one.

    Raises:
        InputError: with what is missing.
    """
    parts = ("minibatch", "reports_end", "init", "make_step")
    missing = [part for part in parts if not hasattr(optimizer, part)]
    if missing:
        raise _lacks(f"optimizer '{name}'", optimizer, missing)


def optimizer_state(name: str, optimizer: Any, problem: Any, params: Any) -> Any:
    """The shapes of an optimizer's first state.

    Raises:
        InputError: with the error that it ends in.
    """
    who = f"optimizer '{name}' fails in `init`"
    return attempted(who, lambda problem, params, key: optimizer.init(problem, params, key), problem, params, _key())


def _key() -> Any:
    return jax.eval_shape(jax.random.key, 0)


def _check_parts(who: str, member: Any, parts: Sequence[str]) -> None:
    missing = [part for part in parts if not hasattr(member, part)]
    if missing:
        raise _lacks(who, member, missing)
    if any(leaf is member for leaf in jax.tree.leaves(member)):
        raise InputError(
            f"{who} is a {type(member).__name__}, which JAX cannot take apart; make it a class with the decorator "
            "nnks.types.record."
        )


def _lacks(who: str, member: Any, missing: Sequence[str]) -> InputError:
    parts = ", ".join(f"`{part}`" for part in missing)
    return InputError(f"{who} is a {type(member).__name__} without {parts}; see docs/extending.md for what it needs.")


def _check_array(what: str, value: Any, shape: tuple[int, ...], expected: str, kind: Any = jnp.floating) -> None:
    if not isinstance(value, jax.ShapeDtypeStruct):
        raise InputError(f"{what} of type {type(value).__name__}; expected an array {expected}.")
    if value.shape != shape:
        raise InputError(f"{what} {list(value.shape)}; expected {expected}.")
    if not jnp.issubdtype(value.dtype, kind):
        numbers = "whole numbers" if kind is jnp.integer else "real numbers"
        raise InputError(f"{what} of type {value.dtype}; expected {numbers}.")
