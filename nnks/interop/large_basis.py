"""Which basis a reference near the complete-basis limit has."""

from __future__ import annotations

from nnks.interop.pyscf import make_mole
from nnks.interop.reference import AFFORDABLE, ReferenceSpec
from nnks.molecule import Molecule
from nnks.registry import InputError

LARGE_BASES = ("pcseg-4", "pcseg-3", "pcseg-2", "def2-tzvp", "pcseg-1", "def2-svp")
"""Bases made for density functionals, from the largest; the first that is affordable is the reference near the limit."""

LARGE_LEVEL = 5
"""Grid level of large-basis references; their quadrature error is below a microhartree."""


def large_bases(molecule: Molecule, asked: str) -> tuple[str, ...]:
    """The bases of references near the complete-basis limit, the best last: those that are named, or the largest affordable.

    Args:
        molecule: decides what is affordable.
        asked: names with commas between them, `auto`, or nothing.
    """
    if asked != "auto":
        names = tuple(name.strip() for name in asked.split(",") if name.strip())
        for name in names:
            make_mole(molecule, name, "reference.large_basis")
        return names
    for name in LARGE_BASES:
        try:
            if make_mole(molecule, name).nao <= AFFORDABLE:
                return (name,)
        except InputError:
            continue
    return ()


def large_spec(molecule: Molecule, basis: str, xc: str, restricted: bool) -> ReferenceSpec:
    """A reference near the limit; its Coulomb energy is fitted where four-center integrals would take minutes.

    The set is even-tempered over the exponents of def2-qzvp (error on water in pcseg-4: `docs/decisions.md`).
    """
    fitted = make_mole(molecule, basis).nao > AFFORDABLE
    return ReferenceSpec(basis, xc, restricted, LARGE_LEVEL, auxiliary="even_tempered" if fitted else None)
