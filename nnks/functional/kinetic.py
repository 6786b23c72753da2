r"""Kinetic energy of independent electrons, $T = \frac12\sum_i n_i\int|\nabla\psi_i|^2$."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from nnks.functional.terms import TERMS, Discretized
from nnks.orbitals import HasDensity, InBasis
from nnks.types import Array, Float, Scalar, record, static


@TERMS.register("kinetic")
class KineticEnergy:
    """Kinetic energy of independent electrons."""

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        return AnalyticKinetic(d.integrals().kinetic) if d.analytic else QuadratureKinetic()

    def in_pyscf(self, mole: Any) -> tuple[np.ndarray, float]:
        """The operator in PySCF's basis [Ha]; its Hamiltonian has it already."""
        return mole.intor_symmetric("int1e_kin"), 0.0


@record
class AnalyticKinetic:
    r"""$T = \sum_s\mathrm{tr}(D_s\,t)$ with integrals $t_{pq}=\frac12\langle\nabla\chi_p|\nabla\chi_q\rangle$."""

    integrals: Float[Array, "basis basis"]
    name: str = static(default="kinetic")
    order: int = static(default=0)

    linear: ClassVar[bool] = True

    def __call__(self, x: InBasis, y: InBasis) -> Scalar:
        """Energy [Ha] of orbitals in a Gaussian basis."""
        return trace(self.integrals, x)

    def of_matrix(self, density: Float[Array, "basis basis"]) -> Scalar:
        """Energy [Ha] of a total density matrix."""
        return jnp.sum(self.integrals * density)


@record
class QuadratureKinetic:
    r"""$T = \frac12\sum_k w_k\sum_i n_i|\nabla\psi_i(r_k)|^2$: first derivatives only, so kinks do no harm."""

    name: str = static(default="kinetic")
    order: int = static(default=1)

    linear: ClassVar[bool] = True
    reads_gradient: ClassVar[bool] = False

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha], linear in the weights."""
        tau = x.density().tau
        assert tau is not None, "the orbital model was built without gradients"
        return x.quadrature.integrate(jnp.sum(tau, axis=0))


def trace(matrix: Float[Array, "basis basis"], x: InBasis) -> Scalar:
    r"""$\sum_{si} n_{si}\,c_{si}^T h\,c_{si}$: contracts occupied orbitals, never a density matrix."""
    c = x.require_coefficients()
    return jnp.einsum("sbi,sbi,si->", c, jnp.einsum("bc,sci->sbi", matrix, c), x.occupations)
