r"""Alternatives to orthonormalization as a layer: a penalty, or a projection after each step.

With $G$ the Gram matrix of the orbitals themselves, whose energy $E$ is evaluated as they are:

- `penalty`: $E + \mu\sum_s\|G_s-1\|^2$ is minimized. $E$ alone need not be bounded below: it falls as orbitals grow, or
  all become the lowest one; the penalty bounds it, as it is quartic in the orbitals. At the minimum
  $G - 1 = -\Lambda/2\mu$ with $\Lambda = \partial E/\partial G$, about $n_i\epsilon_i$: norms are too large by
  $n|\epsilon|/2\mu$, the density follows, and the energy of the orthonormalized orbitals is too high by $O(\mu^{-2})$.
  Curvatures grow with $\mu$, so that learning rates must fall.
- `project`: orthonormal orbitals take a step along the gradient of $E$ and are orthonormalized again,
  $W \leftarrow (W - \eta g)M$. The gradient is not that of the layer: at the minimum $g = W\Lambda$ remains, along the
  orbitals. Plain gradient descent is not disturbed, since such a step leaves the span as it is; Adam, which divides
  each element by its own size, is.
- `riemannian`: the same with $g - WW^Tg$, the gradient on the Grassmann manifold, which vanishes at the minimum. It is
  the layer's own gradient at orthonormal orbitals: what is left of a difference is that the layer lets norms grow.

References:
    Edelman, Arias, Smith, SIAM J. Matrix Anal. Appl. 20, 303 (1998); Absil, Mahony, Sepulchre, Optimization Algorithms
    on Matrix Manifolds (2008), section 4.1, for retractions.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nnks.ansatz import GaussianAnsatz
from nnks.orbitals import AnyOrbitals, OrbitalModel
from nnks.orthogonalize import Orthogonalizer, orthonormalize
from nnks.types import Array, Float, Params, Scalar, record, static

CONSTRAINTS = {
    "reparameterize": "raw orbitals are orthonormalized by a layer that is differentiated",
    "penalty": "E + penalty * |G - 1|^2 of orbitals as they are",
    "project": "orbitals are orthonormalized after each step along the gradient of E",
    "riemannian": "the same along the gradient on the manifold of orthonormal orbitals",
}

COEFFICIENTS = "rotation"
"""The parameter of `lcgto`, which are its orbitals themselves where the guess is random."""


@record
class Constraint:
    """How orbitals that no layer orthonormalizes are kept orthonormal.

    Attributes:
        orthogonalizer: by which coefficients are replaced after a step.
        penalty: the factor of |G - 1|^2 [Ha].
        nocc: occupied orbitals of each spin channel.
        kind: a name in `CONSTRAINTS`, but the first.
    """

    orthogonalizer: Orthogonalizer
    penalty: Scalar
    nocc: tuple[int, ...] = static()
    kind: str = static(default="penalty")

    def objective(
        self, model: OrbitalModel, params: Params, x: AnyOrbitals, y: AnyOrbitals, energies: dict[str, Array]
    ) -> dict[str, Array]:
        """Energies [Ha] with the `penalty` among them, and in their `total`."""
        if self.kind != "penalty":
            return energies
        added = self.penalty * deviation(model, params, x, y)
        return energies | {"penalty": added, "total": energies["total"] + added}

    def slope(self, params: Params, gradient: Params) -> Params:
        """The gradient that vanishes at the minimum: without the part along the orbitals that a projection removes."""
        if self.kind == "penalty":
            return gradient
        w, g = params[COEFFICIENTS], gradient[COEFFICIENTS]
        return {COEFFICIENTS: g - w @ (jnp.swapaxes(w, 1, 2) @ g)}

    def followed(self, params: Params, gradient: Params) -> Params:
        """The gradient that an optimizer is given."""
        return self.slope(params, gradient) if self.kind == "riemannian" else gradient

    def retract(self, params: Params) -> Params:
        """The parameters of orthonormal orbitals of the same span; as they are, with a penalty."""
        if self.kind == "penalty":
            return params
        w = params[COEFFICIENTS]
        mix = orthonormalize(self.orthogonalizer, jnp.swapaxes(w, 1, 2), jnp.ones(w.shape[1], w.dtype), self.nocc)
        return {COEFFICIENTS: w @ mix}


def deviation(model: OrbitalModel, params: Params, x: AnyOrbitals, y: AnyOrbitals) -> Scalar:
    r"""$\sum_s\|G_s-1\|^2$ over occupied orbitals.

    From two batches $\mathrm{tr}\,(G_x-1)(G_y-1)$, which is unbiased.
    """
    occupied = (model.occupations > 0).astype(model.occupations.dtype)

    def off(overlap: Float[Array, "spin n n"]) -> Float[Array, "spin n n"]:
        present = occupied[:, :, None] * occupied[:, None, :]
        return present * overlap - jax.vmap(jnp.diag)(occupied)

    if model.gram == "analytic":
        assert isinstance(model.ansatz, GaussianAnsatz)
        w = model.ansatz.coordinates(params)
        return jnp.sum(off(jnp.swapaxes(w, 1, 2) @ w) ** 2)
    return jnp.sum(off(x.overlap()) * off(y.overlap()))
