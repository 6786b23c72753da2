"""Reference energies from PySCF: the right spin, a stable solution, cached by what they depend on."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnks.functional.terms import code_of, make_specs, row_in_pyscf
from nnks.interop import basis_sets
from nnks.interop.cached import cached, known
from nnks.interop.coulomb import auxiliary_mole
from nnks.interop.pyscf import becke_grid, make_mole
from nnks.interop.shipped import shipped
from nnks.interop.spellings import one_functional, one_spelling
from nnks.molecule import Molecule
from nnks.quadrature import Grid
from nnks.textfiles import without_comments
from nnks.tracking.record import TWINS

AFFORDABLE = 130
"""Basis functions that a large-basis reference may have, and beyond which a named one is density-fitted."""

FOLLOWED = 5
"""How often an instability is followed to a lower solution."""


Terms = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]
"""Terms that a config adds to the energy: name and fields of each, hashable."""


@dataclasses.dataclass(frozen=True)
class ReferenceSpec:
    """What a reference energy depends on, beside PySCF's version.

    Attributes:
        basis: of the orbitals.
        xc: functional, as in PySCF.
        restricted: RKS or UKS.
        level: grid level, with `pruning`, `radial`, `angular` as in the config's `quadrature`.
        auxiliary: fitting set if the Coulomb energy is density-fitted, None if it is exact.
        terms: beside those of Kohn and Sham, name and fields of each.
    """

    basis: str
    xc: str
    restricted: bool
    level: int
    pruning: str = "nwchem"
    radial: int | None = None
    angular: int | None = None
    auxiliary: str | None = None
    terms: Terms = ()

    @property
    def name(self) -> str:
        """How summaries call it."""
        return f"pyscf/{basis_sets.label(self.basis)}"


Follow = Callable[[str], None]
"""Is told what a calculation does, in a few words."""


def untold(_: str) -> None:
    """Tells nobody."""


def reference(
    molecule: Molecule, spec: ReferenceSpec, folders: Sequence[Path] = (), follow: Follow = untold
) -> dict[str, Any]:
    """PySCF's energies: those that come with nnks, or are cached, or else computed.

    Args:
        molecule: the nuclei and electrons.
        spec: basis, functional and grid.
        folders: of the cache; the first is written, all are read.
        follow: is told of each cycle.

    Returns:
        `energies` by term [Ha], `converged`, `stable` (None: not analyzed, beyond 130 functions), `functions`,
        `restarts`, `seconds` of the processor, the date (`made`), and what was asked for.
    """
    asked = asked_of(molecule, spec)
    return shipped(asked) or cached(asked, lambda: _timed(molecule, spec, follow), folders)


def known_reference(molecule: Molecule, spec: ReferenceSpec, folders: Sequence[Path]) -> dict[str, Any] | None:
    """What `reference` returns, if nothing has to be computed for it."""
    asked = asked_of(molecule, spec)
    return shipped(asked) or known(asked, folders)


def _timed(molecule: Molecule, spec: ReferenceSpec, follow: Follow) -> dict[str, Any]:
    started = time.process_time()
    result = _solve(molecule, spec, follow=follow)
    made = datetime.datetime.now(datetime.UTC).date()
    return result | {"seconds": round(time.process_time() - started, 2), "made": str(made)}


def asked_of(molecule: Molecule, spec: ReferenceSpec) -> dict[str, Any]:
    """All that a reference of PySCF depends on, its versions included."""
    import pyscf
    from pyscf.dft import libxc

    return identity(molecule, spec) | {"pyscf": pyscf.__version__, "libxc": libxc.__version__}


def identity(molecule: Molecule, spec: ReferenceSpec) -> dict[str, Any]:
    """All that a reference energy depends on, beside the program."""
    xc = one_functional(spec.xc)
    # an entry of its own where there is something: references from before there were such terms answer for energies
    # without
    own = {"terms": [[name, dict(fields), code_of(name)] for name, fields in spec.terms]} if spec.terms else {}
    broken = {"start": "also broken symmetry"} if not spec.restricted and molecule.spin == 0 else {}
    fixed = {key: value for key, value in dataclasses.asdict(spec).items() if key != "terms"}
    return (
        fixed
        | own
        | {
            "basis": without_comments(one_spelling(spec.basis)),
            "auxiliary": spec.auxiliary and without_comments(one_spelling(spec.auxiliary)),
            "xc": min(xc, TWINS.get(xc, xc)),
        }
        | broken
        | {
            "partition": "becke, treutler's radii",
            "symbols": molecule.symbols,
            "positions": np.round(np.asarray(molecule.positions), 10).tolist(),
            "charge": molecule.charge,
            "spin": molecule.spin,
        }
    )


def confirmed(molecule: Molecule, spec: ReferenceSpec, mo_coeff: Any) -> dict[str, Any]:
    """What PySCF's second-order solver and stability analysis make of given orbitals, occupied first; not cached.

    Args:
        molecule: the molecule.
        spec: as of `reference`.
        mo_coeff: all molecular orbitals of each spin [spin basis n].
    """
    return _solve(molecule, spec, np.asarray(mo_coeff))


def _solve(
    molecule: Molecule, spec: ReferenceSpec, start: np.ndarray | None = None, follow: Follow = untold
) -> dict[str, Any]:
    from pyscf import lib

    follow("integrals")
    mole = make_mole(molecule, spec.basis)
    grid = becke_grid(mole, spec.level, spec.pruning or None, spec.radial, spec.angular)
    with lib.with_omp_threads(1 if mole.nao < 200 else None):
        mf = _mean_field(mole, spec, grid)
        mf.small_rho_cutoff = 0
        mf.conv_tol, mf.conv_tol_grad, mf.max_cycle = 1e-11, 3e-7, 100
        restarts = 0
        if start is not None:
            n = np.arange(start.shape[-1])[None]
            occupied = (n < np.array(mole.nelec)[:, None]) * 1.0
            if spec.restricted:
                start, occupied = start[0], occupied.sum(axis=0)
            mf = _second_order(mf, start, occupied)
        else:
            mf.callback = lambda values: follow(f"cycle {values['cycle'] + 1}")
            mf.kernel()
            mf.callback = None
            if not mf.converged:  # a second-order solver where DIIS oscillates
                mf, restarts = _second_order(mf, mf.mo_coeff, mf.mo_occ), 1
        follow("stability")
        # the analysis takes minutes in a large basis, where the stable solution of small bases is found from the same
        # guess
        stable = _is_stable(mf) if mole.nao <= AFFORDABLE else True
        while stable is not True and restarts < FOLLOWED:
            mf, restarts = _second_order(mf, stable, mf.mo_occ), restarts + 1
            stable = _is_stable(mf)
        if not spec.restricted and mole.nelec[0] == mole.nelec[1]:
            mf = _broken(mf)
    return {
        "energies": _terms(mf, _specs(spec)),
        "converged": bool(mf.converged),
        "stable": stable is True if mole.nao <= AFFORDABLE else None,
        "functions": int(mole.nao),
        "restarts": restarts,
    }


def _mean_field(mole: Any, spec: ReferenceSpec, grid: Grid) -> Any:
    from pyscf import dft

    make: Any = dft.RKS if spec.restricted else dft.UKS
    mf = make(mole, xc=spec.xc)
    if spec.auxiliary is not None:
        mf = mf.density_fit(auxbasis=auxiliary_mole(mole, spec.auxiliary)._basis)
    mf.grids.coords, mf.grids.weights = np.asarray(grid.points), np.asarray(grid.weights)
    mf.verbose, mf.chkfile = 0, None
    return _with_terms(mf, spec)


def _specs(spec: ReferenceSpec) -> dict[str, Any]:
    """Every term of the energy by name."""
    return make_specs({name: dict(fields) for name, fields in spec.terms})


def _with_terms(mf: Any, spec: ReferenceSpec) -> Any:
    """The calculation with the operators and constants of terms that a config adds."""
    specs = _specs(spec)
    parts = [specs[name].in_pyscf(mf.mol) for name, _ in spec.terms]
    if parts:
        one_electron = mf.get_hcore() + sum(matrix for matrix, _ in parts)
        constant = mf.energy_nuc() + sum(constant for _, constant in parts)
        mf.get_hcore, mf.energy_nuc = lambda *_: one_electron, lambda *_: constant
    return mf


def default_field(molecule: Molecule, spec: ReferenceSpec) -> Any:
    """PySCF's calculation with its own thresholds and number of cycles, on nnks's points, ready to run."""
    mole = make_mole(molecule, spec.basis)
    return _mean_field(mole, spec, becke_grid(mole, spec.level, spec.pruning or None, spec.radial, spec.angular))


def own_field(molecule: Molecule, spec: ReferenceSpec) -> Any:
    """PySCF's calculation with its own grid, thresholds and screening, ready to run: for timings."""
    from pyscf import dft

    mole = make_mole(molecule, spec.basis)
    mf: Any = dft.RKS(mole, xc=spec.xc) if spec.restricted else dft.UKS(mole, xc=spec.xc)
    if spec.auxiliary is not None:
        mf = mf.density_fit(auxbasis=auxiliary_mole(mole, spec.auxiliary)._basis)
    mf.grids.level, mf.verbose, mf.chkfile = spec.level, 0, None
    return mf


def fitted_gigabytes(field: Any) -> float:
    """What the three-center integrals of a density-fitted calculation take [GB]."""
    from pyscf.df import make_auxmol

    nao = field.mol.nao
    return 4e-9 * nao * (nao + 1) * make_auxmol(field.mol, field.with_df.auxbasis).nao


def _second_order(mf: Any, mo_coeff: Any, mo_occ: Any) -> Any:
    newton = mf.newton() if not hasattr(mf, "_scf") else mf
    newton.verbose, newton.max_cycle = 0, 100
    newton.kernel(mo_coeff, mo_occ)
    return newton


def _broken(mf: Any) -> Any:
    """The lower of a solution and one from different orbitals for different spins, which the analysis can overlook."""
    count, mo_coeff = mf.mol.nelec[0], np.array(mf.mo_coeff)
    if not 0 < count < mo_coeff.shape[2]:
        return mf
    # equal and opposite mixtures of the highest occupied and the lowest empty orbital
    for s, sign in enumerate((1, -1)):
        low, high = mo_coeff[s][:, count - 1].copy(), mo_coeff[s][:, count].copy()
        mo_coeff[s][:, count - 1], mo_coeff[s][:, count] = (low + sign * high) / 2**0.5, (high - sign * low) / 2**0.5
    other = _second_order(mf.copy(), mo_coeff, mf.mo_occ)
    return other if other.e_tot < mf.e_tot - 1e-7 else mf


def _is_stable(mf: Any) -> Any:
    """True, or the orbitals in whose direction the energy falls."""
    occupied = np.atleast_2d(mf.mo_occ) > 0
    if not np.any(occupied.any(axis=1) & ~occupied.all(axis=1)):  # every function is full: nothing to rotate
        return True
    orbitals, _, stable, _ = mf.stability(return_status=True)
    return True if stable else orbitals


def _terms(mf: Any, specs: Mapping[str, Any]) -> dict[str, float]:
    density = np.asarray(mf.make_rdm1())
    total = density if density.ndim == 2 else density.sum(axis=0)
    return {"total": float(mf.e_tot)} | {name: row_in_pyscf(spec, mf, total) for name, spec in specs.items()}
