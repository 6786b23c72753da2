"""The contract of an ansatz: one point in, all raw orbitals out; and what a module is told of the system."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, runtime_checkable

import flax.linen as nn
import jax
import jax.numpy as jnp

from nnks.basis.base import Basis
from nnks.basis.learned import LearnedSet, Placement
from nnks.registry import Registry
from nnks.types import Array, Float, Params, PRNGKey, record, static

ANSATZE = Registry("ansatz")

FRAME = "frame"
"""Where parameters keep the frame that rotations refer to, if it is no longer that of the start."""


@runtime_checkable
class Ansatz(Protocol):
    """Raw orbitals as functions of one point; orthonormalization comes later and is not its business."""

    def init_params(self, key: PRNGKey) -> Params:
        """Initial parameters, a pytree of arrays."""
        ...

    def evaluate(self, params: Params, r: Float[Array, 3]) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point r [Bohr], in Bohr^-3/2."""
        ...


@runtime_checkable
class GaussianAnsatz(Ansatz, Protocol):
    """An ansatz whose orbitals live in a fixed Gaussian basis: integrals and Gram matrix may be analytic."""

    def coordinates(self, params: Params) -> Float[Array, "spin n orbitals"]:
        """Raw orbitals in an orthonormal frame of the basis."""
        ...

    def coefficients(self, params: Params) -> Float[Array, "spin basis orbitals"]:
        """Raw orbitals in the basis functions themselves."""
        ...


@runtime_checkable
class BasisAnsatz(Ansatz, Protocol):
    """An ansatz whose orbitals are linear combinations of functions that it learns.

    Its parameters hold the combinations under `coefficients`; they can be eliminated exactly.
    """

    def functions(self, params: Params, r: Float[Array, 3]) -> Float[Array, " functions"]:
        """The functions at one point r [Bohr]; they may be nearly dependent."""
        ...

    def basis(self, params: Params) -> Basis | None:
        """The same where they are known at many points at once; None for functions of one point alone."""
        ...


@record
class Start:
    r"""What an ansatz is given of the system and of the first guess.

    Attributes:
        basis: the functions that the guess's orbitals are combinations of, Gaussian in most cases.
        frame: an orthonormal frame of it for each spin, $X^T S X = 1$: molecular orbitals of the guess.
        coordinates: the guess of the occupied orbitals in that frame.
        scale: step sizes $s_{ai} = (2 n \max(\epsilon_a-\epsilon_i, 0.2))^{-1/2}$ that precondition a rotation
            of occupied orbital i toward a; zero within the occupied space.
        charges: nuclear charges.
        learned: a learned basis of elements, where the ansatz has one.
        placement: which of the set's elements each atom is.
    """

    basis: Any
    frame: Float[Array, "spin basis n"]
    coordinates: Float[Array, "spin n orbitals"]
    scale: Float[Array, "spin n orbitals"]
    charges: Float[Array, " atoms"]
    learned: LearnedSet | None = None
    placement: Placement | None = None

    @property
    def coefficients(self) -> Float[Array, "spin basis orbitals"]:
        """The guess in the basis functions."""
        return self.frame @ self.coordinates

    def orbitals(self, r: Float[Array, 3]) -> Float[Array, "spin orbitals"]:
        """The guess at one point [Bohr^-3/2]."""
        return jnp.einsum("b,sbi->si", self.basis(r), self.coefficients)


@record
class ModuleAnsatz:
    """A flax module `(r, start) -> orbitals` behind the contract. Its arrays are leaves, never constants."""

    start: Start
    module: nn.Module = static()

    def init_params(self, key: PRNGKey) -> Params:
        """The module's parameters; compiled, since a network's first call is hundreds of small operations."""
        return _initialize(self, key)

    def evaluate(self, params: Params, r: Float[Array, 3]) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        return self.module.apply({"params": params}, r, self.start)  # pyright: ignore[reportReturnType]


@jax.jit
def _initialize(ansatz: ModuleAnsatz, key: PRNGKey) -> Params:
    if isinstance(ansatz, GaussianModuleAnsatz):  # all that is trained; the basis at a point need not be traced
        return ansatz.module.init(key, ansatz.start, method="coordinates").get("params", {})
    point = jnp.ones(3, ansatz.start.frame.dtype)
    return ansatz.module.init(key, point, ansatz.start).get("params", {})


@record
class GaussianModuleAnsatz(ModuleAnsatz):
    """A flax module that also offers `coordinates(start)`: orbitals in a fixed Gaussian basis."""

    def coordinates(self, params: Params) -> Float[Array, "spin n orbitals"]:
        """Raw orbitals in the frame of the start."""
        mapped, moved = self.in_own_frame(params)
        return mapped if moved is None else moved @ mapped

    def in_own_frame(self, params: Params) -> tuple[Float[Array, "spin n orbitals"], Float[Array, "spin n n"] | None]:
        """Raw orbitals in the frame that the parameters refer to, and that frame if it is no longer the start's."""
        own, moved, start = dict(params), None, self.start
        if FRAME in own:
            moved = jax.lax.stop_gradient(own.pop(FRAME))
            start = dataclasses.replace(start, scale=moved["scale"])
        mapped: Any = self.module.apply({"params": own}, start, method="coordinates")
        return mapped, None if moved is None else moved["orbitals"]

    def coefficients(self, params: Params) -> Float[Array, "spin basis orbitals"]:
        """Raw orbitals in the basis functions."""
        return self.start.frame @ self.coordinates(params)


@record
class BasisModuleAnsatz(ModuleAnsatz):
    """A flax module that also offers `functions(r, start)`, and keeps their combinations in `coefficients`.

    One that has its functions at many points at once offers `basis_of(start)`, too.
    """

    def functions(self, params: Params, r: Float[Array, 3]) -> Float[Array, " functions"]:
        """The learned basis at one point."""
        return self.module.apply(  # pyright: ignore[reportReturnType]
            {"params": params}, r, self.start, method="functions"
        )

    def basis(self, params: Params) -> Basis | None:
        """The learned functions where the module has them at many points at once."""
        if not hasattr(self.module, "basis_of"):
            return None
        basis: Any = self.module.apply({"params": params}, self.start, method="basis_of")
        return basis


def make_ansatz(module: nn.Module, start: Start) -> ModuleAnsatz:
    """The ansatz of a module for one system."""
    if hasattr(module, "coordinates"):
        return GaussianModuleAnsatz(start, module)
    return BasisModuleAnsatz(start, module) if hasattr(module, "functions") else ModuleAnsatz(start, module)
