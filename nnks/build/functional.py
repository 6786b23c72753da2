"""The energy of a config: each term in the form that its orbitals permit, analytic or by quadrature."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from nnks.build.system import System
from nnks.config import ConfigDict
from nnks.functional import Functional
from nnks.functional.exchange_correlation import ExchangeCorrelation
from nnks.functional.external import AnalyticExternal, QuadratureExternal
from nnks.functional.hartree import HARTREE, BasisFittedHartree, PairwiseHartree
from nnks.functional.kinetic import AnalyticKinetic, QuadratureKinetic
from nnks.functional.nuclear import Nuclear
from nnks.interop.libxc import make_xc
from nnks.quadrature import Grid
from nnks.registry import InputError, suggest
from nnks.tracking import warn

EXACT_LIMIT = 150
"""Basis functions up to which `hartree="auto"` keeps four-center integrals (1 GB at the limit)."""


def make_functional(system: System, grid: Grid, *, hartree: str, auxiliary: str, gaussian: bool) -> Functional:
    """The energy on a grid; `gaussian` says whether the orbitals lie in the basis, where terms may be analytic."""
    f = system.config.functional
    one_electron = ("analytic" if gaussian else "quadrature") if f.one_electron == "auto" else f.one_electron
    if one_electron not in ("analytic", "quadrature"):
        raise InputError(
            f"functional.one_electron is '{one_electron}'; {suggest(one_electron, ['analytic', 'quadrature'])}."
        )
    if one_electron == "analytic" and not gaussian:
        raise InputError(
            f"functional.one_electron='analytic' needs orbitals in a Gaussian basis, and ansatz '{system.config.ansatz.name}' "
            "leaves it; use 'quadrature' or 'auto'."
        )
    xc = make_xc(f.xc)
    positions, charges = jax.device_put(np.asarray(system.molecule.positions, float)), system.charges
    if one_electron == "analytic":
        integrals = system.one_electron()
        kinetic, external = AnalyticKinetic(integrals.kinetic), AnalyticExternal(integrals.external)
    else:
        kinetic, external = QuadratureKinetic(), QuadratureExternal(positions, charges)
    return Functional(
        terms=(
            kinetic,
            external,
            make_hartree(system, grid, hartree, auxiliary, gaussian, one_electron),
            ExchangeCorrelation(xc, order=0 if xc.family == "LDA" else 1),
            Nuclear(positions, charges),
        )
    )


def hartree_method(system: System, name: str, gaussian: bool, key: str = "functional.hartree") -> str:
    """The method that a config means, `auto` resolved.

    Args:
        system: of the run.
        name: of the method.
        gaussian: whether the orbitals lie in the basis.
        key: of the config that names the method, for the sentence of a refusal.

    Raises:
        InputError: for an unknown method, or one that the ansatz cannot use.
    """
    if name not in HARTREE:
        raise InputError(f"{key} is '{name}'; {suggest(name, HARTREE)}.")
    if name == "exact" and not gaussian:
        raise InputError(
            f"{key}='exact' needs orbitals in a Gaussian basis, and ansatz '{system.config.ansatz.name}' leaves "
            "it; use 'density_fitting' or 'poisson'."
        )
    if name == "auto":
        return "exact" if gaussian and system.mole.nao <= EXACT_LIMIT else "density_fitting"
    return name


def make_hartree(system: System, grid: Grid, name: str, auxiliary: str, gaussian: bool, one_electron: str) -> Any:
    """The Hartree term on a grid."""
    method = hartree_method(system, name, gaussian)
    if method == "exact":
        return system.exact()
    if method == "pairwise":
        return PairwiseHartree()
    if method == "poisson":
        return system.poisson(grid)
    place = system.config.functional.fitting
    if place not in ("auto", "basis", "quadrature"):
        raise InputError(f"functional.fitting is '{place}'; {suggest(place, ['auto', 'basis', 'quadrature'])}.")
    if place == "basis" and not gaussian:
        raise InputError("functional.fitting='basis' needs orbitals in a Gaussian basis; use 'quadrature' or 'auto'.")
    if place == "basis" and not system.holds_fitted(auxiliary):
        raise InputError(
            f"functional.fitting='basis' needs {1e-9 * system.fitted_bytes(auxiliary):.3g} GB of integrals and "
            f"{1e-9 * system.memory:.3g} GB are allowed; use 'auto', which fits on the quadrature then, or a larger quadrature.memory."
        )
    analytic = place == "auto" and gaussian and one_electron == "analytic"
    if place == "basis" or (analytic and system.holds_fitted(auxiliary)):
        return BasisFittedHartree(system.fitted(auxiliary))
    if analytic:
        _say_that_it_is_fitted_on_the_grid(system.fitted_bytes(auxiliary))
    if 8 * system.fitting_functions(auxiliary) * grid.size > system.memory:
        return system.streamed(auxiliary, grid)
    return system.tabulated(auxiliary, grid)


def analytic(config: ConfigDict) -> ConfigDict:
    """The config with analytic integrals wherever Gaussian orbitals have them and memory holds them."""
    config = ConfigDict(config.copy_and_resolve_references())
    config.functional.one_electron, config.functional.fitting = "analytic", "auto"
    return config


@functools.cache
def _say_that_it_is_fitted_on_the_grid(size: int) -> None:
    """Once for a system: several functionals of a run come here."""
    warn(
        f"fitted integrals would take {1e-9 * size:.3g} GB, more than quadrature.memory allows: the Hartree energy is fitted on the grid, "
        "whose error it then has; compare two of quadrature.level."
    )
