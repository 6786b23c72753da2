"""The contract of a rotation: a reference and raw orbitals in, orthonormal orbitals out, differentiable twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.orthogonalize import Rotation
from nnks.testing.expect import expect, expect_close, run_checks
from nnks.testing.tolerances import CENTRAL_CURVATURE, CENTRAL_SLOPE, EPS, ROUNDING, STEP
from nnks.types import Array, Scalar, cast

FUNCTIONS, ORBITALS, OCCUPIED = 9, 4, 3
ANGLES = 0.1, 1.0, 30.0
"""Sizes of a change [rad]: near the reference, across, and as a line search may try."""


class RotationCase:
    """A candidate, a reference with an empty orbital, and raw orbitals elsewhere."""

    def __init__(self, member: Any):
        self.member = member
        rng = np.random.default_rng(0)
        occupied = np.linalg.qr(rng.normal(size=(FUNCTIONS, OCCUPIED)))[0]
        self.reference = jnp.asarray(np.pad(occupied, ((0, 0), (0, ORBITALS - OCCUPIED))))
        self.change, self.direction = jnp.asarray(rng.normal(size=(2, FUNCTIONS, ORBITALS)))
        self.turn = jnp.asarray(np.linalg.qr(rng.normal(size=(FUNCTIONS, FUNCTIONS)))[0])
        self.matrix = jnp.asarray(rng.normal(size=(FUNCTIONS, FUNCTIONS)))
        self.rotate = jax.jit(lambda reference, raw: member.rotate(reference, raw))
        self.energy = jax.jit(jax.value_and_grad(self._energy))

    def _energy(self, raw: Array) -> Scalar:
        """A quartic function of the span."""
        psi = self.member.rotate(self.reference, raw)
        density = jnp.sum(psi**2, axis=1)
        return jnp.sum(psi * ((self.matrix + self.matrix.T) @ psi)) + jnp.sum(density**2)


def is_a_rotation(case: RotationCase) -> None:
    """It has `rotate`, which returns as many orbitals, in the same precision."""
    expect(isinstance(case.member, Rotation), f"{case.member} has no `rotate`; expected rotate(reference, raw).")
    for dtype in (jnp.float64, jnp.float32):
        out = jax.eval_shape(case.rotate, *cast((case.reference, case.change), dtype))
        expect(out.shape == case.change.shape, f"the orbitals have shape {out.shape}; expected {case.change.shape}.")
        expect(out.dtype == dtype, f"orbitals of {jnp.dtype(dtype).name} input are in {out.dtype}; expected the same.")


def orthonormal(case: RotationCase) -> None:
    """However far the raw orbitals are away, occupied orbitals are orthonormal and empty ones zero."""
    expected = np.diag((np.arange(ORBITALS) < OCCUPIED).astype(float))
    for angle in ANGLES:
        psi = case.rotate(case.reference, case.reference + angle * case.change)
        expect_close(f"the overlap at {angle} rad", psi.T @ psi, expected, atol=ROUNDING)


def starts_at_the_reference(case: RotationCase) -> None:
    """No change gives the reference itself, and a small one toward empty orbitals itself, to first order."""
    expect_close("the reference", case.rotate(case.reference, case.reference), case.reference, atol=50 * EPS)
    w, occupied = case.reference, jnp.arange(ORBITALS) < OCCUPIED
    z = jnp.where(occupied[None, :], case.change - w @ (w.T @ case.change), 0.0)
    tangent = jax.jvp(lambda raw: case.rotate(w, raw), (w,), (case.change,))[1]
    expect_close("a small change", tangent, z, atol=ROUNDING)


def follows_the_frame(case: RotationCase) -> None:
    """In another frame of the basis the same orbitals come out."""
    raw = case.reference + case.change
    turned = case.rotate(case.turn @ case.reference, case.turn @ raw)
    expect_close("an orbital in a turned frame", turned, case.turn @ case.rotate(case.reference, raw), atol=ROUNDING)


def single_precision_is_orthonormal(case: RotationCase) -> None:
    """In float32 nothing is lost but the rounding of the orbitals themselves."""
    psi = case.rotate(*cast((case.reference, case.reference + case.change), jnp.float32)).astype(jnp.float64)
    expected = np.diag((np.arange(ORBITALS) < OCCUPIED).astype(float))
    expect_close("the overlap in float32", psi.T @ psi, expected, atol=10 * EPS * 2.0**29)


def first_derivative(case: RotationCase) -> None:
    """The slope of an energy is the central difference, at the reference and away from it."""
    for where, raw in (("at", case.reference), ("away from", case.reference + case.change)):
        slope = jnp.vdot(case.energy(raw)[1], case.direction)
        up, down = (case.energy(raw + sign * STEP * case.direction)[0] for sign in (1, -1))
        expect(abs(float(slope)) > 0.1, "the case itself is to have a clear slope")
        expect_close(f"the slope {where} the reference", slope, (up - down) / (2 * STEP), rtol=CENTRAL_SLOPE)


def second_derivative(case: RotationCase) -> None:
    """At the reference, where all angles are zero, a Hessian-vector product is the central difference of gradients."""
    raw, step = case.reference, STEP * case.direction
    curve = jax.jvp(lambda x: case.energy(x)[1], (raw,), (case.direction,))[1]
    up, down = (case.energy(raw + sign * step)[1] for sign in (1, -1))
    scale = float(jnp.abs(curve).max())
    expect_close("a curvature", curve, (up - down) / (2 * STEP), atol=CENTRAL_CURVATURE * scale)


ROTATION_CHECKS: tuple[Callable[[RotationCase], None], ...] = (
    is_a_rotation,
    orthonormal,
    starts_at_the_reference,
    follows_the_frame,
    single_precision_is_orthonormal,
    first_derivative,
    second_derivative,
)
"""One property each, of a `RotationCase`."""


def check_rotation(member: Rotation) -> None:
    """Runs the whole battery on a member such as `Exponential()`.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    run_checks(ROTATION_CHECKS, RotationCase(member))
