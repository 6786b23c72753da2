r"""A uniform electric field, $E_F = F\cdot\Bigl(\int\rho\,r - \sum_a Z_a R_a\Bigr)$: electrons carry the charge $-e$.

The derivative of the total energy is the dipole moment, $dE/dF = -\mu$. A charged molecule's energy depends on the
origin, which is that of the coordinates. There is no lowest energy of an unbounded basis in a field, as electrons
tunnel out; in the bases of a molecule there is.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from nnks.functional.kinetic import trace
from nnks.functional.terms import TERMS, Discretized
from nnks.orbitals import HasDensity, InBasis
from nnks.types import Array, Float, Scalar, record, static


@TERMS.register("field")
@dataclasses.dataclass(frozen=True)
class Field:
    """A uniform electric field, the same in PySCF's Hamiltonian.

    Attributes:
        x: the field along x [Ha/(e Bohr)], an atomic unit of which is 51.42 V/Angstrom.
        y: along y.
        z: along z.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        strength = jnp.array([self.x, self.y, self.z])
        nuclei = -jnp.einsum("x,ax,a->", strength, d.positions, d.charges)
        if d.analytic:
            return AnalyticField(jnp.einsum("x,xpq->pq", strength, d.dipole()), nuclei)
        return QuadratureField(strength, nuclei)

    def in_pyscf(self, mole: Any) -> tuple[np.ndarray, float]:
        """The operator in PySCF's basis, and the nuclei's energy [Ha]."""
        strength = np.array([self.x, self.y, self.z])
        with mole.with_common_orig((0.0, 0.0, 0.0)):
            matrix = np.einsum("x,xpq->pq", strength, mole.intor_symmetric("int1e_r", comp=3))
        return matrix, float(-mole.atom_charges() @ mole.atom_coords() @ strength)


@record
class AnalyticField:
    r"""$\sum_s\mathrm{tr}(D_s\,F\cdot r)$ with dipole integrals, and the nuclei's energy."""

    integrals: Float[Array, "basis basis"]
    nuclei: Scalar
    name: str = static(default="field")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def __call__(self, x: InBasis, y: InBasis) -> Scalar:
        """Energy [Ha] of orbitals in a Gaussian basis."""
        return trace(self.integrals, x) + self.nuclei

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """Energy [Ha] of a total density matrix."""
        return jnp.sum(self.integrals * density) + self.nuclei


@record
class QuadratureField:
    r"""$\sum_k w_k\,\rho(r_k)\,F\cdot r_k$, and the nuclei's energy."""

    strength: Float[Array, 3]
    nuclei: Scalar
    name: str = static(default="field")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha]; the electrons' part is linear in the weights."""
        return x.quadrature.integrate(x.density().total * (x.quadrature.points @ self.strength)) + self.nuclei
