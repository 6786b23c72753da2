r"""What the Hartree term knows of a molecule's density beforehand: free atoms, and the number of electrons.

The density is $\rho = n\,m + d$ with the promolecule $m$ of free atoms, whose potential $V_m$ and energy $E_m$ are
known, and the deformation $d$, a few percent of the density and without cores. An operator on a grid errs on $d$ alone.

References:
    Blum et al., Comput. Phys. Commun. 180, 2175 (2009): free atoms subtracted.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from nnks.coulomb import ChargeAtPoints, StreamedCoulomb
from nnks.functional.hartree.promolecule import Promolecule
from nnks.orbitals import HasDensity
from nnks.quadrature import Grid, Quadrature
from nnks.types import Array, Float, Scalar, record


@runtime_checkable
class FreeAtoms(Protocol):
    """The energy of a density of which the free atoms are known."""

    def energy(self, operator: Any, x: HasDensity, y: HasDensity) -> Scalar:
        """Electrostatic energy [Ha] of the density, linear in the weights of each argument.

        Args:
            operator: for the deformation.
            x: the density.
            y: the same on other points, or `x` itself.
        """
        ...


@record
class PromoleculeOnGrid:
    r"""The promolecule $m$ on a grid, and how often it counts in a density.

    Once on the full grid. On a batch $n = \sum_k\tilde w_km_kV_m(r_k)/\sum_kw_km_kV_m(r_k)$ times, so that every factor
    is linear in the weights and two independent batches give an unbiased energy; with the potential in it the noise of
    the promolecule's energy and that of the deformation's cancel.

    Attributes:
        density: $m$ at the points [Bohr^-3].
        share: $m V_m$ at the points over its sum with the weights of the full grid.
    """

    density: Float[Array, " points"]
    share: Float[Array, " points"]

    def split(self, x: HasDensity) -> tuple[ChargeAtPoints, Scalar]:
        """The charge of the deformation, and how often the promolecule counts."""
        q = x.quadrature
        return ChargeAtPoints(q, x.density().total - _on(q, self.density)), q.weights @ _on(q, self.share)


@record
class ClosedAtoms:
    r"""$E_H = n^2E_m + n\int d\,V_m + \frac12\iint dd'/|r-r'|$ with $E_m$ and $V_m$ in closed form.

    Attributes:
        model: the promolecule on the grid.
        potential: $V_m$ at the points [Ha].
        own: $E_m = \frac12\int mV_m$ [Ha].
    """

    model: PromoleculeOnGrid
    potential: Float[Array, " points"]
    own: Scalar

    def energy(self, operator: Any, x: HasDensity, y: HasDensity) -> Scalar:
        """Electrostatic energy [Ha]."""
        a, n = self.model.split(x)
        b, m = (a, n) if y is x else self.model.split(y)
        mixed = 0.5 * (n * self._work(b) + m * self._work(a))
        return n * m * self.own + mixed + operator.energy(a, b)

    def _work(self, deformation: ChargeAtPoints) -> Scalar:
        return deformation.amounts @ _on(deformation.quadrature, self.potential)


@record
class FittedAtoms:
    r"""The promolecule as a fitting set sees it, counted so that the density has the number of electrons that is known.

    $\rho = n\,m/N_m + d$ with $n = N - \int d$: the charge that the quadrature lacks of the $N$ electrons of
    orthonormal orbitals goes where the promolecule's is. Of them 2e-5 missing an atom are 1 mHa an atom in the
    potential of all the others (C60/STO-3G, level 1: 1.1 mHa an atom without, 0.0005 with it).

    Attributes:
        model: the promolecule on the grid.
        electron: $b$ of one electron spread as the promolecule's are.
    """

    model: PromoleculeOnGrid
    electron: Float[Array, " kept"]

    def energy(self, operator: StreamedCoulomb, x: HasDensity, y: HasDensity) -> Scalar:
        """Electrostatic energy [Ha]."""
        b = self._project(operator, x)
        return 0.5 * jnp.dot(b, b if y is x else self._project(operator, y))

    def _project(self, operator: StreamedCoulomb, x: HasDensity) -> Float[Array, " kept"]:
        deformation, share = self.model.split(x)
        electrons = share * x.electrons() - jnp.sum(deformation.amounts)
        return operator.project(deformation) + electrons * self.electron


def _on(quadrature: Quadrature, table: Float[Array, " points"]) -> Float[Array, " points"]:
    return table if quadrature.index is None else table[quadrature.index]


def closed_atoms(promolecule: Promolecule, grid: Grid) -> ClosedAtoms:
    """The promolecule of a molecule on its grid, for any operator on points."""
    density, potential = promolecule.density(grid.points), promolecule.potential(grid.points)
    share = density * potential
    return ClosedAtoms(PromoleculeOnGrid(density, share / (grid.weights @ share)), potential, promolecule.energy)


def fitted_atoms(
    promolecule: Promolecule, grid: Grid, operator: StreamedCoulomb, projections: Float[np.ndarray, " auxiliary"]
) -> FittedAtoms:
    """The promolecule of a molecule on its grid, for an operator that fits.

    Args:
        promolecule: the free atoms.
        grid: the full grid.
        operator: of the fitting set on that grid.
        projections: the promolecule's Coulomb integrals with the fitting functions [Ha].
    """
    own = operator.whiten(jnp.asarray(projections) / jnp.sum(promolecule.charges))
    return FittedAtoms(closed_atoms(promolecule, grid).model, own)
