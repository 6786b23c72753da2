"""The contract of a minibatch sampler, the registry of its members, and the one that takes every point.

A sampler is a pure function of a key and a step number, so that a resumed run draws what the unbroken one
would have drawn. It draws two independent batches, since a quadratic term such as the Hartree energy is
unbiased only when its two density factors come from different draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import numpy as np

from nnks.quadrature.base import Batch, Grid
from nnks.registry import InputError, Registry
from nnks.types import Array, Float, Int, PRNGKey, field, record

SAMPLERS = Registry("sampler")


@runtime_checkable
class Sampler(Protocol):
    r"""Draws batches whose weighted sums estimate sums over the grid without bias.

    For every function $f$ of a point and every kernel $K$ of two points, with the expectation over keys,
    $$E\sum_{k\in x} w^x_k f_k = \sum_k w_k f_k, \qquad
      E\sum_{k\in x}\sum_{l\in y} w^x_k w^y_l K_{kl} = \sum_{kl} w_k w_l K_{kl}$$
    where `x, y = sampler.draw(key, step)`. The grid's own points and weights are the exact answer here.
    """

    @property
    def size(self) -> int:
        """Points in a batch, known when a function is compiled."""
        ...

    @property
    def exact(self) -> bool:
        """Whether both batches are the whole grid, so that there is no randomness at all."""
        ...

    def draw(self, key: PRNGKey, step: Int[Array, ""] | int) -> tuple[Batch, Batch]:
        """Two mutually independent batches; the same key and step give the same two."""
        ...


@record
class Full:
    """Both batches are the whole grid with its own weights."""

    batch: Batch = field()
    exact: ClassVar[bool] = True

    @property
    def size(self) -> int:
        """Points in a batch."""
        return self.batch.weights.shape[0]

    def draw(self, key: PRNGKey, step: Int[Array, ""] | int) -> tuple[Batch, Batch]:
        """The same batch twice, whatever the key and step."""
        return self.batch, self.batch


@SAMPLERS.register("full")
def make_full(*, grid: Grid) -> Full:
    """Every point of the grid at every step: exact sums, no randomness."""
    # put on the device: `jnp.arange` compiles a program for every size
    return Full(batch=Batch(index=jax.device_put(np.arange(grid.size)), weights=grid.weights))


def make_sampler(section: Mapping[str, Any], grid: Grid, reference: Float[Array, " points"] | None = None) -> Sampler:
    """Makes the sampler that a config section describes.

    Args:
        section: `name`, `batch_size`, `replacement`, and the member's own fields. A field other than
            `batch_size` that is None takes the member's default.
        grid: the full grid.
        reference: a density at the grid's points [electrons/Bohr³] that tells where the integrands live.

    Raises:
        InputError: for an unknown name, a field that the member does not take, or a batch size that it cannot
            draw.
    """
    name = section["name"]
    fields = {key: value for key, value in section.items() if value is not None or key == "batch_size"}
    takes = SAMPLERS.fields(name)
    if "batch_size" in fields and "batch_size" not in takes:
        if fields.pop("batch_size"):
            raise InputError(
                f"sampler.batch_size is {section['batch_size']} but sampler '{name}' uses all {grid.size} "
                "points; leave it unset (None), or choose sampler.name='uniform'."
            )
    elif "batch_size" in fields and not fields["batch_size"]:
        raise InputError(
            f"sampler.batch_size is {fields['batch_size']} but sampler '{name}' needs at least 1 point; "
            f"choose 1 to {grid.size}, or sampler.name='full'."
        )
    elif (size := fields.get("batch_size")) is not None:
        check_batch_size(size, grid, repeats=True)  # a whole number; the member knows its limit
    if "replacement" in fields and "replacement" not in takes:
        raise InputError(
            f"sampler.replacement is {fields['replacement']} but sampler '{name}' has no such choice; "
            "leave it unset (None), or choose sampler.name='uniform'."
        )
    if reference is not None:
        check_reference(reference, grid)
    return SAMPLERS.build(fields, grid=grid, reference=reference)


def check_batch_size(batch_size: int, grid: Grid, *, repeats: bool) -> None:
    """Refuses a batch that is empty, or larger than the grid where points are drawn once.

    Raises:
        InputError: with the sizes that would work.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
        raise InputError(f"sampler.batch_size is {batch_size!r} but must be a whole number; choose 1 to {grid.size}.")
    if batch_size < 1:
        raise InputError(
            f"sampler.batch_size is {batch_size} but a batch needs at least 1 point; "
            f"choose 1 to {grid.size}, or sampler.name='full'."
        )
    if batch_size > grid.size and not repeats:
        raise InputError(
            f"sampler.batch_size is {batch_size} but the grid has {grid.size} points; "
            f"choose at most {grid.size}, or sampler.name='full'."
        )


def check_reference(reference: Float[Array, " points"], grid: Grid) -> None:
    """Refuses a reference density that does not belong to the grid or cannot be a density.

    Raises:
        InputError: for a wrong length, values that are not finite, or a density that is nowhere positive.
    """
    values = np.asarray(reference)
    if values.shape != (grid.size,):
        raise InputError(
            f"the reference density has shape {values.shape} but the grid has {grid.size} points; "
            "evaluate it at grid.points."
        )
    if not np.isfinite(values).all() or not (values > 0).any():
        raise InputError(
            "the reference density is not finite or nowhere positive but must be a density; "
            "check how it was evaluated, or pass none."
        )
