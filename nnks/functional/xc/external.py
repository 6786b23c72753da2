"""Energy densities that another program evaluates on the host, as functions that JAX can differentiate."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from nnks.functional.xc.base import Family
from nnks.registry import InputError
from nnks.types import Array, Float

__all__ = ["Evaluator", "ExternalEnergy", "derivative_indices"]


@runtime_checkable
class Evaluator(Protocol):
    """A program that knows an energy density and its derivatives; hashable and comparable by value."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def family(self) -> Family:
        """Which variables it reads: `rho`; also `sigma`; also `tau`."""
        ...

    @property
    def max_order(self) -> int:
        """The highest derivative that it can give."""
        ...

    def __call__(self, x: np.ndarray, order: int) -> np.ndarray:
        """All partial derivatives up to `order`.

        Args:
            x: `(variables, points)` in float64: `rho`, then `sigma`, then `tau`, each with its channels.
            order: the highest derivative wanted.

        Returns:
            `(rows, points)`: the energy per volume and its derivatives, rows as in `derivative_indices`.
        """
        ...


@functools.cache
def derivative_indices(variables: int, order: int) -> tuple[tuple[int, ...], ...]:
    """Which variables each row is differentiated by: `()`, `(0,)`, `(1,)`, ..., `(0, 0)`, `(0, 1)`, ..."""
    orders = (itertools.combinations_with_replacement(range(variables), k) for k in range(order + 1))
    return tuple(itertools.chain.from_iterable(orders))


@functools.cache
def _raised(variables: int, order: int) -> np.ndarray:
    """`[variable, row]`: where the derivative of a row by a variable stands, one order up."""
    rows = {index: k for k, index in enumerate(derivative_indices(variables, order + 1))}
    table = [
        [rows[tuple(sorted((*index, v)))] for index in derivative_indices(variables, order)] for v in range(variables)
    ]
    return np.asarray(table)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 2))
def _jet(evaluator: Evaluator, x: Float[Array, "variables points"], order: int) -> Float[Array, "rows points"]:
    """All derivatives up to `order`, from one call of the program."""
    if order > evaluator.max_order:
        raise InputError(
            f"derivative {order} of the functional '{evaluator.name}' was asked for, which offers "
            f"derivatives up to {evaluator.max_order}; choose one written in JAX such as 'pbe'."
        )
    rows = len(derivative_indices(len(x), order))

    def call(values: Any) -> np.ndarray:
        # vmap brings leading axes: one long row of points is one call.
        values = np.asarray(values, dtype=np.float64)
        batch, (variables, points) = values.shape[:-2], values.shape[-2:]
        flat = np.moveaxis(values, -2, 0).reshape(variables, -1)
        out = evaluator(flat, order).reshape(rows, *batch, points)
        return np.moveaxis(out, 0, -2).astype(x.dtype)

    shape = jax.ShapeDtypeStruct((rows, x.shape[1]), x.dtype)
    return jax.pure_callback(call, shape, x, vmap_method="expand_dims")


@_jet.defjvp
def _jet_jvp(evaluator: Evaluator, order: int, primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    """Each row's derivatives stand one order up: values and derivatives come from the same call."""
    (x,), (dx,) = primals, tangents
    higher = _jet(evaluator, x, order + 1)
    table = _raised(len(x), order)
    change = sum(higher[table[v]] * dx[v][None] for v in range(len(x)))
    return higher[: table.shape[1]], jnp.asarray(change)


@dataclasses.dataclass(frozen=True)
class ExternalEnergy:
    """An energy density evaluated by `evaluator` on the host.

    It works inside `jit`, `vmap`, `scan`, forward and reverse derivatives. A value with its gradient is one
    call of the program, and so is a Hessian-vector product.
    """

    evaluator: Evaluator

    def __call__(
        self,
        rho: Float[Array, "spin points"],
        sigma: Float[Array, "pairs points"] | None = None,
        tau: Float[Array, "spin points"] | None = None,
    ) -> Float[Array, " points"]:
        """Energy per volume [Ha/Bohr^3]."""
        count = ("LDA", "GGA", "MGGA").index(self.evaluator.family) + 1
        x = jnp.concatenate([v for v in (rho, sigma, tau)[:count] if v is not None])
        return _jet(self.evaluator, x, 0)[0]
