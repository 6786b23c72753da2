"""The contract of an energy term: a scalar in Ha of orthonormal orbitals, differentiable, and linear in the weights."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

from nnks.derivatives import NoDerivative
from nnks.functional import Term
from nnks.orbitals import Orbitals
from nnks.testing import toys
from nnks.testing.expect import expect, expect_arrays, expect_close, run_checks
from nnks.testing.tolerances import CENTRAL_SLOPE, CLEAR_SLOPE, QUADRATURE, ROUNDING, SMALL_STEP, STEP
from nnks.testing.toys import GaussianOrbital
from nnks.types import Array, Scalar


class TermCase:
    """A term and orthonormal orbitals that it takes.

    Args:
        term: made for the orbitals' molecule and grid.
        orbitals: None for `toys.orbitals()`: restricted LiH in its Gaussian basis.
        constant: whether the term is not to depend on the orbitals (the repulsion of the nuclei).
    """

    def __init__(self, term: Any, orbitals: Orbitals | None = None, *, constant: bool = False):
        self.term, self.constant = term, constant
        self.orbitals = toys.orbitals() if orbitals is None else orbitals
        self.energy = jax.jit(lambda term, x, y: term(x, y))

    @functools.cached_property
    def value(self) -> Array:
        """The energy [Ha] on the full quadrature."""
        return self.energy(self.term, self.orbitals, self.orbitals)

    def reweighted(self, seed: int) -> Orbitals:
        """The orbitals with every weight times a random factor between 0 and 2."""
        q = self.orbitals.quadrature
        factors = np.random.default_rng(seed).uniform(0.0, 2.0, size=q.weights.shape)
        return self.with_weights(q.weights * factors)

    def with_weights(self, weights: Array) -> Orbitals:
        """The orbitals on the same points with other weights [Bohr^3]."""
        return dataclasses.replace(
            self.orbitals, quadrature=dataclasses.replace(self.orbitals.quadrature, weights=weights)
        )


def _parts(x: Orbitals) -> dict[str, Array]:
    """The arrays that describe the orbitals."""
    parts = {"values": x.values, "gradients": x.gradients, "coefficients": x.coefficients}
    return {name: part for name, part in parts.items() if part is not None}


def scalar_in_double_precision(case: TermCase) -> None:
    """A finite number, float64, under a name."""
    expect(isinstance(case.term, Term), f"{type(case.term).__name__} lacks one of `name`, `order`, `__call__`.")
    expect(case.value.shape == (), f"'{case.term.name}' has shape {case.value.shape}; expected a scalar, ().")
    expect(case.value.dtype == jnp.float64, f"'{case.term.name}' is in {case.value.dtype}; expected float64.")
    expect(np.isfinite(case.value), f"'{case.term.name}' is {case.value}; expected a finite energy [Ha].")


def is_a_record(case: TermCase) -> None:
    """Integrals and tables are leaves, so that a compiled step takes them as arguments."""
    expect_arrays(f"term '{case.term.name}'", case.term)


def gradient_is_the_finite_difference(case: TermCase) -> None:
    """The derivative along a random direction in all that describes the orbitals is the central difference.

    The direction is relative to each number, so that a point without electrons stays one.
    """
    x, parts = case.orbitals, _parts(case.orbitals)
    rng = np.random.default_rng(2)
    direction = {name: part * (0.5 + rng.normal(size=part.shape)) for name, part in parts.items()}

    @jax.jit
    def gradient(term: Any, x: Orbitals, parts: dict[str, Array]) -> dict[str, Array]:
        def energy(parts: dict[str, Array]) -> Scalar:
            moved = dataclasses.replace(x, **parts)
            return term(moved, moved)

        return jax.grad(energy)(parts)

    def energy(length: float) -> Scalar:
        moved = dataclasses.replace(x, **{name: part + length * direction[name] for name, part in parts.items()})
        return case.energy(case.term, moved, moved)

    slopes = gradient(case.term, x, parts)
    slope = float(sum(jnp.vdot(slopes[name], direction[name]) for name in parts))
    if case.constant:
        expect(slope == 0, f"'{case.term.name}' was to be constant and has slope {slope:.1e} Ha; expected 0.")
        return
    expect(
        abs(slope) > CLEAR_SLOPE,
        f"'{case.term.name}' has slope {slope:.1e} Ha along a random direction; expected it to depend on the orbitals "
        "(or constant=True).",
    )
    difference = (energy(STEP) - energy(-STEP)) / (2 * STEP)
    expect_close(f"the slope of '{case.term.name}' [Ha]", slope, difference, rtol=CENTRAL_SLOPE)


def every_derivative_exists_or_raises(case: TermCase) -> None:
    """The derivative by every array of the term, by points and by weights is the central difference, or it raises.

    None may be zero in silence: forces, trained functionals and moved grids are made of these.
    """
    q = case.orbitals.quadrature
    leaves, tree = jax.tree.flatten((case.term, q.points, q.weights))
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path((case.term, q.points))]
    real = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)]
    rng = np.random.default_rng(5)
    directions = {i: np.asarray(leaves[i]) * (0.5 + rng.normal(size=np.shape(leaves[i]))) for i in real}

    def energy(arrays: Sequence[Any]) -> Scalar:
        term, points, weights = jax.tree.unflatten(tree, arrays)
        moved = dataclasses.replace(q, points=points, weights=weights)
        x = dataclasses.replace(case.orbitals, quadrature=moved)
        return term(x, x)

    def along(numbers: Sequence[int]) -> dict[int, float]:
        """The derivatives along the directions of some arrays."""

        def moved(chosen: dict[int, Array]) -> Scalar:
            return energy([chosen.get(i, leaf) for i, leaf in enumerate(leaves)])

        slopes = jax.jit(jax.grad(moved))({i: jnp.asarray(leaves[i]) for i in numbers})
        return {i: float(jnp.vdot(slopes[i], directions[i])) for i in numbers}

    try:
        slopes = along(real)
    except NoDerivative:  # by one of them; the others have theirs
        slopes = {}
        for i in real:
            with contextlib.suppress(NoDerivative):
                slopes |= along([i])
    at = jax.jit(energy)
    for i, slope in slopes.items():
        differences = []
        for step in (STEP, SMALL_STEP):  # of an ill-conditioned factor the long one is too long
            up, down = ([*leaves[:i], leaves[i] + sign * step * directions[i], *leaves[i + 1 :]] for sign in (1, -1))
            differences.append(float(at(up) - at(down)) / (2 * step))
        closest = min(differences, key=lambda difference: abs(difference - slope))
        what = f"the derivative of '{case.term.name}' by {names[i] if i < len(names) else 'the weights'} [Ha]"
        expect_close(what, slope, closest, rtol=CENTRAL_SLOPE, atol=CENTRAL_SLOPE)


def invariant_under_rotations(case: TermCase) -> None:
    """Mixing orbitals of equal occupation by an orthogonal matrix does not change the energy."""
    x = case.orbitals
    occupations = np.asarray(x.occupations)
    alike = (occupations[:, :, None] == occupations[:, None, :]) & (occupations[:, :, None] > 0)
    assert (alike.sum(axis=-1) > 1).any(), "the case itself is to have two equally occupied orbitals of one spin"
    generator = np.random.default_rng(4).normal(size=alike.shape) * alike
    rotation = jnp.asarray(scipy.linalg.expm(generator - generator.swapaxes(1, 2)))
    rotated = dataclasses.replace(
        x,
        values=jnp.einsum("sip,sij->sjp", x.values, rotation),
        gradients=None if x.gradients is None else jnp.einsum("sipd,sij->sjpd", x.gradients, rotation),
        coefficients=None if x.coefficients is None else jnp.einsum("sbi,sij->sbj", x.coefficients, rotation),
    )
    energy = case.energy(case.term, rotated, rotated)
    expect_close(f"'{case.term.name}' of rotated orbitals [Ha]", energy, case.value, rtol=ROUNDING, atol=ROUNDING)


def linear_in_the_weights_of_each_argument(case: TermCase) -> None:
    """Only then are minibatches unbiased: at the mean of two sets of weights the energy is the mean of energies.

    A term that does not use the quadrature passes as a constant; one that does is zero at weights zero.
    """
    x, y = case.orbitals, case.reweighted(1)
    a, b = case.reweighted(2), case.reweighted(3)
    middle = case.with_weights(0.5 * (a.quadrature.weights + b.quadrature.weights))
    nothing = case.with_weights(0 * x.quadrature.weights)
    for argument in ("first", "second"):

        def energy(z: Orbitals, argument: str = argument) -> Scalar:
            return case.energy(case.term, *((z, y) if argument == "first" else (y, z)))

        at_a, at_b, at_middle, at_zero = (energy(z) for z in (a, b, middle, nothing))
        what = f"'{case.term.name}' at mean weights of its {argument} argument [Ha]"
        expect_close(what, at_middle, 0.5 * (at_a + at_b), rtol=ROUNDING, atol=ROUNDING)
        if at_a != at_b:
            expect_close(f"'{case.term.name}' at weights zero of its {argument} argument [Ha]", at_zero, 0.0)


def arguments_may_be_on_different_points(case: TermCase) -> None:
    """The same orbitals on the same points in another order, as the second argument, have the same energy.

    Batches of x and y are drawn independently: point k of one is not point k of the other.
    """
    x = case.orbitals
    order = np.random.default_rng(6).permutation(len(x.quadrature.weights))
    q = jax.tree.map(lambda array: array[order], dataclasses.replace(x.quadrature, index=jnp.arange(len(order))))
    gradients = None if x.gradients is None else x.gradients[:, :, order]
    shuffled = dataclasses.replace(x, quadrature=q, values=x.values[:, :, order], gradients=gradients)
    aligned = dataclasses.replace(x, quadrature=dataclasses.replace(x.quadrature, index=jnp.arange(len(order))))
    what = f"'{case.term.name}' with the points of its second argument in another order [Ha]"
    expect_close(what, case.energy(case.term, aligned, shuffled), case.value, rtol=ROUNDING, atol=ROUNDING)


def order_says_what_it_needs(case: TermCase) -> None:
    """A term of order 0 does not look at gradients, which are not computed for it."""
    expect(case.term.order in (0, 1), f"'{case.term.name}' has order {case.term.order}; expected 0 or 1.")
    if case.term.order == 0:
        x = dataclasses.replace(case.orbitals, gradients=None)
        try:
            energy: Any = case.energy(case.term, x, x)
        except (AssertionError, AttributeError, TypeError, ValueError) as error:
            raise AssertionError(
                f"'{case.term.name}' of order 0 failed without gradients ({error}); expected order 1."
            ) from error
        expect_close(f"'{case.term.name}' without gradients [Ha]", energy, case.value, rtol=ROUNDING)


TERM_CHECKS: tuple[Callable[[TermCase], None], ...] = (
    scalar_in_double_precision,
    is_a_record,
    gradient_is_the_finite_difference,
    every_derivative_exists_or_raises,
    invariant_under_rotations,
    linear_in_the_weights_of_each_argument,
    arguments_may_be_on_different_points,
    order_says_what_it_needs,
)
"""One property each, of a `TermCase`."""


def check_term(term: Term, orbitals: Orbitals | None = None, *, constant: bool = False) -> None:
    """Runs the whole battery on a term.

    Args:
        term: such as `ExchangeCorrelation(make_xc("pbe"))`.
        orbitals: None for restricted LiH and unrestricted Li in STO-3G.
        constant: whether the term is not to depend on the orbitals.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    toy = [toys.orbitals(toys.RESTRICTED), toys.orbitals(toys.UNRESTRICTED)]
    for one in toy if orbitals is None else [orbitals]:
        run_checks(TERM_CHECKS, TermCase(term, one, constant=constant))


def check_closed_form(
    term: Term, gaussian: GaussianOrbital, expected: float | None = None, rtol: float = QUADRATURE
) -> None:
    """Compares the energy of one Gaussian orbital with the formula.

    Args:
        term: made for `toys.atom_grid()` and a nucleus of charge `gaussian.charge` at the origin.
        gaussian: from `toys.gaussian_orbital`.
        expected: energy [Ha]; None for `gaussian.energies[term.name]`.
        rtol: relative tolerance.

    Raises:
        AssertionError: if they differ.
    """
    energy = jax.jit(lambda term, x: term(x, x))(term, gaussian.orbitals)
    formula = gaussian.energies[term.name] if expected is None else expected
    what = f"'{term.name}' of a Gaussian with exponent {gaussian.alpha:g} and {gaussian.electrons} electrons [Ha]"
    expect_close(what, energy, formula, rtol=rtol, atol=ROUNDING)
