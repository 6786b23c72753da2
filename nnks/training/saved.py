"""What a checkpoint holds beside a training state, so that a run goes on from it as if it had not been interrupted."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from nnks.training.state import TrainState
from nnks.training.validation import WINDOW, Compared, EarlyStopping
from nnks.types import Array, Float, Int, Scalar, record


@record
class Compares:
    """What early stopping has compared.

    Attributes:
        best: the state that is lowest on the held-out grid, with its key as plain integers.
        energies: of `best` on the training grid and on the held-out one [Ha]; not a number before the first comparison.
        recent: the same of the states compared last, oldest first; rows that are missing are not numbers.
        doubts: as `EarlyStopping.doubts`.
    """

    best: TrainState
    energies: Float[Array, " 2"]
    recent: Float[Array, "compared 2"]
    doubts: Int[Array, ""]


@record
class Saved(TrainState):
    """A training state as a checkpoint holds it.

    Attributes:
        total: energy of the last step [Ha]; not a number before the first one.
        seconds: of the run, and of its training without compilation.
        stopped: why the run has ended, as a place in the recorder's list of reasons; 0 as long as it goes on.
        compares: what early stopping knows; None without one.
    """

    total: Scalar
    seconds: Float[Array, " 2"]
    stopped: Int[Array, ""]
    compares: Compares | None


@dataclasses.dataclass(frozen=True)
class Progressed:
    """The numbers of `Saved` as Python has them; `total` is None before the first step."""

    total: float | None = None
    seconds: float = 0.0
    trained: float = 0.0
    stopped: int = 0


def pack(state: TrainState, progressed: Progressed, stopping: EarlyStopping | None) -> Saved:
    """A state with all that goes with it."""
    total = math.nan if progressed.total is None else progressed.total
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(TrainState)}
    return Saved(
        **fields,
        total=jax.device_put(np.float64(total)),
        seconds=jax.device_put(np.array([progressed.seconds, progressed.trained])),
        stopped=jax.device_put(np.int32(progressed.stopped)),
        compares=None if stopping is None else _compares(state, stopping),
    )


def unpack(saved: Saved, stopping: EarlyStopping | None) -> tuple[TrainState, Progressed]:
    """The state and its numbers; early stopping is given what it knew."""
    state = TrainState(**{field.name: getattr(saved, field.name) for field in dataclasses.fields(TrainState)})
    seconds, trained = map(float, np.asarray(saved.seconds))
    total = None if math.isnan(saved.total) else float(saved.total)
    if stopping is not None and saved.compares is not None:
        _remind(stopping, saved.compares)
    return state, Progressed(total, seconds, trained, int(saved.stopped))


def _compares(state: TrainState, stopping: EarlyStopping) -> Compares:
    best = stopping.best or Compared(state, math.nan, math.nan)
    recent = np.full((WINDOW + 1, 2), math.nan)
    for row, compared in zip(recent, stopping.recent, strict=False):
        row[:] = compared.total, compared.held_out
    return Compares(
        best=dataclasses.replace(best.state, key=jax.random.key_data(best.state.key)),
        energies=jnp.asarray([best.total, best.held_out], jnp.float64),
        recent=jnp.asarray(recent),
        doubts=jnp.int32(stopping.doubts),
    )


def _remind(stopping: EarlyStopping, known: Compares) -> None:
    best = dataclasses.replace(known.best, key=jax.random.wrap_key_data(known.best.key))
    total, held_out = map(float, known.energies)
    stopping.best = None if math.isnan(held_out) else Compared(best, total, held_out)
    stopping.recent.clear()
    for total, held_out in np.asarray(known.recent):
        if not math.isnan(held_out):
            # of a state before, early stopping uses the energies alone
            stopping.recent.append(Compared(best, float(total), float(held_out)))
    stopping.doubts = int(known.doubts)
