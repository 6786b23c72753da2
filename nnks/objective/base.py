"""What an optimizer sees: a number to be made small, by parameters; nothing of orbitals, bases or grids."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from nnks.averaging import AVERAGE
from nnks.types import Array, Int, Params, PRNGKey, Scalar, record

COEFFICIENTS = "coefficients"
"""Where parameters keep linear coefficients that are solved for."""


@record
class Evaluated:
    """What an evaluation of the energy finds besides the total.

    Attributes:
        energies: every term and the total [Ha].
        coefficients: the solution for eliminated coefficients, from which the next one starts; else None.
        average: the moving average of Gram matrices after this step, for `gram="ema"`; else None.
    """

    energies: dict[str, Array]
    coefficients: Array | None
    average: dict[str, Array] | None = None

    def remember(self, params: Params) -> Params:
        """The parameters with what the next step needs of this one kept in them."""
        known = {COEFFICIENTS: self.coefficients, AVERAGE: self.average}
        kept = {name: value for name, value in known.items() if value is not None}
        return {**params, **kept} if kept else params


@runtime_checkable
class Objective(Protocol):
    """A function of parameters; a pytree, whose arrays are arguments of compiled steps."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the energies that an evaluation reports, `total` first."""
        ...

    @property
    def exact(self) -> bool:
        """Whether every evaluation at the same parameters gives the same, which minibatches do not."""
        ...

    @property
    def solves(self) -> bool:
        """Whether some parameters are solved for at every evaluation, and not trained."""
        ...

    @property
    def resolution(self) -> float:
        """Differences of energies [Ha] that mean nothing, beside rounding."""
        ...

    def init_params(self, key: PRNGKey) -> Params:
        """Initial parameters, and room for what steps remember in them."""
        ...

    def settle(self, params: Params) -> Params:
        """The parameters with all that is solved for, and not trained, at its solution."""
        ...

    def unknown(self, params: Params) -> Any:
        """What an evaluation finds before there was one: infinite energies."""
        ...

    def loss(self, params: Params, key: PRNGKey, step: Int[Array, ""]) -> tuple[Scalar, Any]:
        """What is made small [Ha], and beside it `Evaluated`, or what stands for it."""
        ...

    def followed(self, params: Params, gradient: Params) -> Params:
        """The gradient that an optimizer is given."""
        ...

    def slope(self, params: Params, gradient: Params) -> Params:
        """The gradient that vanishes at the minimum."""
        ...

    def retract(self, params: Params) -> Params:
        """The parameters brought back to where a constraint allows them to be."""
        ...
