r"""The Coulomb operator by density fitting in a Gaussian basis.

Products of basis functions are projected on auxiliary Gaussians in the Coulomb metric,
$(pq|rs) \approx \sum_{PQ}(pq|P)\,J^{-1}_{PQ}\,(Q|rs)$ with $J_{PQ} = (P|Q)$. The fit's error is positive definite: the
energy of a charge with itself is a lower bound.

References:
    Whitten, J. Chem. Phys. 58, 4496 (1973); Dunlap, Connolly, Sabin, J. Chem. Phys. 71, 3396 (1979): Coulomb.
    Weigend, Phys. Chem. Chem. Phys. 4, 4285 (2002): exchange.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from nnks.basis.integrals import pack, unpack
from nnks.coulomb.base import ChargeInBasis, InBasis, held_bytes, pair_index
from nnks.types import Array, Float, Scalar, record

ROWS = 32
"""Fitting functions whose integrals are unpacked at once for exchange."""


@record
class FittedCoulomb(InBasis):
    r"""$\frac12\,b(x)\cdot b(y)$, $b = L^{-1}d$, $d_P = \sum_{pq}(P|pq)\,D_{pq}$ over pairs $p\ge q$.

    The factor of the metric is applied to a vector at every use, not once to all integrals: that would cost more than
    it saves.

    Attributes:
        integrals: $(P|pq)$ [Ha] of $p\ge q$.
        factor: $L$ of the fitting functions' metric $(P|Q) = (LL^T)_{PQ}$.
    """

    integrals: Float[Array, "auxiliary pairs"]
    factor: Float[Array, "auxiliary auxiliary"]

    @property
    def holds(self) -> str:
        """Where charges are fitted and what is held for it."""
        return f" in the basis, {1e-9 * held_bytes(self.integrals):.3g} GB of integrals"

    def energy(self, x: ChargeInBasis, y: ChargeInBasis) -> Scalar:
        """Half of the interaction [Ha]."""
        b = self._project(x.symmetric)
        return 0.5 * jnp.dot(b, b if y is x else self._project(y.symmetric))

    def interactions(self, densities: Float[Array, "n basis basis"]) -> Float[Array, "n n"]:
        """Of many symmetric density matrices with each other [Ha], in one pass over the integrals."""
        d = self.integrals @ jax.vmap(pack)(densities).T
        b = solve_triangular(self.factor, d, lower=True)
        return b.T @ b

    def coulomb(self, density: Float[Array, "basis basis"]) -> Float[Array, "basis basis"]:
        r"""$J_{pq} = \sum_{PQ}(pq|P)\,J^{-1}_{PQ}\,d_Q$ [Ha]."""
        b = self._project(ChargeInBasis(density).symmetric)
        return unpack(solve_triangular(self.factor, b, lower=True, trans=1) @ self.integrals, len(density))

    def exchange(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> Float[Array, "spin basis basis"]:
        r"""$K^s_{pq} = \sum_in^s_i\sum_Pb^P_{pi}b^P_{qi}$ [Ha], $b_{pi} = L^{-1}(P|p\psi_i)$.

        Memory grows as auxiliary times basis times orbitals.
        """
        spins, n, orbitals = coefficients.shape
        pairs = jnp.asarray(pair_index(n))

        def half(row: Array) -> Array:
            return jnp.einsum("pq,sqi->spi", row[pairs], coefficients)

        d = jax.lax.map(half, self.integrals, batch_size=ROWS)
        b = solve_triangular(self.factor, d.reshape(len(d), -1), lower=True).reshape(-1, spins, n, orbitals)
        return jnp.einsum("si,Pspi,Psqi->spq", occupations, b, b)

    def _project(self, density: Float[Array, "basis basis"]) -> Float[Array, " auxiliary"]:
        return solve_triangular(self.factor, self.integrals @ pack(density), lower=True)
