r"""Where a minimization of Gaussian orbitals goes on although the gradient vanishes.

It leaves saddles, and once a shallow minimum.

At a saddle the energy falls along the softest rotation. A minimum of equal spin counts whose softest curvature is small
beside the differences of orbital energies is one of several ways to orient open shells against each other (two fluorine
atoms have a hole in one of three p orbitals each); a quarter turn along the softest rotation puts another one in its
place, and the lower minimum is kept. Other open shells are not turned, since their orientations are mostly equivalent,
but for those of single atoms (`nnks.training.orientation`).
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import FRAME
from nnks.objective import Problem
from nnks.training.frame import SMALL_GAP, Framed, gaussian_ansatz, gaussian_energy, make_frame
from nnks.training.orientation import FLAT, best_orientation
from nnks.training.stability import NEGATIVE, Canonical, smallest_gap, softest
from nnks.types import Array, Float, Int, Params, Scalar, record

SAFE_GAP = 0.15
"""Smallest difference of orbital energies [Ha] above which a point counts as a minimum without a test."""

LOWER = 1e-7
"""How much lower [Ha] a point beyond a saddle must be."""

ESCAPES = (-0.6, -0.3, -0.1, 0.1, 0.3, 0.6)
"""Angles [rad] along the softest rotation that are tried to leave a saddle."""

SHALLOW = 0.01
"""Curvature [Ha] below which a minimum may be one of several orientations (stretched F2: 0.0015 Ha, the next kind of
rotation 0.11)."""

TURN = math.pi / 2

PATIENCE = 80
"""Energy gradients after which the way from a turn is given up."""


@record
class Kept:
    """The minimum that a turn started from.

    Attributes:
        orbitals: its frame, in which its rotation is zero.
        scale: of the frame's coordinates.
        energy: total [Ha]; infinite before the turn.
        since: energy gradients up to it.
    """

    orbitals: Float[Array, "spin n n"]
    scale: Float[Array, "spin n occupied"]
    energy: Scalar
    since: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Examined:
    """What was found about a point of vanishing gradient.

    Attributes:
        evaluations: energies and Fock matrices that it took.
        curvature: the lowest one [Ha], None where orbital energies are so far apart that no test was due.
        frame: parameters that mean the same orbitals in a frame of their own.
        beyond: parameters of a lower energy, beyond a saddle or of an atom's better orientation.
        lower: that energy [Ha].
        turned: parameters of another orientation, where the minimum is shallow.
    """

    evaluations: int
    curvature: float | None = None
    frame: Params | None = None
    beyond: Params | None = None
    lower: float = math.nan
    turned: Params | None = None


def nothing_kept(problem: Problem, params: Params) -> Kept | None:
    """Of the state before a turn; None where none will be taken."""
    nocc = problem.model.nocc
    if len(nocc) != 2 or nocc[0] != nocc[1]:
        return None
    frame = params[FRAME]
    infinite = jnp.full((), jnp.inf, frame["scale"].dtype)
    return Kept(frame["orbitals"], frame["scale"], infinite, jnp.int32(0))


def soft(problem: Problem, params: Params) -> bool:
    """Whether some difference of orbital energies was so small that the frame's coordinates count it as larger."""
    electrons, scale = np.asarray(problem.model.occupations), np.asarray(params[FRAME]["scale"])
    sizes = 2 * electrons[:, None, :] * scale**2  # zero where nothing is mixed
    return bool(sizes.max(initial=0.0) >= 1 / ((1 + 1e-9) * SMALL_GAP))


def examine(problem: Problem, params: Params, rotation: str, total: float) -> Examined:
    """Whether a point of vanishing gradient and this energy [Ha] is a minimum, and where to go on unless it is deep."""
    framed = make_frame(problem, params)
    evaluations = 1  # a Fock matrix costs about as much as a gradient
    if smallest_gap(framed.canonical, problem.model.nocc) > SAFE_GAP:
        return Examined(evaluations)
    lowest, angles = _softest(problem, framed.canonical)
    curvature, frame = float(lowest), framed.params(params, rotation)
    coordinates = angles / jnp.where(framed.scale > 0, framed.scale, 1.0)

    def turned(angle: float) -> Params:
        return {**frame, rotation: angle * coordinates}

    if curvature > NEGATIVE:
        if curvature < FLAT and len(gaussian_ansatz(problem).start.basis.centers) == 1:
            return _oriented(problem, params, rotation, Examined(evaluations, curvature, frame), framed)
        return Examined(evaluations, curvature, frame, turned=turned(TURN) if curvature < SHALLOW else None)
    energies = [float(_energy(problem, turned(angle))) for angle in ESCAPES]
    evaluations += len(ESCAPES)
    if min(energies) > total - LOWER:
        # the curvature of a flat or wrinkled energy: no way down was found
        return Examined(evaluations, curvature, frame)
    beyond = turned(ESCAPES[int(np.argmin(energies))])
    return Examined(evaluations, curvature, frame, beyond, min(energies))


def _oriented(problem: Problem, params: Params, rotation: str, flat: Examined, framed: Framed) -> Examined:
    """What was found about an atom's flat minimum, and a better orientation of its orbitals if there is one."""
    lower, turned, count = best_orientation(problem, framed)
    counted = dataclasses.replace(flat, evaluations=flat.evaluations + count)
    if lower > float(framed.energies["total"]) - LOWER:
        return counted
    return dataclasses.replace(counted, beyond=turned.params(params, rotation), lower=lower)


@jax.jit
def _energy(problem: Problem, params: Params) -> Scalar:
    return problem.energies(params, jax.random.key(0), jnp.int32(0))["total"]


@jax.jit
def _softest(problem: Problem, orbitals: Canonical) -> tuple[Scalar, Array]:
    return softest(gaussian_energy(problem), orbitals, problem.model.occupations, problem.model.nocc)
