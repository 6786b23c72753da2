"""Orbitals in a basis that is learned once for many molecules: functions on atoms, deformed by their surroundings."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.ansatz.neural import fit_start
from nnks.basis.learned import LearnedBasis, LearnedSet
from nnks.registry import InputError, suggest
from nnks.types import Array, Float, PRNGKey

SIZES = ("minimal", "double")
NEW = "new"


def elements_of(text: str) -> list[str]:
    """The elements that `ansatz.elements` names, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(","))) if text.strip() else []


def is_frozen(basis: str, *, train: bool) -> bool:
    """Whether a set is used as it is, with coefficients as all that is looked for."""
    return basis != NEW and not train


class TrainedSet(nn.Module):
    """The functions of a learned set.

    Attributes:
        elements: whose parameters are variables, whether a molecule has them or not; others stay as they are. All of
            the set if none is named.
    """

    elements: tuple[str, ...] = ()

    @nn.compact
    def __call__(self, start: Start) -> LearnedBasis:
        """On the molecule's atoms."""
        assert start.learned is not None
        assert start.placement is not None
        known = start.learned
        trained = self.elements or tuple(known.params)
        params = {s: self.param(s, lambda _, s=s: known.params[s]) for s in trained}
        learned = LearnedSet({**known.params, **params}, known.atoms, known.layouts)
        return LearnedBasis(start.basis.centers, learned, start.placement)


@ANSATZE.register("learned_basis")
class LearnedBasisOrbitals(nn.Module):
    r"""Linear combinations of functions that were learned on other molecules, solved for exactly.

    The functions are those of `nnks.basis.learned`: atomic ones, deformed by a small network of each element that sees
    the surroundings at the point, so that the basis changes from molecule to molecule.

    Attributes:
        basis: a set that comes with nnks, the path of an `.npz` file, or `new`; empty: the one for the functional.
        train: whether the set's parameters are trained on, for this molecule; a new set's always are.
        size: `minimal` (the free atom's functions) or `double` (one more of each degree, and d functions).
        elements: which are trained, with commas between them; those that a set lacks are added to it, and others that
            it has stay as they are. Empty: all of a set, and of a new one H, C, N, O, F.
        width: hidden units of both layers of each element's network, of a new set.
        terms: exponentials of a deformation, of a new set.
        guess: `minao`, free atoms; where the set is trained `core` and `scf`, too: Gaussian orbitals that the first
            coefficients are fitted to.
        linear: `solved` (on the full grid), `trained`, or `auto`.
    """

    basis: str = ""
    train: bool = False
    size: str = "double"
    elements: str = ""
    width: int = 24
    terms: int = 4
    guess: str = "minao"
    linear: str = "auto"

    local: ClassVar[tuple[str, ...]] = ("coefficients",)

    def __post_init__(self) -> None:
        """Refuses settings that no set can have, before anything is compiled."""
        if self.size not in SIZES:
            raise InputError(f"ansatz.size is '{self.size}'; {suggest(self.size, SIZES)}.")
        for name in ("width", "terms"):
            if getattr(self, name) < 1:
                raise InputError(f"ansatz.{name} is {getattr(self, name)}; it must be at least 1.")
        super().__post_init__()

    @property
    def frozen(self) -> bool:
        """Whether the functions are those of a set as it is."""
        return is_frozen(self.basis, train=self.train)

    def setup(self) -> None:
        """The functions; the coefficients are declared where they are used."""
        self.trained = TrainedSet(tuple(elements_of(self.elements)))

    def basis_of(self, start: Start) -> LearnedBasis:
        """The learned functions, which are faster at many points at once than at one point after the other."""
        return self.trained(start)

    def functions(self, r: Float[Array, 3], start: Start) -> Float[Array, " functions"]:
        """The learned functions at one point."""
        return self.basis_of(start)(r).astype(start.frame.dtype)

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point; they start at a fit of the guess's."""
        functions = self.functions(r, start)

        def initial(key: PRNGKey) -> Array:
            assert start.learned is not None
            assert start.placement is not None
            return fit_start(LearnedBasis(start.basis.centers, start.learned, start.placement), start, key)

        return jnp.einsum("b,sbi->si", functions, self.param("coefficients", initial))
