r"""Potentials of fitting functions at any points, evaluated at every use: memory grows with points plus functions.

A fitting function $R_s(r)\,S_{lm}(r)$ on atom $a$ has the potential $h_s(r)\,S_{lm}(r)$ with

$$h_s(r) = \frac{4\pi}{2l+1}\Bigl[\frac{1}{r^{2l+1}}\int_0^r R_s(x)\,x^{2l+2}\,dx + \int_r^\infty R_s(x)\,x\,dx\Bigr].$$

$h_s$ is tabulated once for each kind of atom, as $h_s\,(1+r^2)^{l+1/2}$, which is smooth and bounded, in the variable
$u = r/\sqrt{1+r^2}$. Far from an atom $h_s$ is that of a multipole, $c/r^{2l+1}$, and no table is looked up.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis import gaussian
from nnks.basis.harmonics import solid_harmonics
from nnks.types import Array, Float, Int, record, static

INTERVALS = 2000
"""Of the table in $u$; cubic polynomials between its nodes leave 1e-10 of the potential (measured: carbon's fitting
set)."""

PENETRATION = 1e-10
"""Share of a potential that may be missing where a function counts as its multipole."""

WIDE = 0.55
"""Share of an atom's longest reach beyond which a function counts as one of its widest (carbon: 5 of 15, 6 to 12
Bohr)."""

BLOCK, ACCELERATOR_BLOCK = 1024, 32768
"""Points that go through together: few enough to be compact, or enough to outlast what starting a step of a loop costs
an accelerator."""


@record
class FittingPotentials:
    """The fitting functions as shells of atoms.

    Attributes:
        centers: the nuclei [Bohr].
        kind: which of the tables each atom uses.
        splines: coefficients of cubic polynomials of every radial function; one kind's shells are filled up with zero.
        multipoles: the limits of the radial functions.
        wide: the splines of the widest functions of each degree, which come first.
        reach: distances from an atom beyond which the limits hold for all others, and for these as well [Bohr].
        functions: for each degree, the places of an atom's functions in the fitting set; its size where filled up.
        counts: of the widest functions, by degree.
        size: of the fitting set.
    """

    centers: Float[Array, "atoms 3"]
    kind: Int[Array, " atoms"]
    splines: Float[Array, "kinds intervals 4 shells"]
    wide: Float[Array, "kinds intervals 4 widest"]
    multipoles: Float[Array, "kinds shells"]
    reach: Float[Array, "kinds 2"]
    functions: tuple[Int[Array, "atoms _ _"], ...]
    counts: tuple[int, ...] = static()
    size: int = static()

    def potential(
        self, amounts: Float[Array, " auxiliary"], points: Float[Array, "blocks block 3"]
    ) -> Float[Array, "blocks block"]:
        """The potential [Ha] of amounts of the fitting functions."""
        padded = jnp.append(amounts, 0.0)
        own = tuple(padded[f] for f in self.functions)

        def block(r: Array) -> Array:
            def add(total: Array, atom: Any) -> tuple[Array, None]:
                center, kind, c = atom

                def act(radial: list[list[Array]], angular: list[list[Array]]) -> Array:
                    whole = [sum(x @ a for x, a in _cut(parts, own)) for parts, own in zip(radial, c, strict=True)]
                    # a sum of products, so that one loop over the points takes all of them
                    return sum(
                        x[:, m] * y  # pyright: ignore
                        for x, ys in zip(whole, angular, strict=True)
                        for m, y in enumerate(ys)
                    )

                return total + self._at(r, center, kind, act), None

            return jax.lax.scan(add, jnp.zeros(len(r), r.dtype), (self.centers, self.kind, own))[0]

        return jax.lax.map(block, points)

    def projection(
        self, charges: Float[Array, "blocks block"], points: Float[Array, "blocks block 3"]
    ) -> Float[Array, " auxiliary"]:
        r"""$d_P = \sum_k q_k V_P(r_k)$ [Ha] of charges at the points: the transpose of `potential`."""

        def block(total: tuple[Array, ...], part: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
            r, q = part

            def atom(_: None, where: Any) -> tuple[None, tuple[Array, ...]]:
                def act(radial: list[list[Array]], angular: list[list[Array]]) -> tuple[Array, ...]:
                    def project(x: Array, ys: list[Array]) -> Array:
                        if len(x) == 1:  # the same at every point: the charges' moments are enough
                            return jnp.outer(x[0], jnp.stack(ys) @ q)
                        return x.T @ (q[:, None] * jnp.stack(ys, axis=-1))

                    pairs = zip(radial, angular, strict=True)
                    return tuple(jnp.concatenate([project(x, ys) for x in parts]) for parts, ys in pairs)

                return None, self._at(r, where[0], where[1], act)

            projected = jax.lax.scan(atom, None, (self.centers, self.kind))[1]
            return tuple(map(jnp.add, total, projected)), None

        start = tuple(jnp.zeros(f.shape, charges.dtype) for f in self.functions)
        projected = jax.lax.scan(block, start, (points, charges))[0]
        d = jnp.zeros(self.size + 1, charges.dtype)
        for f, x in zip(self.functions, projected, strict=True):
            d = d.at[f].add(x)
        return d[:-1]

    def _at(self, r: Float[Array, "block 3"], center: Array, kind: Array, act: Callable[..., Any]) -> Any:
        """What `act` makes of an atom's radial and angular functions of each degree at points near or far from it."""
        d = r - center[None, :]
        square = jnp.sum(d * d, axis=-1)
        cuts = np.cumsum([f.shape[1] for f in self.functions])[:-1].tolist()

        def angular(length: Array) -> list[list[Array]]:
            unit, inverse = d / length[:, None], 1 / length
            harmonics = [solid_harmonics(l, unit) for l in range(len(self.functions))]
            return [[y[:, m] * inverse ** (l + 1) for m in range(2 * l + 1)] for l, y in enumerate(harmonics)]

        limits = jnp.split(self.multipoles[kind][None, :], cuts, axis=1)

        def near() -> Any:
            radial = jnp.split(_polynomials(self.splines[kind], square), cuts, axis=1)
            return act([[x] for x in radial], angular(jnp.sqrt(1 + square)))

        def middle() -> Any:
            wide = jnp.split(_polynomials(self.wide[kind], square), np.cumsum(self.counts)[:-1].tolist(), axis=1)
            shrink = jnp.sqrt(square / (1 + square))[:, None]  # from what tables hold to a multipole
            radial = zip(wide, limits, self.counts, strict=True)
            parts = [[x * shrink ** (2 * l + 1), limit[:, n:]] for l, (x, limit, n) in enumerate(radial)]
            return act(parts, angular(jnp.sqrt(square)))

        def far() -> Any:
            return act([[x] for x in limits], angular(jnp.sqrt(square)))

        return jax.lax.switch(jnp.sum(jnp.min(square) > self.reach[kind] ** 2), [near, middle, far])


def _cut(parts: list[Array], amounts: Float[Array, "shells m"]) -> Iterator[tuple[Array, Array]]:
    """Parts of an atom's radial functions of one degree, with their amounts."""
    ends = np.cumsum([x.shape[1] for x in parts])[:-1].tolist()
    return zip(parts, jnp.split(amounts, ends), strict=True)


def _polynomials(splines: Float[Array, "intervals 4 shells"], square: Float[Array, " points"]) -> Array:
    """Tabulated radial functions at squared distances."""
    u = jnp.sqrt(square) / jnp.sqrt(1 + square) * INTERVALS
    i = jnp.minimum(u.astype(jnp.int32), INTERVALS - 1)
    t, c = (u - i)[:, None], splines[i]
    return ((c[:, 0] * t + c[:, 1]) * t + c[:, 2]) * t + c[:, 3]


def fitting_potentials(basis: gaussian.GaussianBasis) -> FittingPotentials:
    """Tables of the potentials of a fitting set."""
    groups = [jax.tree.map(np.asarray, g) for g in basis.groups]
    position = np.argsort(np.asarray(basis.order))
    atoms, degrees = len(basis.centers), range(max(g.degree for g in groups) + 1)
    shells: list[list[list[tuple[tuple, np.ndarray]]]] = [[[] for _ in degrees] for _ in range(atoms)]
    offset = 0
    for g in groups:
        coefficients, width = np.asarray(g.normalized()), 2 * g.degree + 1
        for s, atom in enumerate(g.atom):
            for c in range(coefficients.shape[2]):
                key = g.degree, tuple(g.exponents[s]), tuple(coefficients[s, :, c])
                shells[atom][g.degree].append((key, position[offset : offset + width]))
                offset += width
    for own in shells:
        for l in degrees:
            own[l].sort(key=lambda shell: -_table(*shell[0])[2])  # the widest first
    sizes = [max(len(own[l]) for own in shells) for l in degrees]
    functions = [np.full((atoms, n, 2 * l + 1), basis.size) for l, n in zip(degrees, sizes, strict=True)]
    kinds: dict[tuple, int] = {}
    kind = np.empty(atoms, np.int32)
    for a, own in enumerate(shells):
        kind[a] = kinds.setdefault(tuple(tuple(key for key, _ in own[l]) for l in degrees), len(kinds))
        for l in degrees:
            for n, (_, columns) in enumerate(own[l]):
                functions[l][a, n] = columns
    splines, multipoles = np.zeros((len(kinds), INTERVALS, 4, sum(sizes))), np.zeros((len(kinds), sum(sizes)))
    ends = np.zeros((len(kinds), sum(sizes)))
    for k, own in enumerate(kinds):
        for l in degrees:
            for n, key in enumerate(own[l]):
                column = sum(sizes[:l]) + n
                splines[k, :, :, column], multipoles[k, column], ends[k, column] = _table(*key)
    # of any kind: columns are those of all
    widest = np.max(ends > WIDE * ends.max(axis=1, keepdims=True), axis=0)
    counts = [int(widest[sum(sizes[:l]) : sum(sizes[: l + 1])].sum()) for l in degrees]
    reach = np.stack([np.where(widest, 0.0, ends).max(axis=1), ends.max(axis=1)], axis=1)
    return FittingPotentials(
        basis.centers,
        jnp.asarray(kind),
        jnp.asarray(splines),
        jnp.asarray(splines[..., widest]),
        jnp.asarray(multipoles),
        jnp.asarray(reach),
        tuple(map(jnp.asarray, functions)),
        tuple(counts),
        basis.size,
    )


def block_size() -> int:
    """Points that go through together where arrays lie."""
    return BLOCK if jax.default_backend() == "cpu" else ACCELERATOR_BLOCK


@functools.lru_cache(maxsize=256)
def _table(l: int, exponents: tuple, coefficients: tuple) -> tuple[np.ndarray, float, float]:
    """The polynomials of a radial function [intervals 4], its limit, and the distance from which that holds."""
    from scipy.interpolate import CubicSpline  # takes time, which other operators need not wait for
    from scipy.special import gammainc, gammaln

    u = np.arange(INTERVALS) / INTERVALS
    r = np.maximum(u / np.sqrt(1 - u**2), 1e-4)
    inner, outer, limit = np.zeros_like(r), np.zeros_like(r), 0.0
    for a, c in zip(exponents, coefficients, strict=True):
        whole = c * np.exp(gammaln(l + 1.5)) / (2 * a ** (l + 1.5))
        inner += whole * gammainc(l + 1.5, a * r**2)
        outer += c * np.exp(-a * r**2) / (2 * a)
        limit += 4 * np.pi / (2 * l + 1) * whole
    scaled = 4 * np.pi / (2 * l + 1) * (inner / r ** (2 * l + 1) + outer) * (1 + r**2) ** (l + 0.5)
    values = np.append(scaled, limit)
    # what the multipole misses at r, without the growth of the factor
    missing = np.abs(scaled - limit * (1 + 1 / r**2) ** (l + 0.5)) > PENETRATION * np.abs(values).max()
    far = r[min(int(np.flatnonzero(missing).max()) + 1, INTERVALS - 1)]
    spline = CubicSpline(np.arange(INTERVALS + 1), values)
    return np.moveaxis(spline.c, 0, 1), limit, float(far)
