"""Gaussian orbitals seen through a learned, invertible map of space that keeps their overlaps."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.ansatz.features import ACTIVATIONS, check_network
from nnks.basis.harmonics import safe_norm
from nnks.types import Array, Float, Params, Scalar

SMALLEST, LARGEST = 0.05, 6.0
"""The first distance at which slopes may change, in units of 1/Z, and the last [Bohr]."""

WIDTH = 0.8
"""Over what share of its distance a slope changes."""

TINY = 1e-8
"""Added to squared distances of which the inverse is needed [Bohr^2]: nuclei stay where they are to this share."""


def stretch(
    r: Float[Array, 3], center: Float[Array, 3], factor: Callable[[Array], Scalar]
) -> tuple[Float[Array, 3], Scalar]:
    r"""A star-shaped map and the root of its Jacobian's determinant.

    $F(r) = R + (r-R)\,h(r)$ keeps directions $u$ from $R$. In spherical coordinates it is
    $(d, u) \to (d\,h, u)$, so that $\det J_F = h^2\,\partial_d(d\,h)$ with
    $\partial_d(d\,h) = h + (r-R)\cdot\nabla h$.
    """
    h, slope = jax.jvp(factor, (r,), (r - center,))
    return center + (r - center) * h, h * jnp.sqrt(h + slope)


def mean_step(d: Scalar, scales: Float[Array, " scales"]) -> Float[Array, " scales"]:
    r"""$t_k = \frac1d\int_0^d q_k$: means over a ray of smooth steps from $q_k(0)=0$ to 1, around the distances $s_k$.

    $$q_k(x) = \frac{g(x/s_k)-g(0)}{1-g(0)}, \qquad g(y) = \frac12 + \frac{y-1}{2\sqrt{(y-1)^2+w^2}}$$

    A step in $x/s_k$ falls with $s_k$ everywhere, so that differences of consecutive ones are positive. It starts
    linearly in $d$: through it the map has its kink at the nucleus.
    """
    root, first = jnp.sqrt((d - scales) ** 2 + (WIDTH * scales) ** 2), (1 + WIDTH**2) ** 0.5
    before = 0.5 * (1 - 1 / first)
    return (0.5 * (1 + (d - 2 * scales) / (root + first * scales)) - before) / (1 - before)


def room(r: Float[Array, 3], others: Float[Array, "atoms 3"], reach: Float[Array, " atoms"]) -> Scalar:
    r"""$m = 1/(1+\sum_b \ell^2/|r-R_b|^2)$: zero at other nuclei, one far from them; $|\nabla m| \le (1-m)/\ell$."""
    square = jnp.sum((r[None, :] - others) ** 2, axis=-1) + TINY
    return 1 / (1 + jnp.sum(reach**2 / square))


@ANSATZE.register("local_scaling")
class LocalScaling(nn.Module):
    r"""Gaussian orbitals after a learned change of coordinates, the neural local scaling of D4FT.

    $$\phi_i(r) = \sum_\mu |\det J_f(r)|^{1/2}\,\chi_\mu(f(r))\,C_{\mu i}, \qquad f = F_N\circ\dots\circ F_1$$

    Substituting $r' = f(r)$ shows that the transformed functions have the overlap matrix of the Gaussian ones, for
    any invertible $f$. Each atom contributes one map, which moves points along the rays from its nucleus:

    $$F_a(r) = R_a + (r-R_a)\,(1 + m_a\beta_a), \qquad
      d\,(1+\beta_a) = \int_0^d \sum_{k=0}^K e^{\theta_k(u)}\,p_k(x)\,dx, \qquad d = |r-R_a|$$

    The $p_k \ge 0$ add up to one, so the integrand, the slope of the radial map, is positive whatever the
    parameters: they are differences $q_k-q_{k+1}$ of smooth steps at $K$ distances $s_k$ from $0.05/Z_a$ to 6 Bohr,
    $q_0=1$, $q_{K+1}=0$, with integrals in closed form (`mean_step`). The innermost $\theta_0$ is a number; the others
    depend on the direction $u$ through an MLP. All start at $\theta=0$, where $f(r)=r$. The map is linear in $d$, not
    $d^2$, at its nucleus, which gives orbitals their cusps.

    In a molecule the displacement $b = d\beta_a$ is bounded by $\ell$, half the distance to the nearest other nucleus
    ($b \to b/\sqrt{1+b^2/\ell^2}$, which keeps slopes positive), and fades at other nuclei by
    $m_a = 1/(1+\sum_b\ell^2/|r-R_b|^2)$: they stay where they are. Along a ray the slope is
    $(1-m) + m\,\partial_d(d+b) + b\,\partial_d m \ge (1-m)(1-|b|/\ell) + m\,\partial_d(d+b) > 0$: every $F_a$ is
    invertible.

    Attributes:
        guess: where the Gaussian orbitals come from: `scf` (converged), `minao`, or `core`.
        scales: distances $K$ at which the slope of the radial map may change, for each atom.
        angular: whether slopes depend on the direction; otherwise every map is spherical.
        width: hidden units of each layer of the network of directions.
        depth: number of its hidden layers.
        activation: `tanh`, `silu`, `gelu`, `softplus` or `sin`.
        shared: one map for both spins, instead of one each (unrestricted).
    """

    guess: str = "scf"
    scales: int = 12
    angular: bool = True
    width: int = 9
    depth: int = 2
    activation: str = "tanh"
    shared: bool = False

    def __post_init__(self) -> None:
        """Refuses settings that no network can have, before anything is compiled."""
        check_network(self.activation, width=self.width, depth=self.depth, scales=self.scales)
        super().__post_init__()

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        shape, dtype = start.coordinates.shape, start.frame.dtype
        rotation = self.param("rotation", nn.initializers.zeros, shape, dtype)
        coefficients = start.frame @ (start.coordinates + start.scale * rotation)
        maps = self._parameters(1 if self.shared else shape[0], start)
        image, amplitude = jax.vmap(lambda parameters: self.transform(parameters, r, start))(maps)
        functions = amplitude[:, None] * jax.vmap(start.basis)(image)
        return jnp.einsum("sb,sbi->si", jnp.broadcast_to(functions, coefficients.shape[:2]), coefficients)

    def transform(self, parameters: Params, r: Float[Array, 3], start: Start) -> tuple[Float[Array, 3], Scalar]:
        r"""The image $f(r)$ [Bohr] and $|\det J_f(r)|^{1/2}$; parameters of one map, their first axis atoms."""
        centers, charges = start.basis.centers, start.charges
        steps = jnp.linspace(0.0, 1.0, self.scales, dtype=r.dtype)
        scales = SMALLEST / charges[:, None] * (LARGEST / SMALLEST * charges[:, None]) ** steps[None, :]
        apart = jnp.sqrt(jnp.sum((centers[:, None] - centers[None, :]) ** 2, axis=-1))
        apart = jnp.where(jnp.eye(len(centers), dtype=bool), jnp.inf, apart)
        reach = 0.5 * jnp.min(apart, axis=1)
        # a nucleus leaves no room to others, but does to itself
        reaches = jnp.where(jnp.isfinite(apart), reach[:, None], 0.0)

        def step(carry: tuple[Array, Array], atom: tuple) -> tuple[tuple[Array, Array], None]:
            at, amplitude = carry
            center, scale, reach, reaches, own = atom

            def factor(x: Array) -> Scalar:
                beta = self._radial(own, x - center, scale)
                if len(centers) == 1:
                    return 1 + beta
                bound = safe_norm(x - center) * beta / reach
                return 1 + room(x, centers, reaches) * beta / jnp.sqrt(1 + bound**2)

            image, root = stretch(at, center, factor)
            return (image, amplitude * root), None

        atoms = (centers, scales, reach, reaches, parameters)
        return jax.lax.scan(step, (r, jnp.ones((), r.dtype)), atoms)[0]

    def _radial(self, own: Params, x: Float[Array, 3], scales: Float[Array, " scales"]) -> Scalar:
        r"""$\beta$: relative displacement by the radial map, before it is bounded."""
        d = safe_norm(x)
        t = mean_step(d, scales)
        one = jnp.ones(1, t.dtype)
        shares = jnp.concatenate([one, t]) - jnp.concatenate([t, 0 * one])
        theta = own["theta"]
        if self.angular:
            h = x / jnp.where(d > 0, d, 1.0)
            for n in range(self.depth):
                h = ACTIVATIONS[self.activation](h @ own[f"kernel_{n}"] + own[f"bias_{n}"])
            theta = theta + jnp.concatenate([0 * one, h @ own[f"kernel_{self.depth}"]])
        return jnp.sum(jnp.expm1(theta) * shares)

    def _parameters(self, maps: int, start: Start) -> Params:
        """Slopes and networks of all maps and atoms."""
        lead, dtype = (maps, len(start.charges)), start.frame.dtype
        zeros, kernel = nn.initializers.zeros, nn.initializers.lecun_normal(batch_axis=(0, 1))
        made = {"theta": self.param("theta", zeros, (*lead, self.scales + 1), dtype)}
        if not self.angular:
            return made
        sizes = (3, *[self.width] * self.depth, self.scales)
        for n, (before, after) in enumerate(itertools.pairwise(sizes)):
            last = n == self.depth
            made[f"kernel_{n}"] = self.param(f"kernel_{n}", zeros if last else kernel, (*lead, before, after), dtype)
            if not last:  # different thresholds: an odd network of directions has no even parts to begin with
                bias = nn.initializers.normal(0.5)
                made[f"bias_{n}"] = self.param(f"bias_{n}", bias, (*lead, after), dtype)
        return made
