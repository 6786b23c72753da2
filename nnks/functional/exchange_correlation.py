r"""Exchange and correlation, $E_{xc} = \int e_{xc}(\rho,\sigma,\tau)$."""

from __future__ import annotations

import jax.numpy as jnp

from nnks.functional.xc.base import XCFunctional
from nnks.orbitals import Density, HasDensity
from nnks.types import Array, Float, Scalar, record, static


@record
class ExchangeCorrelation:
    r"""$E_{xc} = \sum_k w_k\,e_{xc}(\rho(r_k), \sigma(r_k), \tau(r_k))$."""

    xc: XCFunctional
    name: str = static(default="xc")
    order: int = static(default=1)

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha], linear in the weights."""
        return self.of_density(x.density(), x.quadrature.weights)

    def of_density(self, density: Density, weights: Float[Array, " points"]) -> Scalar:
        """Energy [Ha] of densities at points with weights."""
        if self.xc.family == "LDA":
            values = self.xc(density.rho, None, None)
        else:
            values = self.xc(density.rho, density.sigma, density.tau if self.xc.family == "MGGA" else None)
        return jnp.dot(weights.astype(jnp.float64), values.astype(jnp.float64)).astype(values.dtype)
