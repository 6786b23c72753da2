"""The Coulomb operator by four-center integrals: exact in a Gaussian basis."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.basis.integrals import pack, unpack
from nnks.coulomb.base import ChargeInBasis, InBasis, pair_index
from nnks.types import Array, Float, Scalar, record


@record
class ExactCoulomb(InBasis):
    r"""$\frac12\sum_{pqrs}X_{pq}\,(pq|rs)\,Y_{rs}$ over pairs $p\ge q$, $r\ge s$; memory grows as basis^4."""

    integrals: Float[Array, "pairs pairs"]

    def energy(self, x: ChargeInBasis, y: ChargeInBasis) -> Scalar:
        """Half of the interaction [Ha]."""
        left = pack(x.symmetric)
        return 0.5 * jnp.dot(left, self.integrals @ (left if y is x else pack(y.symmetric)))

    def interactions(self, densities: Float[Array, "n basis basis"]) -> Float[Array, "n n"]:
        """Of many symmetric density matrices with each other [Ha], in one pass over the integrals."""
        d = jax.vmap(pack)(densities)
        return d @ (self.integrals @ d.T)

    def coulomb(self, density: Float[Array, "basis basis"]) -> Float[Array, "basis basis"]:
        r"""$J_{pq} = \sum_{rs}(pq|rs)\,D_{rs}$ [Ha]."""
        return unpack(self.integrals @ pack(ChargeInBasis(density).symmetric), len(density))

    def exchange(
        self, coefficients: Float[Array, "spin basis orbitals"], occupations: Float[Array, "spin orbitals"]
    ) -> Float[Array, "spin basis basis"]:
        r"""$K^s_{pq} = \sum_{rt}(pr|tq)\,D^s_{rt}$ [Ha], a row at a time: $n^3$ integrals are unpacked at once."""
        density = jnp.einsum("si,sri,sti->srt", occupations, coefficients, coefficients)
        pairs = jnp.asarray(pair_index(density.shape[1]))

        def row(own: Array) -> Array:
            return jnp.einsum("rtq,srt->sq", self.integrals[own][:, pairs], density)

        return jnp.moveaxis(jax.lax.map(row, pairs), 0, 1)
