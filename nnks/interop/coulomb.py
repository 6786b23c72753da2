"""Coulomb integrals as PySCF makes them: over four centers, and of fitting sets with pairs, points and charges."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.coulomb import FittedCoulomb
from nnks.interop import basis_sets
from nnks.registry import InputError

# The fitting set for any density is even-tempered between the exponents of this basis, whatever the orbital basis is.
# Measured on pcseg-3 densities: helium 0.00001 mHa, water 0.002 mHa (from sto-3g's exponents: 0.03 and 2.7 mHa).
EVEN_TEMPERED_RANGE, EVEN_TEMPERED_RATIO = "def2-qzvp", 2.0

INDEPENDENT = 1e-13
"""What a fitting function must add to those before it, as a share of its own norm in the Coulomb metric."""


def coulomb_integrals(mole: Any) -> jnp.ndarray:
    r"""Four-center integrals $(pq|rs)$ for pairs $p\\ge q$, $r\\ge s$, as a matrix over pairs."""
    return jax.device_put(mole.intor("int2e", aosym="s4"))


def check_exact(mole: Any, budget: float = 4e9) -> None:
    """Refuses four-center integrals that would take more than `budget` bytes.

    Raises:
        InputError: with what they take.
    """
    pairs = mole.nao * (mole.nao + 1) // 2
    if 8.0 * pairs * pairs > budget:
        raise InputError(
            f"functional.hartree='exact' needs {8e-9 * pairs * pairs:.1f} GB for {mole.nao} basis functions and "
            f"{budget / 1e9:.1f} GB are allowed; use functional.hartree='density_fitting'."
        )


def auxiliary_mole(mole: Any, basis: str = "auto", key: str = "functional.auxiliary") -> Any:
    """The Coulomb-fitting set: PySCF's choice for the basis ("auto"), "even_tempered", a named set, a file or its text.

    Raises:
        InputError: for a set that does not exist for one of the elements.
    """
    from pyscf import df

    symbols = {mole.atom_pure_symbol(a) for a in range(mole.natm)}
    if basis == "even_tempered":
        wide = mole.copy()
        wide.build(basis=basis_sets.functions(EVEN_TEMPERED_RANGE, symbols), verbose=0)
        return df.make_auxmol(wide, df.aug_etb(wide, beta=EVEN_TEMPERED_RATIO))
    if basis == "auto":
        return df.make_auxmol(mole, _automatic(mole, symbols))
    return df.make_auxmol(mole, basis_sets.functions(basis, symbols, key, fitting=True))


def _automatic(mole: Any, symbols: set[str]) -> dict[str, Any]:
    """PySCF's fitting set for each element's basis by name; even-tempered where it has none."""
    from pyscf import df, gto
    from pyscf.df.addons import predefined_auxbasis

    sets: dict[str, Any] = {}
    for symbol in symbols:
        name = mole.basis.get(symbol) if isinstance(mole.basis, dict) else None
        if isinstance(name, str):
            alias = re.sub("[-_ ]", "", name.lower())
            alias = alias.split("g")[0] + "g" if gto.basis._is_pople_basis(alias) else alias
            # what is fitted is the Coulomb energy alone, as for a functional without exact exchange
            fitted = predefined_auxbasis(mole, alias, "lda", False)
            if fitted is not None:
                with contextlib.suppress(InputError):
                    sets |= basis_sets.functions(fitted, [symbol], fitting=True)
    return sets if len(sets) == len(symbols) else df.aug_etb(mole) | sets


def fitted_coulomb(mole: Any, auxiliary: Any) -> FittedCoulomb:
    """Three-center integrals over pairs, and the factor of the fitting functions' metric.

    Fitting functions that depend on others to double precision are left out, by pivoted Cholesky decomposition.
    """
    from pyscf import df

    pairs = mole.nao * (mole.nao + 1) // 2
    integrals = _aligned(auxiliary.nao, pairs)
    df.incore.aux_e2(mole, auxiliary, aosym="s2ij", out=integrals)
    factor, kept = metric_factor(auxiliary, INDEPENDENT)
    if len(kept) == auxiliary.nao:  # their own order needs no copy of the integrals
        # without a copy on a CPU, and on whatever device JAX computes with. `from_dlpack` would commit the array, and
        # so all that is computed with it, to the CPU; a first step from uncommitted parameters would be compiled apart
        # from the others
        shared = jax.device_put(integrals)
        return FittedCoulomb(shared, jnp.asarray(factor))
    return FittedCoulomb(jnp.asarray(integrals[kept]), jnp.asarray(factor))


def fitted_bytes(mole: Any, auxiliary: Any) -> int:
    """What `fitted_coulomb` would hold."""
    return 8 * auxiliary.nao * (mole.nao * (mole.nao + 1) // 2)


def metric_factor(auxiliary: Any, independent: float) -> tuple[np.ndarray, np.ndarray]:
    r"""$L$ of the fitting functions' metric $LL^T$, and the functions that are kept, in $L$'s order.

    Args:
        auxiliary: the fitting set.
        independent: what a function must add to those before it, as a share of its own norm; others are left out.
    """
    from scipy.linalg import get_lapack_funcs

    metric = auxiliary_metric(auxiliary)
    scale = 1 / np.sqrt(np.diagonal(metric))
    scaled = metric * scale[:, None] * scale[None, :]
    pstrf: Any = get_lapack_funcs("pstrf", (scaled,))
    factor, pivots, rank, _ = pstrf(scaled, lower=1, tol=independent)
    if rank == len(metric):
        return np.linalg.cholesky(metric), np.arange(rank)
    kept = pivots[:rank] - 1
    return np.tril(factor[:rank, :rank]) / scale[kept, None], kept


def _aligned(rows: int, columns: int) -> np.ndarray:
    """Memory that JAX takes over without a copy: it begins at a multiple of 64 bytes."""
    memory = np.empty(rows * columns + 8)
    return memory[(-memory.ctypes.data % 64) // 8 :][: rows * columns].reshape(rows, columns)


def auxiliary_metric(auxiliary: Any) -> np.ndarray:
    """Two-center Coulomb integrals $(P|Q)$ of the fitting functions."""
    return auxiliary.intor_symmetric("int2c2e")


def charge_integrals(auxiliary: Any, centers: Any, exponents: Any, charges: Any) -> np.ndarray:
    r"""Coulomb integrals $\sum_{ai}(P|ai)\,q_{ai}$ [Ha] of the fitting functions with Gaussian charges.

    Args:
        auxiliary: the fitting set.
        centers: of the atoms [Bohr].
        exponents: of each atom's charges [Bohr^-2].
        charges: theirs, in electrons.
    """
    from pyscf import gto

    exponents, charges = np.asarray(exponents), np.asarray(charges)
    total = np.zeros(auxiliary.nao)
    for center, alpha, q in zip(np.asarray(centers), exponents, charges, strict=True):
        own = gto.fakemol_for_charges(np.broadcast_to(center, (len(alpha), 3)), alpha)
        total += gto.mole.intor_cross("int2c2e", auxiliary, own) @ q
    return total


def auxiliary_potentials(auxiliary: Any, points: np.ndarray, block: int = 4000) -> np.ndarray:
    r"""Electrostatic potentials $V_P(r_k) = \int \chi_P(r')/|r'-r_k|\,dr'$ of fitting functions [auxiliary points]."""
    from pyscf import gto

    columns = []
    for start in range(0, len(points), block):
        charges = gto.fakemol_for_charges(points[start : start + block])
        columns.append(gto.mole.intor_cross("int2c2e", auxiliary, charges))
    return np.concatenate(columns, axis=1)
