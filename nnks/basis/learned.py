r"""Functions on atoms, deformed by their surroundings: a basis that is learned once for many molecules.

A function of atom $a$ of element $Z$ is, with $d = r - R_a$,

$$S_{lm}(d)\,\Bigl[R_{Zk}(|d|) + \sum_e c_{Zke}(|d|, q_a(r))\,e^{-\zeta_{Ze}|d|}\Bigr].$$

$R_{Zk}$ is a radial function of the free atom, or a sum of exponentials. The coefficients $c$ are the bounded outputs
of a network of the element, which sees the distance and the surroundings at the point, by features $q_a(r)$ that no
rotation, translation or permutation of atoms changes:

- sums over all other atoms $b$ of $w_b e^{-\alpha_j|r-R_b|}$: what is near the point;
- sums of $v_b e^{-\alpha_j|R_b-R_a|/2}\,\hat R_{ab}\cdot d/\sqrt{1+d^2}$: on which side of the atom the point is;
- sums of $v_b e^{-\alpha_j|R_b-R_a|/2}$: what is near the atom.

All of them vanish as other atoms go away, so that energies of molecules far apart add up. The undeformed $1s$ of the
free atom is in every set of a heavy element.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.base import Shells
from nnks.basis.harmonics import solid_harmonics
from nnks.types import Array, Float, Int, Params, record, static

BOUND = 3.0
"""Of a deformation's coefficients."""

NEGLIGIBLE = 1e-8
"""Values of functions below this [Bohr^-3/2] are left out."""

REACH = np.geomspace(0.1, 100.0, 600)
"""Distances at which a shell's reach is looked for [Bohr]."""

DECAYS = np.geomspace(0.4, 3.2, 5)
r"""$\alpha_j$ of the surroundings' features [1/Bohr]."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The functions of one element.

    Attributes:
        symbol: of the element.
        charge: of its nucleus.
        atomic: radial functions of the free atom of each degree, from $l = 0$.
        own: degrees of radial functions that are sums of exponentials.
        fixed: how many of the free atom's s functions are not deformed.
    """

    symbol: str
    charge: int
    atomic: tuple[int, ...]
    own: tuple[int, ...]
    fixed: int = 0

    @property
    def degrees(self) -> tuple[int, ...]:
        """Of all radial functions: the free atom's by degree, then the others."""
        return tuple(l for l, count in enumerate(self.atomic) for _ in range(count)) + self.own

    @property
    def size(self) -> int:
        """Functions of one atom."""
        return sum(2 * l + 1 for l in self.degrees)


@record
class LearnedSet:
    """A basis of some elements, for any molecule of them.

    Attributes:
        params: what is trained, by symbol.
        atoms: radial functions of free atoms, by symbol: lists by degree of `exponents` and of `coefficients`, whose
            rows are functions and whose columns are Gaussians.
        layouts: the functions of each element.
    """

    params: dict[str, Params]
    atoms: dict[str, Params]
    layouts: tuple[Layout, ...] = static()

    def of(self, symbols: tuple[str, ...], centers: Float[Array, "atoms 3"]) -> LearnedBasis:
        """The basis of a molecule.

        Raises:
            KeyError: for an element that the set lacks.
        """
        return LearnedBasis(centers, self, symbols)


@record
class LearnedBasis:
    """The functions of a learned set on the atoms of a molecule: element by element, atom by atom."""

    centers: Float[Array, "atoms 3"]
    learned: LearnedSet
    symbols: tuple[str, ...] = static()

    @property
    def groups(self) -> tuple[tuple[Layout, np.ndarray], ...]:
        """The elements that are there, with their atoms."""
        symbols = np.array(self.symbols)
        there = [(layout, np.flatnonzero(symbols == layout.symbol)) for layout in self.learned.layouts]
        return tuple((layout, atoms) for layout, atoms in there if len(atoms))

    @property
    def size(self) -> int:
        """Number of functions."""
        return sum(layout.size * len(atoms) for layout, atoms in self.groups)

    @property
    def shell_counts(self) -> tuple[int, ...]:
        """Atoms of each element."""
        return tuple(len(atoms) for _, atoms in self.groups)

    @property
    def degrees(self) -> tuple[int, ...]:
        """Of the blocks of $2l+1$ functions, in order."""
        return tuple(l for layout, atoms in self.groups for _ in atoms for l in layout.degrees)

    @property
    def order(self) -> Int[np.ndarray, " basis"]:
        """The functions are evaluated in their order."""
        return np.arange(self.size)

    def shells(self) -> tuple[Shells, ...]:
        """The functions of every atom, in groups of one element each."""
        shells, offset = [], 0
        for layout, atoms in self.groups:
            functions = offset + np.arange(len(atoms) * layout.size).reshape(len(atoms), layout.size)
            shells.append(Shells(atoms, np.full(len(atoms), self._reach(layout)), functions))
            offset += functions.size
        return tuple(shells)

    def __call__(self, r: Float[Array, 3]) -> Float[Array, " basis"]:
        """All functions at one point [Bohr^-3/2]."""
        return self.at(r[None], 0)[0][0]

    def at(
        self, points: Float[Array, "points 3"], order: int
    ) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"] | None]:
        """All functions at many points, and their gradients if `order` is 1."""
        return self.columns(points, tuple(jnp.arange(len(atoms)) for _, atoms in self.groups), order)

    def columns(
        self, points: Float[Array, "points 3"], shells: tuple[Int[Array, " _"], ...], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        """Functions of some atoms of each element at many points, and their gradients if `order` is 1."""

        def values(r: Array) -> Array:
            return self._values(r, shells)

        if not order:
            return values(points), None
        here, along = jax.linearize(values, points)
        units = jnp.broadcast_to(jnp.eye(3, dtype=points.dtype)[:, None], (3, *points.shape))
        return here, jax.vmap(along)(units)

    def _values(self, points: Array, shells: tuple[Array, ...]) -> Float[Array, "points columns"]:
        near = self._near_points(points)
        around, side = self._near_atoms()
        columns = []
        for (layout, atoms), chosen in zip(self.groups, shells, strict=True):
            own = jnp.asarray(atoms)[chosen]
            difference = points[:, None, :] - self.centers[own][None]
            distance = _norm(difference)
            p = self.learned.params[layout.symbol]
            others = jnp.sum(near, axis=1)[:, None] - near[:, own]
            facing = jnp.einsum("pkx,kjx->pkj", difference, side[own]) / jnp.sqrt(1 + distance**2)[..., None]
            there = jnp.broadcast_to(around[own][None], others.shape)
            features = jnp.concatenate([_distances(layout, distance), others, facing, there], axis=-1)
            radial = self._radial(layout, p, distance, features)
            degrees = layout.degrees
            harmonics = {l: solid_harmonics(l, difference) for l in sorted(set(degrees))}
            parts = [radial[..., k, None] * harmonics[l] for k, l in enumerate(degrees)]
            columns.append(jnp.concatenate(parts, axis=-1).reshape(len(points), -1))
        return jnp.concatenate(columns, axis=-1)

    def _radial(self, layout: Layout, p: Params, d: Array, features: Array) -> Float[Array, "points atoms radial"]:
        """Radial functions and their deformations."""
        h = jnp.tanh(features @ p["kernel_0"] + p["bias_0"][None, None])
        h = jnp.tanh(h @ p["kernel_1"] + p["bias_1"][None, None])
        rows = len(layout.degrees)
        c = BOUND * jnp.tanh((h @ p["kernel_2"]) / BOUND).reshape(*d.shape, rows, -1)
        deformation = jnp.einsum("pake,pae->pak", c, jnp.exp(-jnp.exp(p["log_zeta"])[None, None] * d[..., None]))
        free = jnp.asarray(np.arange(rows) >= layout.fixed, d.dtype)
        return self._undeformed(layout, p, d) + free[None, None] * deformation

    def _undeformed(self, layout: Layout, p: Params, d: Array) -> Float[Array, "points atoms radial"]:
        atom, parts = self.learned.atoms[layout.symbol], []
        for l, count in enumerate(layout.atomic):
            if count:
                gaussians = jnp.exp(-jnp.asarray(atom["exponents"][l])[None, None] * d[..., None] ** 2)
                parts.append(gaussians @ atom["coefficients"][l].T)
        if layout.own:
            exponentials = jnp.exp(-jnp.exp(p["own_log_zeta"])[None, None] * d[..., None, None])
            parts.append(jnp.sum(p["own"][None, None] * exponentials, axis=-1))
        return jnp.concatenate(parts, axis=-1)

    def _weights(self, name: str) -> Float[Array, "atoms decays"]:
        return jnp.stack([self.learned.params[symbol][name] for symbol in self.symbols])

    def _near_points(self, points: Array) -> Float[Array, "points atoms decays"]:
        r"""$w_b e^{-\alpha_j|r-R_b|}$ of every atom."""
        distance = _norm(points[:, None] - self.centers[None])
        decay = jnp.exp(-jnp.asarray(DECAYS, points.dtype)[None, None] * distance[..., None])
        return self._weights("near_point")[None] * decay

    def _near_atoms(self) -> tuple[Float[Array, "atoms decays"], Float[Array, "atoms decays 3"]]:
        """What is near each atom, and in which direction."""
        between = self.centers[None] - self.centers[:, None]
        others = 1 - jnp.eye(len(self.centers), dtype=between.dtype)
        distance = _norm(between) + 1 - others
        decay = jnp.exp(-0.5 * jnp.asarray(DECAYS, between.dtype)[None, None] * distance[..., None]) * others[..., None]
        weighted = self._weights("near_atom")[None] * decay
        return jnp.sum(weighted, axis=1), jnp.einsum("abj,abx->ajx", weighted, between / distance[..., None])

    def _reach(self, layout: Layout) -> float:
        """The distance beyond which no function of an atom can be more than negligible [Bohr]."""
        p = jax.tree.map(np.asarray, self.learned.params[layout.symbol])
        radial = BOUND * np.exp(-np.exp(p["log_zeta"]) * REACH[:, None]).sum(axis=-1)
        if layout.own:
            own = np.abs(p["own"]) * np.exp(-np.exp(p["own_log_zeta"]) * REACH[:, None, None])
            radial = radial + own.sum(axis=(1, 2))
        atom: Any = jax.tree.map(np.asarray, self.learned.atoms[layout.symbol])
        for l, count in enumerate(layout.atomic):
            if count:
                gaussians = np.exp(-atom["exponents"][l] * REACH[:, None] ** 2)
                radial = radial + (gaussians @ np.abs(atom["coefficients"][l]).T).sum(axis=-1)
        above = radial * np.maximum(REACH, 1.0) ** max(layout.degrees) > NEGLIGIBLE
        return float(REACH[min(len(REACH) - 1 - np.argmax(above[::-1]) + 1, len(REACH) - 1)])


def fresh_params(layout: Layout, width: int, terms: int, rng: np.random.Generator) -> Params:
    """Untrained parameters of one element.

    Args:
        layout: its functions.
        width: hidden units of both layers of its network.
        terms: exponentials of a deformation, and of a function that is a sum of them.
        rng: of the network's numbers.
    """
    features, rows = 4 + 3 * len(DECAYS), len(layout.degrees)
    heavy = layout.charge > 2
    low, high = (0.55, max(1.4, 0.8 * layout.charge)) if heavy else (0.5, 1.4)
    own = (0.8, 2.5) if heavy else (0.7, 2.0)
    params = {
        "near_point": rng.normal(size=len(DECAYS)),
        "near_atom": rng.normal(size=len(DECAYS)),
        "kernel_0": rng.normal(size=(features, width)) / np.sqrt(features),
        "bias_0": np.zeros(width),
        "kernel_1": rng.normal(size=(width, width)) / np.sqrt(width),
        "bias_1": np.zeros(width),
        "kernel_2": 0.1 * rng.normal(size=(width, rows * terms)) / np.sqrt(width),
        "log_zeta": np.log(np.geomspace(low, high, terms)),
    }
    if layout.own:
        params["own_log_zeta"] = np.tile(np.log(np.geomspace(*own, terms)), (len(layout.own), 1))
        params["own"] = rng.normal(size=(len(layout.own), terms))
    return jax.tree.map(jnp.asarray, params)


def fresh_set(
    layouts: tuple[Layout, ...], atoms: Mapping[str, Params], *, width: int, terms: int, seed: int
) -> LearnedSet:
    """An untrained set of some elements, whose free atoms are given."""
    rng = np.random.default_rng(seed)
    params = {layout.symbol: fresh_params(layout, width, terms, rng) for layout in layouts}
    kept = {layout.symbol: jax.tree.map(jnp.asarray, atoms[layout.symbol]) for layout in layouts}
    return LearnedSet(params, kept, layouts)


def _distances(layout: Layout, d: Array) -> Float[Array, "points atoms 4"]:
    """What the network is told of the distance from its own atom."""
    return jnp.stack([jnp.exp(-layout.charge * d), jnp.exp(-d), jnp.exp(-0.4 * d), jnp.log1p(d)], axis=-1)


def _norm(x: Float[Array, "*batch 3"]) -> Float[Array, "*batch"]:
    """The Euclidean norm with derivative zero, not nan, at the origin."""
    square = jnp.sum(x * x, axis=-1)
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
