"""The energy of a config: each term in the form that its orbitals permit, analytic or by quadrature."""

from __future__ import annotations

import dataclasses
import functools

import jax
import numpy as np

from nnks.basis.integrals import Integrals
from nnks.coulomb import PairwiseCoulomb
from nnks.functional import Functional, Term, TermSpec
from nnks.functional.hartree import HARTREE, Hartree
from nnks.functional.terms import make_specs
from nnks.functional.xc.base import XCFunctional
from nnks.interop.libxc import make_xc
from nnks.quadrature import Grid
from nnks.registry import InputError, suggest
from nnks.setup.own import check_term
from nnks.setup.system import System
from nnks.traces import attempted_now, is_own
from nnks.tracking import warn
from nnks.types import Array, Float

EXACT_LIMIT = 150
"""Basis functions up to which `hartree="auto"` keeps four-center integrals (1 GB at the limit)."""


FOR_COEFFICIENTS = "def2-universal-jfit"
"""The fitting set where coefficients of a learned basis are all that is looked for. They cannot exploit it; the final
energy is Poisson's, and off by the square of what the set is off: in tests/setup/test_shipped_sets.py by less than a
microhartree."""


def make_functional(
    system: System, grid: Grid, *, hartree: str, auxiliary: str, gaussian: bool, integrals: bool = False
) -> Functional:
    """The energy on a grid.

    Args:
        system: of the run.
        grid: the points.
        hartree: the method of the electrostatic energy.
        auxiliary: the set of one that fits; `auto` is PySCF's for the Gaussian basis, one like it for a learned basis
            as it is, and even-tempered beyond them.
        gaussian: whether the orbitals lie in the basis, where terms may be analytic.
        integrals: whether they are analytic wherever they can be and memory holds them, whatever the config says.
    """
    f = system.config.functional
    asked = "auto" if integrals else f.one_electron
    one_electron = ("analytic" if gaussian else "quadrature") if asked == "auto" else asked
    if one_electron not in ("analytic", "quadrature"):
        raise InputError(
            f"functional.one_electron is '{one_electron}'; {suggest(one_electron, ['analytic', 'quadrature'])}."
        )
    if one_electron == "analytic" and not gaussian:
        raise InputError(
            "functional.one_electron='analytic' needs orbitals in a Gaussian basis, and ansatz "
            f"'{system.config.ansatz.name}' leaves it; use 'quadrature' or 'auto'."
        )
    if auxiliary == "auto" and not gaussian:  # PySCF's set is for products of Gaussians; others would exploit it
        auxiliary = "even_tempered" if system.learned is None else FOR_COEFFICIENTS
    on = OnGrid(system, grid, hartree, auxiliary, gaussian, one_electron, "auto" if integrals else f.fitting)
    terms = {name: _term(name, spec, on) for name, spec in make_specs(f.terms.to_dict()).items()}
    return Functional(tuple(terms.values()))


def _term(name: str, spec: TermSpec, on: OnGrid) -> Term:
    """A term of a system on a grid.

    Raises:
        InputError: where one of a user's own fails, or makes something else.
    """
    if not is_own(spec):
        return spec.on(on)
    term = attempted_now(f"term '{name}' fails in `on`", spec.on, on)
    check_term(name, spec, term)
    return term


@dataclasses.dataclass(frozen=True)
class OnGrid:
    """One system on one grid, and methods for a functional's terms: what `nnks.functional.Discretized` describes."""

    system: System
    grid: Grid
    method: str
    auxiliary: str
    gaussian: bool
    one_electron: str
    fitting: str = "auto"

    @property
    def positions(self) -> Float[Array, "atoms 3"]:
        """Of the nuclei [Bohr]."""
        return jax.device_put(np.asarray(self.system.molecule.positions, float))

    @property
    def charges(self) -> Float[Array, " atoms"]:
        """Of the nuclei."""
        return self.system.charges

    @property
    def analytic(self) -> bool:
        """Whether one-electron terms are integrals in the basis."""
        return self.one_electron == "analytic"

    def xc(self) -> XCFunctional:
        """The functional that the config names."""
        return make_xc(self.system.config.functional.xc)

    @functools.cached_property
    def _integrals(self) -> Integrals:
        return self.system.one_electron()

    def integrals(self) -> Integrals:
        """Overlap, kinetic energy and nuclear attraction in the basis, computed once."""
        return self._integrals

    def dipole(self) -> Float[Array, "3 basis basis"]:
        """The position in the basis [Bohr]."""
        return self.system.dipole()

    def hartree(self) -> Hartree:
        """The Hartree term."""
        kind = self.gaussian, self.one_electron, self.fitting
        return make_hartree(self.system, self.grid, self.method, self.auxiliary, *kind)


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


def make_hartree(
    system: System, grid: Grid, name: str, auxiliary: str, gaussian: bool, one_electron: str, fitting: str
) -> Hartree:
    """The Hartree term on a grid."""
    method = hartree_method(system, name, gaussian)
    if method == "exact":
        return Hartree(system.exact())
    if method == "pairwise":
        return Hartree(PairwiseCoulomb())
    if method == "poisson":
        return Hartree(*system.poisson(grid))
    if fitting not in ("auto", "basis", "quadrature"):
        raise InputError(f"functional.fitting is '{fitting}'; {suggest(fitting, ['auto', 'basis', 'quadrature'])}.")
    if fitting == "basis" and not gaussian:
        raise InputError("functional.fitting='basis' needs orbitals in a Gaussian basis; use 'quadrature' or 'auto'.")
    if fitting == "basis" and not system.holds_fitted(auxiliary):
        raise InputError(
            f"functional.fitting='basis' needs {1e-9 * system.fitted_bytes(auxiliary):.3g} GB of integrals and "
            f"{1e-9 * system.memory:.3g} GB are allowed; use 'auto', which fits on the quadrature then, or a larger "
            "quadrature.memory."
        )
    analytic = fitting == "auto" and gaussian and one_electron == "analytic"
    if fitting == "basis" or (analytic and system.holds_fitted(auxiliary)):
        return Hartree(system.fitted(auxiliary))
    if analytic:
        _say_that_it_is_fitted_on_the_grid(system.fitted_bytes(auxiliary))
    if 8 * system.fitting_functions(auxiliary) * grid.size > system.memory:
        return Hartree(*system.streamed(auxiliary, grid))
    return Hartree(system.tabulated(auxiliary, grid))


@functools.cache
def _say_that_it_is_fitted_on_the_grid(size: int) -> None:
    """Once for a system: several functionals of a run come here."""
    warn(
        f"fitted integrals would take {1e-9 * size:.3g} GB, more than quadrature.memory allows: the Hartree energy is "
        "fitted on the grid, whose error it then has; compare two of quadrature.level."
    )
