"""The contract of an ansatz: one point in, all raw orbitals out, with derivatives that training can use."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz import Ansatz, BasisAnsatz, GaussianAnsatz, Start, make_ansatz
from nnks.orbitals import raw_orbitals
from nnks.testing import toys
from nnks.testing.expect import expect, expect_arrays, expect_close, run_checks
from nnks.testing.tolerances import CENTRAL_DIFFERENCE, CLEAR_SLOPE, DECAYED, FAR, SAME_SUM, STEP
from nnks.types import Array, Float, Params, cast

PLACE, DIRECTION = (0.3, -0.2, 0.5), (0.5, 0.3, -0.8)
"""A point in the bond of the toy [Bohr], and the direction of derivatives there."""


class AnsatzCase:
    """A flax module on one system, and everything that its checks look at, compiled once.

    Args:
        module: the flax module, as a config would make it.
        start: the system; None for restricted LiH.
        starts_at_guess: whether the initial orbitals are to be those of the guess.
        deterministic: whether the initial parameters are the same for every key.
    """

    def __init__(
        self,
        module: nn.Module,
        start: Start | None = None,
        *,
        starts_at_guess: bool = True,
        deterministic: bool = False,
    ):
        self.start = toys.start() if start is None else start
        self.starts_at_guess, self.deterministic = starts_at_guess, deterministic
        self.ansatz = make_ansatz(module, self.start)
        self.init = jax.jit(lambda ansatz, key: ansatz.init_params(key))
        self.program = jax.jit(lambda *arguments: _program(*arguments))  # a cache of its own

    @functools.cached_property
    def params(self) -> Params:
        """Initial parameters."""
        return self.init(self.ansatz, jax.random.key(0))

    @functools.cached_property
    def moved(self) -> Params:
        """Parameters as training might leave them."""
        return toys.noisy(self.params, 5)

    @functools.cached_property
    def points(self) -> Float[Array, "points 3"]:
        """The place, a step up and down from it, a place off the bond, far away, and every nucleus [Bohr]."""
        origin, step = jnp.array(PLACE), STEP * jnp.array(DIRECTION)
        some = jnp.stack(
            [origin, origin + step, origin - step, jnp.array([0.3, 0.1, -0.7]), jnp.array([FAR, 0.0, 0.0])]
        )
        return jnp.concatenate([some, self.start.basis.centers])

    @functools.cached_property
    def initial(self) -> tuple[Array, Array, Params]:
        """Values, gradients and slopes at the initial parameters."""
        return self.program(self.ansatz, self.params, self.points)

    @functools.cached_property
    def trained(self) -> tuple[Array, Array, Params]:
        """The same at moved parameters."""
        return self.program(self.ansatz, self.moved, self.points)


def _program(ansatz: Any, params: Params, points: Array) -> tuple[Array, Array, Params]:
    """Values [spin orbitals points], gradients [... 3], and the parameter derivatives of a sum of their squares."""

    def total(params: Params) -> tuple[Array, tuple[Array, Array]]:
        values, gradients = raw_orbitals(ansatz, params, points, 1)
        assert gradients is not None  # order 1 was asked for
        return jnp.sum(values**2) + jnp.sum(gradients**2), (values, gradients)

    slopes, (values, gradients) = jax.grad(total, has_aux=True)(params)
    return values, gradients, slopes


def one_point_in_all_orbitals_out(case: AnsatzCase) -> None:
    """`evaluate` returns [spin, orbitals] in double precision."""
    expect(isinstance(case.ansatz, Ansatz), f"{case.ansatz} has not all methods of nnks.ansatz.Ansatz.")
    shape = (case.start.coordinates.shape[0], case.start.coordinates.shape[2])
    out = jax.eval_shape(case.ansatz.evaluate, case.moved, jnp.array(PLACE))
    expect(out.shape == shape, f"evaluate(params, r) has shape {out.shape}; expected (spin, orbitals) = {shape}.")
    expect(out.dtype == jnp.float64, f"evaluate(params, r) is in {out.dtype}; expected float64, as r and start are.")


def single_precision_stays_single(case: AnsatzCase) -> None:
    """A system and parameters in float32 give float32: nothing inside names a precision of its own."""
    ansatz = cast(case.ansatz, jnp.float32)
    params = jax.eval_shape(ansatz.init_params, jax.random.key(0))
    kinds = sorted({str(leaf.dtype) for leaf in jax.tree.leaves(params)})
    expect(kinds in ([], ["float32"]), f"parameters for a float32 system are in {kinds}; expected float32.")
    out = jax.eval_shape(ansatz.evaluate, params, jnp.array(PLACE, jnp.float32))
    expect(out.dtype == jnp.float32, f"evaluate is in {out.dtype} for float32 input; expected float32.")


def parameters_are_arrays(case: AnsatzCase) -> None:
    """Parameters and system are pytrees of arrays, so that a compiled step takes them as arguments."""
    expect(jax.tree.leaves(case.params), "init_params returned no parameters; expected at least one to train.")
    expect_arrays("init_params(key)", case.params)
    expect_arrays("the ansatz", case.ansatz)


def starts_at_the_guess(case: AnsatzCase) -> None:
    """The initial orbitals are the guess's (unless the case says otherwise)."""
    if case.starts_at_guess:
        guess = case.start.orbitals(jnp.array(PLACE))
        expect_close("an initial orbital", case.initial[0][..., 0], guess, atol=SAME_SUM)


def every_parameter_matters(case: AnsatzCase) -> None:
    """Moved parameters move the orbitals, and no array of parameters has a derivative of zero throughout."""
    change = float(jnp.abs(case.trained[0] - case.initial[0]).max())
    expect(change > CLEAR_SLOPE, f"noise of 0.1 on the parameters moves the orbitals by {change:.1e}; expected more.")
    for path, slope in jax.tree.leaves_with_path(case.trained[2]):
        expect(np.any(slope), f"the orbitals do not depend on params{jax.tree_util.keystr(path)}; remove it.")


def finite_everywhere(case: AnsatzCase) -> None:
    """Values, gradients and parameter derivatives of both are finite, on the nuclei, too."""
    for name, (values, gradients, slopes) in (("initial", case.initial), ("moved", case.trained)):
        for n, r in enumerate(np.asarray(case.points)):
            expect(np.isfinite(values[..., n]).all(), f"an orbital is not finite at r = {r} ({name} parameters).")
            expect(np.isfinite(gradients[..., n, :]).all(), f"a gradient is not finite at r = {r} ({name} parameters).")
        for path, slope in jax.tree.leaves_with_path(slopes):
            key = jax.tree_util.keystr(path)
            expect(
                np.isfinite(slope).all(),
                f"the derivative by params{key} is not finite ({name} parameters); expected a norm or a root that "
                "is safe at zero, such as nnks.ansatz.features.safe_norm.",
            )


def decays_far_away(case: AnsatzCase) -> None:
    """Orbitals are gone 30 Bohr away: integrals over space exist."""
    left = float(jnp.abs(case.trained[0][..., 4]).max())
    expect(left < DECAYED, f"an orbital is {left:.1e} at a distance of {FAR:g} Bohr; expected less than {DECAYED:.0e}.")


def gradient_is_the_finite_difference(case: AnsatzCase) -> None:
    """The derivative along a direction is the central difference."""
    values, gradients, _ = case.trained
    slope = gradients[..., 0, :] @ jnp.array(DIRECTION)
    steepest = float(jnp.abs(slope).max())
    expect(steepest > CLEAR_SLOPE, f"the steepest orbital has slope {steepest:.1e} in the bond; expected a clear one.")
    difference = (values[..., 1] - values[..., 2]) / (2 * STEP)
    expect_close("the slope of an orbital", slope, difference, atol=CENTRAL_DIFFERENCE)


def compiles_once(case: AnsatzCase) -> None:
    """Other parameters of the same shapes run the same program."""
    _ = case.initial, case.trained
    count = case.program._cache_size()  # pyright: ignore[reportAttributeAccessIssue]
    expect(count == 1, f"two sets of parameters were compiled {count} times; expected 1: their dtypes or trees differ.")


def same_key_same_parameters(case: AnsatzCase) -> None:
    """The key is all the randomness; another key gives others (unless the case says otherwise)."""
    same = case.init(case.ansatz, jax.random.key(0))
    other = case.init(case.ansatz, jax.random.key(1))
    expect(_equal(case.params, same), "init_params gave two results for one key; expected no other randomness.")
    equal = _equal(case.params, other)
    expect(
        equal == case.deterministic,
        f"two keys gave {'the same' if equal else 'different'} parameters; expected "
        f"{'the same' if case.deterministic else 'different'} ones (deterministic={case.deterministic}).",
    )


def linear_parts_agree(case: AnsatzCase) -> None:
    """`coefficients` or `functions`, where they are offered, describe the same orbitals as `evaluate`."""
    ansatz, params, r = case.ansatz, case.moved, jnp.array(PLACE)
    if isinstance(ansatz, GaussianAnsatz):
        c = ansatz.coefficients(params)
        expect_close("coefficients(params)", c, case.start.frame @ ansatz.coordinates(params), atol=SAME_SUM)
        values = jnp.einsum("b,sbi->si", jax.jit(lambda basis, r: basis(r))(case.start.basis, r), c)
        expect_close("an orbital", case.trained[0][..., 0], values, atol=SAME_SUM)
    if isinstance(ansatz, BasisAnsatz):
        functions = jax.jit(lambda a, p, r: a.functions(p, r))(ansatz, params, r)
        values = jnp.einsum("b,sbi->si", functions, params["coefficients"])
        expect_close("an orbital", case.trained[0][..., 0], values, atol=SAME_SUM)


def _equal(a: Params, b: Params) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


ANSATZ_CHECKS: tuple[Callable[[AnsatzCase], None], ...] = (
    one_point_in_all_orbitals_out,
    single_precision_stays_single,
    parameters_are_arrays,
    starts_at_the_guess,
    every_parameter_matters,
    finite_everywhere,
    decays_far_away,
    gradient_is_the_finite_difference,
    compiles_once,
    same_key_same_parameters,
    linear_parts_agree,
)
"""One property each, of an `AnsatzCase`."""


def check_ansatz(
    module: nn.Module, start: Start | None = None, *, starts_at_guess: bool = True, deterministic: bool = False
) -> None:
    """Runs the whole battery on a flax module, on restricted LiH and unrestricted Li, or on the given system.

    Args:
        module: such as `Scaled(width=4)`.
        start: what the module is told of the system.
        starts_at_guess: whether the initial orbitals are to be those of the guess.
        deterministic: whether the initial parameters are the same for every key.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    starts = [toys.start(toys.RESTRICTED), toys.start(toys.UNRESTRICTED)] if start is None else [start]
    for one in starts:
        case = AnsatzCase(module, one, starts_at_guess=starts_at_guess, deterministic=deterministic)
        run_checks(ANSATZ_CHECKS, case)
