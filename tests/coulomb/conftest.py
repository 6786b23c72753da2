"""A molecule, its orbitals from PySCF, and every operator on its charges."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
import pytest

from nnks import setup
from nnks.config import default_config, override
from nnks.coulomb import ChargeAtPoints, ChargeInBasis, PairwiseCoulomb


@dataclasses.dataclass(frozen=True)
class Case:
    """A system, orthonormal orbitals [basis orbitals] in its basis, and its charges."""

    system: setup.System
    orbitals: np.ndarray

    def operator(self, name):
        """In a basis, or on the points of the grid; the fitting set is even-tempered."""
        return self._operators[name]()

    @functools.cached_property
    def _operators(self):
        s, fitting = self.system, "even_tempered"
        makers = {
            "exact": s.exact,
            "fitted": lambda: s.fitted(fitting),
            "tabulated": lambda: s.tabulated(fitting, s.grid),
            "streamed": lambda: s.streamed(fitting, s.grid)[0],
            "poisson": lambda: s.poisson(s.grid)[0],
            "pairwise": PairwiseCoulomb,
        }
        return {name: functools.cache(make) for name, make in makers.items()}

    @functools.cached_property
    def values(self):
        """Of the orbitals at the points [points orbitals]."""
        return self.system.table(self.system.grid, 0).values @ self.orbitals

    def pair(self, name, i, j):
        """The product of two orbitals, as the charge that an operator takes."""
        if self.operator(name).in_basis:
            return ChargeInBasis(jnp.outer(self.orbitals[:, i], self.orbitals[:, j]))
        return ChargeAtPoints(self.system.grid.quadrature(), self.values[:, i] * self.values[:, j])

    @functools.cached_property
    def integrals(self):
        """PySCF's (ij|kl) [Ha] of the orbitals."""
        from pyscf import ao2mo

        return ao2mo.restore(1, ao2mo.kernel(self.system.mole, self.orbitals), self.orbitals.shape[1])


def make_case(molecule, basis, level):
    changes = {"system.molecule": molecule, "system.basis": basis, "quadrature.level": level}
    system = setup.make_system(override(default_config(), changes))
    solution = system.mole.RHF().run(verbose=0)
    return Case(system, np.asarray(solution.mo_coeff))


@pytest.fixture(scope="session")
def water():
    """In 6-31G on grid level 1."""
    return make_case("water", "6-31g", 1)


@pytest.fixture(scope="session")
def lithium_hydride():
    """In STO-3G on grid level 1."""
    return make_case("LiH", "sto-3g", 1)
