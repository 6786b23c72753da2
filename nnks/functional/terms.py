r"""The terms of the energy by name: what a config may add to the Kohn-Sham energy, and what each is in the reference.

A specification is physics without arrays: a name and numbers of a config. `on` turns it into a `Term` of one system on
one grid, whose arrays are leaves. `in_pyscf` says the same physics for PySCF, as a one-electron operator and a
constant; a term without it has no reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nnks.basis.integrals import Integrals
from nnks.energies import STANDARD
from nnks.functional.base import Term
from nnks.functional.xc.base import XCFunctional
from nnks.registry import InputError, Registry, shown, suggest
from nnks.traces import attempted_now, source_hash
from nnks.types import Array, Float

TERMS = Registry("functional.terms")
"""Specifications by the names of their terms: rows of tables, keys of files."""


@runtime_checkable
class Discretized(Protocol):
    """One system on one grid, as a term sees it when it is made."""

    @property
    def positions(self) -> Float[Array, "atoms 3"]:
        """Of the nuclei [Bohr]."""
        ...

    @property
    def charges(self) -> Float[Array, " atoms"]:
        """Of the nuclei."""
        ...

    @property
    def analytic(self) -> bool:
        """Whether one-electron integrals in the Gaussian basis are wanted: the orbitals lie in it."""
        ...

    def xc(self) -> XCFunctional:
        """The functional of the density that the config names."""
        ...

    def integrals(self) -> Integrals:
        """Overlap, kinetic energy and nuclear attraction in the basis."""
        ...

    def dipole(self) -> Float[Array, "3 basis basis"]:
        """The position in the basis [Bohr]."""
        ...

    def hartree(self) -> Term:
        """The electrostatic energy by the method that the config names."""
        ...


@runtime_checkable
class TermSpec(Protocol):
    """What a config says of a term: a class registered in `TERMS`, whose fields are the config's keys."""

    def on(self, d: Discretized) -> Term:
        """The term of a system on a grid; its `name` is the one that the specification is registered under."""
        ...

    # in_pyscf(mole) -> (matrix [basis basis], constant)   the same in PySCF's Hamiltonian [Ha]; a term without it has
    # no reference row_in_pyscf(mf) -> float                            where PySCF itself says what the term is [Ha]


def extra_terms() -> dict[str, str]:
    """Terms that a config may add, with a line on each."""
    return {name: entry.summary for name, entry in TERMS.items() if name not in STANDARD}


def check_extra(name: object) -> str:
    """The name of a term that a config may add.

    Raises:
        InputError: for a name that is none.
    """
    if isinstance(name, str) and name in STANDARD:
        raise InputError(f"functional.terms names '{name}', which every energy has; {suggest(name, extra_terms())}.")
    if name not in TERMS:
        raise InputError(f"functional.terms names {shown(name)}, which does not exist; {suggest(name, extra_terms())}.")
    return str(name)


def make_specs(extras: Mapping[str, Mapping[str, Any]]) -> dict[str, TermSpec]:
    """Every term of an energy: those of Kohn and Sham, then the ones that a config adds, by their fields.

    Raises:
        InputError: for a term that does not exist, or a field that it does not have.
    """
    named = {name: {} for name in STANDARD} | {check_extra(name): fields for name, fields in extras.items()}
    return {name: TERMS.build({"name": name, **fields}) for name, fields in named.items()}


def has_reference(spec: TermSpec) -> bool:
    """Whether PySCF can be told of a term."""
    return hasattr(spec, "in_pyscf") or hasattr(spec, "row_in_pyscf")


def code_of(name: str) -> str:
    """A hash of the source of a term of a user's own, which a stored reference depends on; empty for those of nnks."""
    return source_hash(TERMS[name].make)


def row_in_pyscf(spec: Any, mf: Any, density: Float[np.ndarray, "basis basis"]) -> float:
    """A term's energy [Ha] of a PySCF calculation.

    Args:
        spec: of the term.
        mf: the calculation.
        density: its total density matrix.
    """
    if hasattr(spec, "row_in_pyscf"):
        return float(spec.row_in_pyscf(mf))
    matrix, constant = spec.in_pyscf(mf.mol)
    return float(np.einsum("pq,pq", matrix, density) + constant)


def check_in_pyscf(name: str, spec: Any, mole: Any) -> None:
    """Refuses a term of a user's own whose operator in PySCF's basis is none.

    Raises:
        InputError: with what came and what was expected.
    """
    if type(spec).__module__.startswith("nnks.") or not hasattr(spec, "in_pyscf"):
        return
    who = f"term '{name}'"
    pair = attempted_now(f"{who} fails in `in_pyscf`", spec.in_pyscf, mole)
    expected = f"expected a symmetric, finite matrix [basis, basis] = [{mole.nao}, {mole.nao}] and a number [Ha]"
    try:
        matrix, constant = (np.asarray(part, float) for part in pair)
    except (TypeError, ValueError):
        raise InputError(f"{who} returned {shown(pair)} from `in_pyscf`; {expected}.") from None
    if matrix.shape != (mole.nao, mole.nao) or constant.shape != ():
        came = f"arrays of shape {list(matrix.shape)} and {list(constant.shape)}"
        raise InputError(f"{who} returned {came} from `in_pyscf`; {expected}.")
    if not (np.isfinite(matrix).all() and np.isfinite(constant) and np.allclose(matrix, matrix.T, atol=1e-10)):
        raise InputError(f"{who} returned a matrix that is not symmetric, or not finite, from `in_pyscf`; {expected}.")
