"""Which basis a reference near the complete-basis limit has."""

from __future__ import annotations

import math

import numpy as np

from nnks.interop.basis_names import listed
from nnks.interop.basis_sets import embedded_list
from nnks.interop.pyscf import make_mole
from nnks.interop.reference import AFFORDABLE, ReferenceSpec, Terms
from nnks.molecule import Molecule
from nnks.registry import InputError
from nnks.units import MILLIHARTREE

LARGE_BASES = ("pcseg-4", "pcseg-3", "pcseg-2", "def2-tzvp", "pcseg-1", "def2-svp")
"""Bases made for density functionals, from the largest; the first that is affordable is the reference near the
limit."""

SHORTFALLS = {
    "pcseg-4": (0.02, 0.2, 3.0),
    "pcseg-3": (0.05, 0.6, 4.0),
    "pcseg-2": (1.0, 12.0, 15.0),
    "def2-tzvp": (3.0, 14.0, 30.0),
    "pcseg-1": (8.0, 100.0, 100.0),
    "def2-svp": (10.0, 200.0, 250.0),
}
"""What a basis lacks at most [mHa] for each atom up to helium, up to neon, and beyond: above all that it lacked on H,
He, Li, Be, N, Ne and Ar (exact energies) and on H2, LiH, H2O, N2 and CH4 (results/stored/limit), in LDA."""

UNLISTED = 10.0
"""How often the shortfall of a listed basis with fewer functions is allowed to another one: cc-pVQZ lacks 5 mHa on
water, pcseg-3 0.4."""

FITTED = 0.02
"""What density fitting may change [mHa] for each atom."""

KEY = "reference.large_basis"

LARGE_LEVEL = 5
"""Grid level of large-basis references; their quadrature error is below a microhartree."""


def large_bases(molecule: Molecule, asked: str) -> tuple[str, ...]:
    """The bases of references near the complete-basis limit, the best last: those named, or the largest affordable.

    Args:
        molecule: decides what is affordable.
        asked: bases with commas between them, `auto`, or nothing. Of a file the text is returned.
    """
    if asked != "auto":
        specs = listed(embedded_list(asked, KEY))
        for spec in specs:
            make_mole(molecule, spec, KEY)
        return specs
    return next(((name,) for name in LARGE_BASES if _functions(molecule, name) <= AFFORDABLE), ())


def large_spec(molecule: Molecule, basis: str, xc: str, restricted: bool, terms: Terms = ()) -> ReferenceSpec:
    """A reference near the limit; its Coulomb energy is fitted where four-center integrals would take minutes.

    The set is even-tempered over the exponents of def2-qzvp (error on water: `docs/decisions/energy.md`).
    """
    fitted = make_mole(molecule, basis).nao > AFFORDABLE
    return ReferenceSpec(basis, xc, restricted, LARGE_LEVEL, auxiliary="even_tempered" if fitted else None, terms=terms)


def shortfall(molecule: Molecule, spec: ReferenceSpec) -> float | None:
    """How far the complete-basis limit may lie below a reference near it [Ha].

    None for a basis smaller than all that are known.
    """
    factor, basis = 1.0, str(spec.basis).lower()
    if basis not in SHORTFALLS:
        size = make_mole(molecule, basis).nao
        smaller = (name for name in LARGE_BASES if _functions(molecule, name) <= size)
        factor, basis = UNLISTED, next(smaller, "")
    if not basis:
        return None
    rows = np.searchsorted([2, 10], molecule.charges)
    fitted = 0.0 if spec.auxiliary is None else FITTED * molecule.natoms
    return MILLIHARTREE * (factor * float(np.sum(np.array(SHORTFALLS[basis])[rows])) + fitted)


def _functions(molecule: Molecule, basis: str) -> float:
    """The size of a basis; infinite where it lacks an element."""
    try:
        return float(make_mole(molecule, basis).nao)
    except InputError:
        return math.inf
