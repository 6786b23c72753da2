"""Derivatives of one's own that raise where they do not exist, instead of being zero."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import jax
from jax.custom_derivatives import CustomVJPPrimal, SymbolicZero


class NoDerivative(NotImplementedError):
    """A derivative was asked for that is not programmed."""


def define_derivative(function: Any, forward: Callable, backward: Callable, *, by: str, of: str) -> None:
    """Gives a `jax.custom_vjp` function its derivative by one argument; by any other it raises while JAX traces.

    A cotangent of None counts as zero for JAX. A gradient by positions or exponents would then be silently wrong.

    Args:
        function: with arguments that may hold several arrays each, and one array as its value.
        forward: of the same arguments; the value and what `backward` needs.
        backward: of what is kept and the value's cotangent; the cotangent of each argument, None but for `by`.
        by: the name of the argument, as in the signature of `forward`.
        of: what the function is, for the error.
    """
    names = tuple(inspect.signature(forward).parameters)

    def checked(*arguments: Any) -> tuple:
        values = []
        for name, argument in zip(names, arguments, strict=True):
            leaves, tree = jax.tree.flatten(argument, is_leaf=lambda leaf: isinstance(leaf, CustomVJPPrimal))
            primal = [leaf for leaf in leaves if isinstance(leaf, CustomVJPPrimal)]
            if name != by and any(leaf.perturbed for leaf in primal):
                raise NoDerivative(
                    f"the derivative of {of} by '{name}' is not programmed, only that by '{by}'; "
                    "take finite differences."
                )
            values.append(tree.unflatten([getattr(leaf, "value", leaf) for leaf in leaves]))
        return forward(*values)

    def back(*arguments: Any) -> tuple:
        *kept, slope = arguments
        if isinstance(slope, SymbolicZero):  # of an output that nobody uses
            slope = jax.numpy.zeros(slope.shape, cast(Any, slope.dtype))
        return backward(*kept, slope)

    function.defvjp(checked, back, symbolic_zeros=True)
