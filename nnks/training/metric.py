r"""The metric of orthonormal orbitals: how far a change of parameters moves the occupied space, in an energy-like norm.

A parameter $a$ moves orbital $i$ by $\partial_a\psi_i$; what stays within the occupied space changes no energy and is
projected out. To second order, with the response of the potential neglected, the energy grows by
$\sum_i n_i\langle u_i|h-\epsilon_i|u_i\rangle$ with $u_i = (1-P)\,\delta\psi_i$, and near a nucleus and far into the
virtual space $h-\epsilon_i$ is close to $-\frac12\nabla^2 + \sigma_i$ with the orbital's own kinetic energy
$\sigma_i = T_i \approx -\epsilon_i$ (equal for one electron by the virial theorem). So the metric is

$$S_{ab} = 2\sum_i n_i\,\bigl\langle(1-P)\,\partial_a\psi_i
  \bigm|-\tfrac12\nabla^2+\sigma_i\bigm|(1-P)\,\partial_b\psi_i\bigr\rangle,$$

in which one shift for all orbitals would make the core's steps too long: for neon they differ by a factor of 50. With
`form="overlap"` it is the metric of overlaps alone, one Hartree times $2\sum_in_i\langle u_i|u_i\rangle$, which
stochastic reconfiguration steps in. The orbitals are those that diagonalize the kinetic energy in the occupied space,
so that $S$ depends on that space alone. Its integrals are estimated from a few hundred points.

References:
    Amari, Neural Comput. 10, 251 (1998); Müller, Zeinhofer, ICML 2023 (energy natural gradient).
    Teter, Payne, Allan, Phys. Rev. B 40, 12255 (1989) for the kinetic energy of an orbital as its scale.
    Sorella, Phys. Rev. B 64, 024512 (2001) for stochastic reconfiguration.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from nnks.ansatz import Ansatz
from nnks.orbitals import raw_orbitals
from nnks.orthogonalize import Cholesky, orthonormalize
from nnks.quadrature import Grid
from nnks.types import Array, Float, Params, PRNGKey, record, static

FORMS = ("energy", "overlap")

SMALLEST_SHIFT = 0.5
"""Lower bound of the shifts [Ha]: that of a hydrogen atom, the scale of valence electrons."""

BLOCK = 50
"""Points whose derivatives by all parameters are held at once."""


@record
class Tangents:
    r"""Orbitals at sampled points, and what turns changes of raw orbitals there into the metric.

    Attributes:
        ansatz: raw orbitals.
        points: the sample [Bohr].
        weights: of its estimates of integrals [Bohr³], positive.
        mix: from raw orbitals to orbitals that are orthonormal in the sample and diagonalize the kinetic energy.
        psi: values and gradients of those orbitals.
        scale: $2n_i$ times $(\sigma_i, \frac12, \frac12, \frac12)$, the form of a value and three slopes; of overlaps
            $2n_i(1, 0, 0, 0)$ [Ha].
    """

    ansatz: Ansatz
    points: Float[Array, "points 3"]
    weights: Float[Array, " points"]
    mix: Float[Array, "spin orbitals orbitals"]
    psi: Float[Array, "points spin orbitals 4"]
    scale: Float[Array, "spin orbitals 4"]
    nocc: tuple[int, ...] = static()

    def raw(self, params: Params, points: Float[Array, "some 3"]) -> Float[Array, "some spin orbitals 4"]:
        """Values and slopes of the mixed orbitals, with the mix as it is here."""
        return jnp.einsum("ksjd,sji->ksid", jet(self.ansatz, params, points), self.mix)


def jet(ansatz: Ansatz, params: Params, points: Float[Array, "points 3"]) -> Float[Array, "points spin orbitals 4"]:
    """Values and three slopes of the raw orbitals."""
    values, gradients = raw_orbitals(ansatz, params, points, 1)
    assert gradients is not None  # order 1 was asked for
    return jnp.moveaxis(jnp.concatenate([values[..., None], gradients], axis=-1), 2, 0)


def make_tangents(
    ansatz: Ansatz,
    params: Params,
    nocc: tuple[int, ...],
    occupations: Float[Array, "spin orbitals"],
    points: Float[Array, "points 3"],
    weights: Float[Array, " points"],
    form: str = "energy",
) -> Tangents:
    """The tangent space at some parameters, from a sample with positive weights, and the form that measures it."""
    raw = jet(ansatz, params, points)
    mix = orthonormalize(Cholesky(), jnp.moveaxis(raw[..., 0], 0, -1), weights, nocc)
    slopes = jnp.einsum("ksjd,sji->ksid", raw, mix)[..., 1:]
    kinetic = 0.5 * jnp.einsum("k,ksid,ksjd->sij", weights, slopes, slopes)
    # empty orbitals sort behind the occupied ones and stay zero
    empty = 1e6 * (occupations == 0)
    energies, vectors = jnp.linalg.eigh(kinetic + jax.vmap(jnp.diag)(empty))
    mix = jnp.einsum("sij,sjl->sil", mix, vectors)
    shift = jnp.maximum(jnp.where(occupations > 0, energies, 1.0), SMALLEST_SHIFT)
    value, slope = (shift, 0.5) if form == "energy" else (jnp.ones_like(shift), 0.0)
    scale = jnp.stack([value, *([jnp.full_like(shift, slope)] * 3)], axis=-1)
    psi = jnp.einsum("ksjd,sji->ksid", raw, mix)
    return Tangents(ansatz, points, weights, mix, psi, 2 * occupations[..., None] * scale, nocc)


def sampling(grid: Grid, density: Float[Array, " points"], power: float = 0.6) -> Float[Array, " points"]:
    r"""Cumulative probabilities $\propto |w|\rho^{0.6}$: between the core, where orbitals bend, and the tails."""
    share = jnp.abs(grid.weights) * jnp.maximum(density, 0.0) ** power
    return jnp.cumsum(share) / jnp.sum(share)


def draw(
    grid: Grid, cumulative: Float[Array, " points"], size: int, key: PRNGKey
) -> tuple[Float[Array, "size 3"], Float[Array, " size"]]:
    """A systematic sample: points and the weights [Bohr³] of its estimates; negative weights count as positive ones.

    Points are moved within their cells. On the grid itself the metric would not see what orbitals do between its
    points, and a flexible ansatz would be led all the faster to spikes there, which lower the quadrature's energy and
    mean nothing.
    """
    offset, move = jax.random.uniform(key, dtype=cumulative.dtype), jax.random.fold_in(key, 0)
    quantiles = (jnp.arange(size, dtype=cumulative.dtype) + offset) / size
    index = jnp.minimum(jnp.searchsorted(cumulative, quantiles), grid.size - 1)
    chance = jnp.diff(cumulative, prepend=0.0)[index]
    volume = jnp.abs(grid.weights[index])
    shift = jax.random.uniform(move, (size, 3), cumulative.dtype, -0.5, 0.5) * jnp.cbrt(volume)[:, None]
    return grid.points[index] + shift, volume / (size * chance)


def dense_metric(
    tangents: Tangents, flat: Float[Array, " parameters"], unravel: Callable[[Array], Params]
) -> Float[Array, "parameters parameters"]:
    r"""The matrix $S$ [Ha], summed over blocks of points.

    With $J$ the derivatives and $c = \langle\psi_j|J_{ia}\rangle$, $u = J - \psi c$, and
    $S = J^TAJ - d^Tc - c^Td + c^TAc$ with $d = \langle\psi_j|A|J_{ia}\rangle$: one pass, nothing stored but sums.
    """
    size, (_, spins, n, _) = flat.size, tangents.psi.shape
    blocks = -(-len(tangents.points) // BLOCK)

    def cut(x: Array) -> Array:  # the last block is filled up with points of weight zero
        pad = [(0, blocks * BLOCK - len(x)), *((0, 0) for _ in x.shape[1:])]
        mode = "edge" if x.ndim == 2 else "constant"
        return jnp.pad(x, pad, mode=mode).reshape(blocks, BLOCK, *x.shape[1:])

    def derivatives(r: Array) -> Array:
        return jax.jacrev(lambda x: tangents.raw(unravel(x), r[None])[0])(flat)

    def add(sums: tuple[Array, Array, Array], block: tuple[Array, Array, Array]) -> tuple[tuple, None]:
        square, energetic, plain = sums
        r, w, psi = block
        jacobian = jax.vmap(derivatives)(r)
        rows = (jnp.sqrt(w[:, None, None, None] * tangents.scale[None])[..., None] * jacobian).reshape(-1, size)
        square = square + rows.T @ rows
        energetic = energetic + jnp.einsum("k,sid,ksjd,ksida->sija", w, tangents.scale, psi, jacobian)
        plain = plain + jnp.einsum("k,ksj,ksia->sija", w, psi[..., 0], jacobian[..., 0, :])
        return (square, energetic, plain), None

    overlaps = jnp.zeros((spins, n, n, size), flat.dtype)
    zeros = jnp.zeros((size, size), flat.dtype), overlaps, overlaps
    data = cut(tangents.points), cut(tangents.weights), cut(tangents.psi)
    (square, energetic, plain), _ = jax.lax.scan(add, zeros, data)
    inner = jnp.einsum("k,sid,ksjd,ksld->sijl", tangents.weights, tangents.scale, tangents.psi, tangents.psi)
    cross = jnp.einsum("sija,sijb->ab", energetic, plain)
    return square - cross - cross.T + jnp.einsum("sija,sijl,silb->ab", plain, inner, plain)


def metric_product(
    tangents: Tangents, flat: Float[Array, " parameters"], unravel: Callable[[Array], Params]
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Two functions without the matrix: `S v`, and the pull-back of a change at the points by $(1-P)$ and $A^{1/2}$.

    The second gives `diag S` as the mean square of random rows, for a preconditioner.
    """
    _, push = jax.linearize(lambda x: tangents.raw(unravel(x), tangents.points), flat)
    transpose = jax.linear_transpose(push, flat)
    psi, w = tangents.psi, tangents.weights
    weight = w[:, None, None, None] * tangents.scale[None]

    def outside(t: Array) -> Array:
        inner = jnp.einsum("k,ksj,ksi->sij", w, psi[..., 0], t[..., 0])
        return t - jnp.einsum("ksjd,sij->ksid", psi, inner)

    def pull(y: Array) -> Array:  # the transpose of `outside`, then that of the derivatives
        inner = jnp.einsum("ksjd,ksid->sij", psi, y)
        value = y[..., 0] - jnp.einsum("k,ksj,sij->ksi", w, psi[..., 0], inner)
        (out,) = transpose(jnp.concatenate([value[..., None], y[..., 1:]], axis=-1))
        return out

    return lambda v: pull(weight * outside(push(v))), lambda z: pull(jnp.sqrt(weight) * z)
