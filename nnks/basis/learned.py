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
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.base import Shells
from nnks.basis.harmonics import safe_norm, solid_harmonics
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
class Placement:
    """Which element each atom of a molecule is: data, so that molecules of as many atoms share compiled programs.

    Attributes:
        element: of each atom, by its place among the set's layouts.
        present: 1 for an atom, 0 for a place that no atom takes.
        atoms: of each kind of layout (`LearnedSet.kinds`).
    """

    element: Int[Array, " atoms"]
    present: Float[Array, " atoms"]
    atoms: tuple[Int[Array, " _"], ...]


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

    @property
    def kinds(self) -> tuple[tuple[int, ...], ...]:
        """Layouts of as many functions of each degree, which are evaluated by one piece of a program."""
        shapes = [(each.atomic, each.own, each.fixed) for each in self.layouts]
        return tuple(tuple(i for i, s in enumerate(shapes) if s == shape) for shape in dict.fromkeys(shapes))

    def placement(self, symbols: tuple[str, ...]) -> Placement:
        """Of a molecule's atoms.

        Raises:
            KeyError: for an element that the set lacks.
        """
        places = {layout.symbol: index for index, layout in enumerate(self.layouts)}
        element = np.array([places[symbol] for symbol in symbols])
        atoms = tuple(np.flatnonzero(np.isin(element, kind)) for kind in self.kinds)
        return Placement(*jax.device_put((element, np.ones(len(symbols)), atoms)))

    def of(self, symbols: tuple[str, ...], centers: Float[Array, "atoms 3"]) -> LearnedBasis:
        """The basis of a molecule.

        Raises:
            KeyError: for an element that the set lacks.
        """
        return LearnedBasis(centers, self, self.placement(symbols))

    def stacked(self, kind: tuple[int, ...]) -> tuple[Params, Params, Float[Array, " elements"]]:
        """Parameters, radial functions of free atoms, and nuclear charges of a kind's elements, along a new axis."""
        symbols = [self.layouts[index].symbol for index in kind]
        params = jax.tree.map(lambda *x: jnp.stack(x), *(self.params[s] for s in symbols))
        exponents = [self.atoms[s]["exponents"] for s in symbols]
        longest = [max(len(x) for x in same) for same in zip(*exponents, strict=True)]

        def filled(atom: Params) -> Params:  # a Gaussian more with the coefficient zero
            return {
                "exponents": [jnp.pad(x, (0, n - len(x))) for x, n in zip(atom["exponents"], longest, strict=True)],
                "coefficients": [
                    jnp.pad(c, ((0, 0), (0, n - c.shape[1])))
                    for c, n in zip(atom["coefficients"], longest, strict=True)
                ],
            }

        atoms = jax.tree.map(lambda *x: jnp.stack(x), *(filled(self.atoms[s]) for s in symbols))
        charges = np.array([self.layouts[index].charge for index in kind], float)
        return params, atoms, jnp.asarray(charges, jax.tree.leaves(params)[0].dtype)


@record
class LearnedBasis:
    """The functions of a learned set on the atoms of a molecule: kind by kind of elements, atom by atom."""

    centers: Float[Array, "atoms 3"]
    learned: LearnedSet
    placement: Placement

    @property
    def groups(self) -> tuple[tuple[tuple[int, ...], Int[Array, " _"]], ...]:
        """The kinds of elements that are there, with their atoms."""
        pairs = zip(self.learned.kinds, self.placement.atoms, strict=True)
        return tuple((kind, atoms) for kind, atoms in pairs if len(atoms))

    @property
    def size(self) -> int:
        """Number of functions."""
        return sum(self._layout(kind).size * len(atoms) for kind, atoms in self.groups)

    @property
    def shell_counts(self) -> tuple[int, ...]:
        """Atoms of each kind."""
        return tuple(len(atoms) for _, atoms in self.groups)

    @property
    def degrees(self) -> tuple[int, ...]:
        """Of the blocks of $2l+1$ functions, in order."""
        return tuple(l for kind, atoms in self.groups for _ in range(len(atoms)) for l in self._layout(kind).degrees)

    @property
    def order(self) -> Int[np.ndarray, " basis"]:
        """The functions are evaluated in their order."""
        return np.arange(self.size)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Of the atoms, in the order of the functions; where the placement is known."""
        element = np.asarray(self.placement.element)
        return tuple(self.learned.layouts[i] for _, atoms in self.groups for i in element[np.asarray(atoms)])

    def shells(self) -> tuple[Shells, ...]:
        """The functions of every atom, in groups of one kind each."""
        reaches = [self._reach(layout) for layout in self.learned.layouts]
        element, shells, offset = np.asarray(self.placement.element), [], 0
        for kind, placed in self.groups:
            atoms, size = np.asarray(placed), self._layout(kind).size
            functions = offset + np.arange(len(atoms) * size).reshape(len(atoms), size)
            shells.append(Shells(atoms, np.array([reaches[i] for i in element[atoms]]), functions))
            offset += functions.size
        return tuple(shells)

    def __call__(self, r: Float[Array, 3]) -> Float[Array, " basis"]:
        """All functions at one point [Bohr^-3/2]."""
        return self.at(r[None], 0)[0][0]

    def at(
        self, points: Float[Array, "points 3"], order: int
    ) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"] | None]:
        """All functions at many points, and their gradients if `order` is 1."""
        return self.columns(points, tuple(jnp.arange(n) for n in self.shell_counts), order)

    def columns(
        self, points: Float[Array, "points 3"], shells: tuple[Int[Array, " _"], ...], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        """Functions of some atoms of each kind at many points, and their gradients if `order` is 1."""

        def values(r: Array) -> Array:
            return self._values(r, shells)

        if not order:
            return values(points), None
        here, along = jax.linearize(values, points)
        units = jnp.broadcast_to(jnp.eye(3, dtype=points.dtype)[:, None], (3, *points.shape))
        return here, jax.vmap(along)(units)

    def _layout(self, kind: tuple[int, ...]) -> Layout:
        """One of a kind, for what all of it have in common."""
        return self.learned.layouts[kind[0]]

    def _values(self, points: Array, shells: tuple[Array, ...]) -> Float[Array, "points columns"]:
        near = self._near_points(points)
        around, side = self._near_atoms()
        surroundings = near, jnp.sum(near, axis=1), around, side
        columns = []
        for (kind, atoms), chosen in zip(self.groups, shells, strict=True):
            at_atom = self._at_atom(kind, points, surroundings)
            values = jax.vmap(at_atom)(atoms[chosen])
            columns.append(jnp.moveaxis(values, 0, 1).reshape(len(points), -1))
        return jnp.concatenate(columns, axis=-1)

    def _at_atom(
        self, kind: tuple[int, ...], points: Array, surroundings: tuple[Array, ...]
    ) -> Callable[[Array], Float[Array, "points functions"]]:
        """The functions of an atom of a kind, as a function of the atom's place."""
        near, total, around, side = surroundings
        params, free, charges = self.learned.stacked(kind)
        within = np.zeros(len(self.learned.layouts), int)
        within[list(kind)] = np.arange(len(kind))
        layout = self._layout(kind)
        degrees = layout.degrees

        def functions(own: Int[Array, ""]) -> Array:
            element = jnp.asarray(within)[self.placement.element[own]]
            p, atom = jax.tree.map(lambda x: x[element], (params, free))
            difference = points - self.centers[own][None]
            distance = safe_norm(difference)
            facing = difference @ side[own].T / jnp.sqrt(1 + distance**2)[:, None]
            others = total - near[:, own]
            there = jnp.broadcast_to(around[own][None], others.shape)
            features = jnp.concatenate([_distances(charges[element], distance), others, facing, there], axis=-1)
            radial = _radial(layout, p, atom, distance, features) * self.placement.present[own]
            harmonics = {l: solid_harmonics(l, difference) for l in sorted(set(degrees))}
            return jnp.concatenate([radial[:, k, None] * harmonics[l] for k, l in enumerate(degrees)], axis=-1)

        return functions

    def _weights(self, name: str) -> Float[Array, "atoms decays"]:
        every = jnp.stack([self.learned.params[layout.symbol][name] for layout in self.learned.layouts])
        return every[self.placement.element] * self.placement.present[:, None]

    def _near_points(self, points: Array) -> Float[Array, "points atoms decays"]:
        r"""$w_b e^{-\alpha_j|r-R_b|}$ of every atom."""
        distance = safe_norm(points[:, None] - self.centers[None])
        decay = jnp.exp(-jnp.asarray(DECAYS, points.dtype)[None, None] * distance[..., None])
        return self._weights("near_point")[None] * decay

    def _near_atoms(self) -> tuple[Float[Array, "atoms decays"], Float[Array, "atoms decays 3"]]:
        """What is near each atom, and in which direction."""
        between = self.centers[None] - self.centers[:, None]
        others = 1 - jnp.eye(len(self.centers), dtype=between.dtype)
        distance = safe_norm(between) + 1 - others
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


def _radial(
    layout: Layout, p: Params, atom: Params, d: Float[Array, " points"], features: Float[Array, "points features"]
) -> Float[Array, "points radial"]:
    """Radial functions of one atom and their deformations."""
    h = jnp.tanh(features @ p["kernel_0"] + p["bias_0"][None])
    h = jnp.tanh(h @ p["kernel_1"] + p["bias_1"][None])
    rows = len(layout.degrees)
    c = BOUND * jnp.tanh((h @ p["kernel_2"]) / BOUND).reshape(len(d), rows, -1)
    deformation = jnp.einsum("pke,pe->pk", c, jnp.exp(-jnp.exp(p["log_zeta"])[None] * d[:, None]))
    free = jnp.asarray(np.arange(rows) >= layout.fixed, d.dtype)
    return _undeformed(layout, p, atom, d) + free[None] * deformation


def _undeformed(layout: Layout, p: Params, atom: Params, d: Array) -> Float[Array, "points radial"]:
    parts = []
    for l, count in enumerate(layout.atomic):
        if count:
            gaussians = jnp.exp(-atom["exponents"][l][None] * d[:, None] ** 2)
            parts.append(gaussians @ atom["coefficients"][l].T)
    if layout.own:
        exponentials = jnp.exp(-jnp.exp(p["own_log_zeta"])[None] * d[:, None, None])
        parts.append(jnp.sum(p["own"][None] * exponentials, axis=-1))
    return jnp.concatenate(parts, axis=-1)


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


def _distances(charge: Array, d: Float[Array, " points"]) -> Float[Array, "points 4"]:
    """What the network is told of the distance from its own atom."""
    return jnp.stack([jnp.exp(-charge * d), jnp.exp(-d), jnp.exp(-0.4 * d), jnp.log1p(d)], axis=-1)
