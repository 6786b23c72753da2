r"""What the Hartree term knows of a molecule's density beforehand: free atoms, and the number of electrons.

The density is $\rho = n\,m + d$ with the promolecule $m$ of free atoms, whose potential $V_m$ and energy $E_m$ are
known, and the deformation $d$, a few percent of the density and without cores. An operator on a grid errs on $d$ alone.

References:
    Blum et al., Comput. Phys. Commun. 180, 2175 (2009): free atoms subtracted.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nnks.coulomb import ChargeAtPoints, StreamedCoulomb
from nnks.functional.hartree.promolecule import Promolecule
from nnks.orbitals import HasDensity
from nnks.quadrature import Grid, Quadrature
from nnks.types import Array, Float, Scalar, record


@record
class FreeAtoms:
    r"""The promolecule $m$ on a grid, and how often it counts in a density.

    Once on the full grid. On a batch $n = \sum_k\tilde w_km_kV_m(r_k)/\sum_kw_km_kV_m(r_k)$ times, so that every factor
    is linear in the weights and two independent batches give an unbiased energy; with the potential in it the noise of
    the promolecule's energy and that of the deformation's cancel.

    Attributes:
        density: $m$ at the points [Bohr^-3].
        potential: $V_m$ at the points [Ha].
        share: $m V_m$ at the points over its sum with the weights of the full grid.
        energy: $\frac12\int mV_m$ [Ha].
        electrons: of the promolecule, where $n$ also takes what the deformation's charge lacks of the known number of
            electrons. None where the quadrature's is taken.
    """

    density: Float[Array, " points"]
    potential: Float[Array, " points"]
    share: Float[Array, " points"]
    energy: Scalar
    electrons: Scalar | None

    def split(self, x: HasDensity) -> tuple[ChargeAtPoints, Scalar]:
        """The charge of the deformation, and how often the promolecule counts."""
        q = x.quadrature
        deformation = ChargeAtPoints(q, x.density().total - _on(q, self.density))
        count = q.weights @ _on(q, self.share)
        if self.electrons is not None:
            count = (count * x.electrons() - jnp.sum(deformation.amounts)) / self.electrons
        return deformation, count

    def work(self, deformation: ChargeAtPoints) -> Scalar:
        """Of the deformation's charge in the potential of the promolecule [Ha]."""
        return deformation.amounts @ _on(deformation.quadrature, self.potential)


def _on(quadrature: Quadrature, table: Float[Array, " points"]) -> Float[Array, " points"]:
    return table if quadrature.index is None else table[quadrature.index]


def neutral_atoms(promolecule: Promolecule, grid: Grid) -> FreeAtoms:
    """The promolecule by its closed forms."""
    density, potential = promolecule.density(grid.points), promolecule.potential(grid.points)
    share = density * potential
    return FreeAtoms(density, potential, share / (grid.weights @ share), promolecule.energy, None)


def fitted_atoms(
    promolecule: Promolecule, grid: Grid, operator: StreamedCoulomb, projections: Float[np.ndarray, " auxiliary"]
) -> FreeAtoms:
    r"""The promolecule as a fitting set sees it, with the number of electrons for what a coarse grid misses.

    The charge that the quadrature lacks goes where the promolecule's is: the $N$ electrons of orthonormal orbitals are
    known, and 2e-5 of them missing an atom are 1 mHa an atom in the potential of all the others (C60/STO-3G, level 1:
    1.1 mHa an atom without, 0.0005 with it).

    Args:
        promolecule: the free atoms.
        grid: the full grid.
        operator: of the fitting set on that grid.
        projections: the promolecule's Coulomb integrals with the fitting functions [Ha].
    """
    potential, energy = operator.fit(jnp.asarray(projections), grid.quadrature())
    closed = neutral_atoms(promolecule, grid)
    return FreeAtoms(closed.density, potential, closed.share, energy, jnp.sum(promolecule.charges))
