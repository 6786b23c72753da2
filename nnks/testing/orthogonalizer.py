"""The contract of an orthogonalizer: values and weights in, a mix M with $M^T G M = 1$ out, differentiable twice."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.orthogonalize import QR, Orthogonalizer, gram
from nnks.testing.expect import expect, expect_arrays, expect_close, run_checks
from nnks.testing.tolerances import CENTRAL_CURVATURE, CENTRAL_SLOPE, EPS, STEP, factorization
from nnks.types import Array, Scalar, cast

ORBITALS, POINTS = 5, 40


class OrthogonalizerCase:
    """A candidate, and raw orbitals of two kinds: random, and orthonormal from the start."""

    def __init__(self, member: Any):
        self.member = member
        rng = np.random.default_rng(0)
        self.values = jnp.asarray(rng.normal(size=(ORBITALS, POINTS)))
        self.weights = jnp.asarray(rng.uniform(0.1, 1.0, size=POINTS))
        self.ones = jnp.ones(POINTS)
        self.orthonormal = jnp.asarray(np.linalg.qr(self.values.T)[0].T)  # every eigenvalue of its G is one
        self.direction = jnp.asarray(rng.normal(size=(ORBITALS, POINTS)))
        self.matrix = jnp.asarray(rng.normal(size=(POINTS, POINTS)))
        self.mix = jax.jit(lambda values, weights: member(values, weights))
        self.energy = jax.jit(jax.value_and_grad(lambda v, w: span_energy(member, self.matrix, v, w)))

    @functools.cached_property
    def by_qr(self) -> tuple[Array, Array]:
        """Energy and gradient of the values with the member that everyone trusts."""
        energy = jax.jit(jax.value_and_grad(lambda v, w: span_energy(QR(), self.matrix, v, w)))
        return energy(self.values, self.weights)


def span_energy(member: Any, matrix: Array, values: Array, weights: Array) -> Scalar:
    """A quartic function of the orbitals' span alone, as energies are."""
    psi = member(values, weights).T @ values
    density = jnp.sum(psi**2, axis=0)
    return jnp.sum((psi * weights[None, :]) @ (matrix + matrix.T) * psi) + jnp.sum(weights * density**2)


def is_a_member(case: OrthogonalizerCase) -> None:
    """It says whether it needs positive weights, is a record of arrays, and returns a matrix [n, n]."""
    expect(isinstance(case.member, Orthogonalizer), f"{case.member} has no `positive`; expected True or False.")
    expect_arrays("the orthogonalizer", case.member)
    for dtype in (jnp.float64, jnp.float32):
        out = jax.eval_shape(case.member, *cast((case.values, case.weights), dtype))
        expect(out.shape == (ORBITALS, ORBITALS), f"the mix has shape {out.shape}; expected {(ORBITALS, ORBITALS)}.")
        expect(out.dtype == dtype, f"the mix of {jnp.dtype(dtype).name} values is in {out.dtype}; expected the same.")


def orthonormal(case: OrthogonalizerCase) -> None:
    """Well-conditioned values become orthonormal."""
    _expect_orthonormal(case, case.values, case.weights)


def orthonormal_when_badly_scaled(case: OrthogonalizerCase) -> None:
    """So do values of which one is a thousand times larger."""
    _expect_orthonormal(case, case.values.at[0].multiply(1e3), case.weights)


def orthonormal_with_negative_weights(case: OrthogonalizerCase) -> None:
    """A member that does not ask for positive weights is right with a few negative ones."""
    if not case.member.positive:
        weights = case.weights.at[3].multiply(-0.3)
        lowest = float(np.linalg.eigvalsh(gram(case.values, weights))[0])
        assert lowest > 0, "the case itself is to have a positive definite Gram matrix"
        _expect_orthonormal(case, case.values, weights)


def _expect_orthonormal(case: OrthogonalizerCase, values: Array, weights: Array) -> None:
    g = gram(values, weights)
    mix = case.mix(values, weights)
    tolerance = factorization(float(np.linalg.cond(g)))
    expect_close("the overlap M^T G M", mix.T @ g @ mix, np.eye(ORBITALS), atol=tolerance)


def energy_does_not_depend_on_the_member(case: OrthogonalizerCase) -> None:
    """The energy is a function of the span alone: the value is that of QR."""
    (energy, _), (expected, _) = case.energy(case.values, case.weights), case.by_qr
    expect_close("the energy", energy, expected, rtol=_condition(case))


def gradient_does_not_depend_on_the_member(case: OrthogonalizerCase) -> None:
    """So is its gradient by the raw values."""
    (_, gradient), (_, expected) = case.energy(case.values, case.weights), case.by_qr
    assert float(jnp.linalg.norm(expected)) > 0.1, "the case itself is to have a clear gradient"
    expect_close("the gradient", gradient, expected, atol=_condition(case) * float(jnp.abs(expected).max()))


def _condition(case: OrthogonalizerCase) -> float:
    return factorization(float(np.linalg.cond(gram(case.values, case.weights))), size=1e3)


def first_derivative_at_repeated_eigenvalues(case: OrthogonalizerCase) -> None:
    """Already orthonormal values: the gradient is the central difference, and finite."""
    values, step = case.orthonormal, STEP * case.direction
    slope = jnp.vdot(case.energy(values, case.ones)[1], case.direction)
    up, down = (case.energy(values + sign * step, case.ones)[0] for sign in (1, -1))
    expect_close("the slope of the energy", slope, (up - down) / (2 * STEP), rtol=CENTRAL_SLOPE)


def second_derivative_at_repeated_eigenvalues(case: OrthogonalizerCase) -> None:
    """There, too, a Hessian-vector product is the central difference of gradients."""
    values, step = case.orthonormal, STEP * case.direction
    gradient = jax.grad(lambda v: span_energy(case.member, case.matrix, v, case.ones))
    product = jax.jit(lambda v, d: jax.jvp(gradient, (v,), (d,))[1])
    curve = product(values, case.direction)
    up, down = (case.energy(values + sign * step, case.ones)[1] for sign in (1, -1))
    scale = float(jnp.abs(curve).max())
    expect_close("a curvature", curve, (up - down) / (2 * STEP), atol=CENTRAL_CURVATURE * scale)


def single_precision_is_orthonormal(case: OrthogonalizerCase) -> None:
    """In float32 orthonormality is lost in proportion to the spacing of its numbers, and no more."""
    values, weights = cast((case.values, case.weights), jnp.float32)
    mix = case.mix(values, weights).astype(jnp.float64)
    g = gram(*cast((values, weights), jnp.float64))
    eps = EPS * 2.0**29  # of float32
    tolerance = factorization(float(np.linalg.cond(g)), eps)
    expect_close("the overlap M^T G M in float32", mix.T @ g @ mix, np.eye(ORBITALS), atol=tolerance)


ORTHOGONALIZER_CHECKS: tuple[Callable[[OrthogonalizerCase], None], ...] = (
    is_a_member,
    orthonormal,
    orthonormal_when_badly_scaled,
    orthonormal_with_negative_weights,
    single_precision_is_orthonormal,
    energy_does_not_depend_on_the_member,
    gradient_does_not_depend_on_the_member,
    first_derivative_at_repeated_eigenvalues,
    second_derivative_at_repeated_eigenvalues,
)
"""One property each, of an `OrthogonalizerCase`."""


def check_orthogonalizer(member: Orthogonalizer) -> None:
    """Runs the whole battery on a member such as `Cholesky()`.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    run_checks(ORTHOGONALIZER_CHECKS, OrthogonalizerCase(member))
