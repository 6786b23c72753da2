"""How a config keeps orbitals orthonormal: the member, where its Gram matrix is from, and what may take its place."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp

from nnks.ansatz import GaussianModuleAnsatz, rotated
from nnks.config import LAYER
from nnks.objective.constraint import CONSTRAINTS, Constraint
from nnks.orbitals import GRAMS
from nnks.orthogonalize import ORTHOGONALIZERS, Orthogonalizer, Rotation, Unchanged
from nnks.registry import InputError, suggest
from nnks.setup.own import check_orthogonalizer
from nnks.setup.system import System


@dataclasses.dataclass(frozen=True)
class Layer:
    """The config's section `orthogonalizer`, checked.

    Attributes:
        member: what the section names.
        gram: where the Gram matrix comes from; never `auto`.
        decay: of a moving average.
        constraint: `reparameterize`, or what takes its place.
        penalty: factor of a penalty [Ha].
    """

    member: Any
    gram: str
    decay: float
    constraint: str
    penalty: float

    @property
    def orthogonalizer(self) -> Orthogonalizer:
        """What the orbital layer applies."""
        return self.member if self.constraint == "reparameterize" else Unchanged()


def make_layer(system: System) -> Layer:
    """Reads and checks the section.

    Raises:
        InputError: for a value that does not exist, or does not fit the ansatz.
    """
    section, ansatz = dict(system.config.orthogonalizer.items()), system.config.ansatz.name
    gram, decay, constraint, penalty = (section.pop(key) for key in LAYER)
    name = section["name"]
    if gram not in GRAMS:
        raise InputError(f"orthogonalizer.gram is '{gram}'; {suggest(gram, GRAMS)}.")
    if not 0 <= decay < 1:
        raise InputError(f"orthogonalizer.decay is {decay}; it must be at least 0 and below 1, such as 0.9.")
    if constraint not in CONSTRAINTS:
        raise InputError(f"orthogonalizer.constraint is '{constraint}'; {suggest(constraint, CONSTRAINTS)}.")
    if not 0 < penalty < float("inf"):
        raise InputError(f"orthogonalizer.penalty is {penalty} Ha; it must be positive, such as 10.0.")
    if gram == "auto":
        gram = "analytic" if system.fixed else "batch"
    if gram == "analytic" and not system.fixed:
        raise InputError(
            f"orthogonalizer.gram='analytic' needs orbitals in a Gaussian basis, and ansatz '{ansatz}' "
            "leaves it; use 'full', 'batch' or 'ema'."
        )
    member = ORTHOGONALIZERS.build(section)
    if not isinstance(member, Rotation):
        check_orthogonalizer(name, member)
    if isinstance(member, Rotation):
        if not system.fixed:
            raise InputError(
                f"orthogonalizer.name='{name}' rotates orbitals in a fixed Gaussian basis, and ansatz '{ansatz}' "
                "leaves it; use ansatz.name='lcgto', or another orthogonalizer.name such as 'cholesky'."
            )
        if gram != "analytic":
            raise InputError(
                f"orthogonalizer.name='{name}' makes orbitals orthonormal without a Gram matrix, and "
                f"orthogonalizer.gram is '{gram}'; use orthogonalizer.gram='auto', or another orthogonalizer.name such "
                "as 'cholesky'."
            )
    return Layer(member, gram, decay, constraint, penalty)


def rotate(system: System, ansatz: Any) -> Any:
    """The ansatz with its orbitals rotated, if the config names a rotation."""
    member = make_layer(system).member
    if isinstance(member, Rotation) and isinstance(ansatz, GaussianModuleAnsatz):
        return rotated(ansatz, member, system.nocc)
    return ansatz


def make_constraint(system: System, *, solved: bool) -> Constraint | None:
    """What keeps orbitals orthonormal instead of a layer; None for the layer.

    Args:
        system: of the config.
        solved: whether linear coefficients are eliminated.

    Raises:
        InputError: for what makes no sense together.
    """
    layer, ansatz = make_layer(system), system.config.ansatz
    kind = layer.constraint
    if kind == "reparameterize":
        return None
    start = f"orthogonalizer.constraint='{kind}'"
    if isinstance(layer.member, Rotation):
        raise InputError(
            f"{start} needs orbitals that are not orthonormal by themselves, and those of orthogonalizer.name="
            f"'{system.config.orthogonalizer.name}' are; use orthogonalizer.name='cholesky', or "
            "constraint='reparameterize'."
        )
    if system.fixed and ansatz.guess != "random":
        raise InputError(
            f"{start} needs every coefficient of the orbitals as a parameter, and from ansatz.guess='{ansatz.guess}' "
            "only their rotations into empty orbitals are; use ansatz.guess='random', or constraint='reparameterize'."
        )
    if solved:
        raise InputError(
            f"{start} has nothing to do where linear coefficients are solved for, which are orthonormal; use "
            "ansatz.linear='trained', or constraint='reparameterize'."
        )
    allowed = ("analytic", "batch") if kind == "penalty" else ("analytic",)
    if kind != "penalty" and not system.fixed:
        raise InputError(
            f"{start} replaces coefficients, and ansatz '{ansatz.name}' has other parameters; use ansatz.name='lcgto' "
            "with ansatz.guess='random', or constraint='penalty'."
        )
    if layer.gram not in allowed:
        raise InputError(
            f"{start} takes its Gram matrix as {' or '.join(allowed)}, and orthogonalizer.gram is '{layer.gram}'; use "
            "orthogonalizer.gram='auto'."
        )
    return Constraint(layer.member, jnp.asarray(layer.penalty), system.nocc, kind)
