"""Radial functions of free atoms: spherical, with fractional occupations, in a large uncontracted basis."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

BASES = ("pcseg-4", "pcseg-3", "pcseg-2")
"""Whose exponents the functions are expanded in: the first that PySCF can take for the atom."""


@functools.cache
def free_atom(symbol: str, xc: str, atomic: tuple[int, ...]) -> Any:
    r"""The lowest radial functions of each degree, $R_k(d)\,d^l = \sum_p c_{kp}\,d^l e^{-a_p d^2}$.

    Args:
        symbol: of the element.
        xc: the functional, as PySCF names it.
        atomic: how many of each degree, from $l = 0$.

    Returns:
        `exponents` and `coefficients` by degree; functions are normalized when multiplied by the solid harmonics of
        `nnks.basis.harmonics`.
    """
    from pyscf import gto

    for basis in BASES:
        try:
            mol, energies, coefficients = _solved(symbol, xc, basis, len(atomic))
            break
        except ValueError:  # PySCF leaves out nearly dependent functions of an atom, and cannot go on without them
            continue
    else:
        raise RuntimeError(f"no basis of {', '.join(BASES)} gives the free atom {symbol}")
    starts, exponents, rows = mol.ao_loc_nr(), {}, {}
    for shell in range(mol.nbas):
        l = mol.bas_angular(shell)
        assert mol.bas_nctr(shell) == 1
        exponents.setdefault(l, []).append(float(mol.bas_exp(shell)[0]))
        rows.setdefault(l, []).append(starts[shell])
    order = np.argsort(energies)
    found: dict[str, list] = {"exponents": [], "coefficients": []}
    for l, count in enumerate(atomic):
        if not count:
            found["exponents"].append(np.zeros(0))
            found["coefficients"].append(np.zeros((0, 0)))
            continue
        x = np.array(exponents[l])
        sub = np.asarray(coefficients)[rows[l]]  # the first component of each shell
        lowest = [k for k in order if np.abs(sub[:, k]).max() > 1e-6][:count]
        found["exponents"].append(x)
        found["coefficients"].append((sub[:, lowest] * gto.mole.gto_norm(l, x)[:, None]).T)
    return found


def _solved(symbol: str, xc: str, basis: str, degrees: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The spherical atom in uncontracted functions of so many degrees: orbital energies [Ha] and coefficients."""
    from pyscf import gto
    from pyscf.scf.atom_ks import get_atm_nrks

    shells = [shell for shell in gto.basis.load(basis, symbol) if shell[0] < degrees]
    mol = gto.M(atom=f"{symbol} 0 0 0", basis={symbol: gto.basis.to_general_contraction(shells)}, spin=None, verbose=0)
    mol = mol.decontract_basis(to_cart=False, aggregate=True)[0]
    with warnings.catch_warnings():  # of PySCF to itself
        warnings.simplefilter("ignore", DeprecationWarning)
        _, energies, coefficients = get_atm_nrks(mol, xc=xc)[symbol][:3]
    return mol, np.asarray(energies), np.asarray(coefficients)
