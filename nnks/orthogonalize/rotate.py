r"""Orbitals that are orthonormal by construction: rotations of a reference, for a fixed Gaussian basis.

In an orthonormal frame of the basis let $W_0$ be orthonormal reference orbitals, $W$ the raw ones and
$Z = (1 - W_0W_0^T)(W - W_0)$ their change toward empty orbitals. The antisymmetric generator $A = ZW_0^T - W_0Z^T$ has
a rotation,

$$e^A W_0 = W_0\cos\!\sqrt S + Z\,\frac{\sin\!\sqrt S}{\sqrt S}, \qquad
  (1-\tfrac12A)^{-1}(1+\tfrac12A)\,W_0 = W_0\,(2T - 1) + ZT,\quad T = (1+\tfrac14S)^{-1},$$

with $S = Z^TZ$: matrices of the size of the occupied space alone appear, and neither a square root nor a singular
value, since both functions of $\sqrt S$ are entire functions of $S$. No Gram matrix is inverted, so that nothing is
lost for nearly dependent orbitals.

These orbitals span another space than $W$: a raw change by an angle's tangent in `qr` turns by the angle itself
(`exponential`), or by twice the arctangent of its half (`cayley`). To first order in $Z$ all agree. A mix of raw
orbitals cannot express this, so a rotation is applied where the ansatz's parameters become orbitals (`RotatedAnsatz`),
and its mix is the identity.

References:
    Edelman, Arias, Smith, SIAM J. Matrix Anal. Appl. 20, 303 (1998) for both on the Grassmann manifold;
    Wen, Yin, Math. Program. 142, 397 (2013) for Cayley's; Helgaker, Jorgensen, Olsen, Molecular Electronic-Structure
    Theory (2000), section 3.1, for the exponential.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve

from nnks.orthogonalize.base import ORTHOGONALIZERS
from nnks.types import Array, Float, record, static

DOUBLINGS = 8
"""Of an angle, from one that the series is exact for: it is exact to rounding for angles up to 256 rad."""

TERMS = 10
"""Of each series: at an angle of 1 rad the first left out is 1/21! = 2e-20 and 1/22!."""


@runtime_checkable
class Rotation(Protocol):
    """A reference and raw orbitals of one spin channel in, orthonormal orbitals out."""

    def rotate(
        self, reference: Float[Array, "n orbitals"], raw: Float[Array, "n orbitals"]
    ) -> Float[Array, "n orbitals"]:
        """Orthonormal orbitals; zero columns of the reference, which are empty orbitals, stay zero."""
        ...


class _MixesNothing:
    """The mix of orbitals that are orthonormal before a layer sees them."""

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The identity."""
        return jnp.eye(len(values), dtype=values.dtype)


@ORTHOGONALIZERS.register("cayley")
@record
class Cayley(_MixesNothing):
    r"""Cayley's map $(1-A/2)^{-1}(1+A/2)$ of an antisymmetric generator, for `lcgto`: one $k\times k$ solution.

    An angle of $\pi$ is out of reach, at infinity; occupied orbitals never need more than $\pi/2$.
    """

    positive: bool = static(default=False)

    def rotate(
        self, reference: Float[Array, "n orbitals"], raw: Float[Array, "n orbitals"]
    ) -> Float[Array, "n orbitals"]:
        r"""$W_0(2T - 1) + ZT$."""
        w, z, s = _generator(reference, raw)
        identity = jnp.eye(len(s))
        t = cho_solve(cho_factor(identity + 0.25 * s), identity)
        return (w @ (2 * t - identity) + z @ t).astype(raw.dtype)


@ORTHOGONALIZERS.register("exponential")
@record
class Exponential(_MixesNothing):
    r"""The exponential $e^A$ of an antisymmetric generator, for `lcgto`: a series and doublings, $k\times k$ products.

    Coordinates are angles: a geodesic of the Grassmann manifold is a straight line from the reference.
    """

    positive: bool = static(default=False)

    def rotate(
        self, reference: Float[Array, "n orbitals"], raw: Float[Array, "n orbitals"]
    ) -> Float[Array, "n orbitals"]:
        r"""$W_0\cos\sqrt S + Z\sin\sqrt S/\sqrt S$."""
        w, z, s = _generator(reference, raw)
        versine, sinc = trigonometric(s)
        return (w - w @ versine + z @ sinc).astype(raw.dtype)


def trigonometric(s: Float[Array, "k k"]) -> tuple[Float[Array, "k k"], Float[Array, "k k"]]:
    r"""$1-\cos\sqrt S$ and $\sin\sqrt S/\sqrt S$ of a positive semidefinite matrix, by products.

    Series at $S/4^m$, then $m$ times $\theta\to2\theta$. The versine $v = 1-\cos\theta$ becomes $2v(2-v)$ without loss
    of digits, where doubling a cosine near one would lose two bits a time.
    """
    identity = jnp.eye(len(s), dtype=s.dtype)
    scaled = s / 4.0**DOUBLINGS
    versine = sinc = identity
    for n in range(TERMS, 0, -1):  # Horner: 1 - x/((2n+1)(2n+2)) (...), and 1 - x/(2n (2n+1)) (...)
        versine = identity - scaled @ versine / ((2 * n + 1) * (2 * n + 2))
        sinc = identity - scaled @ sinc / (2 * n * (2 * n + 1))
    versine = 0.5 * scaled @ versine
    for _ in range(DOUBLINGS):
        sinc = sinc - sinc @ versine
        versine = 4 * versine - 2 * versine @ versine
    return versine, sinc


def _generator(
    reference: Float[Array, "n orbitals"], raw: Float[Array, "n orbitals"]
) -> tuple[Float[Array, "n orbitals"], Float[Array, "n orbitals"], Float[Array, "orbitals orbitals"]]:
    """Reference, change toward empty orbitals and its Gram matrix, in float64 as in `orthonormalize`."""
    w, x = reference.astype(jnp.float64), raw.astype(jnp.float64)
    present = (jnp.sum(w**2, axis=0) > 0.5).astype(w.dtype)  # empty orbitals change nothing
    z = (x - w) * present[None, :]
    z = z - w @ (w.T @ z)
    s = z.T @ z
    return w, z, 0.5 * (s + s.T)
