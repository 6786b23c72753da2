r"""The Coulomb operator on atomic grids: Becke's multicenter solution of Poisson's equation.

A charge is split by the grid's partition, $x = \sum_a p_a x$; each part is projected on spherical harmonics shell by
shell, the radial equations are solved by quadrature, and the potentials of all parts are added up at every point. No
fitting set is involved, so that no ansatz can exploit one; the error is that of the grid and falls with it.

References:
    Becke, Dickson, J. Chem. Phys. 89, 2993 (1988).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.harmonics import spherical_harmonics
from nnks.coulomb.base import AtPoints, ChargeAtPoints
from nnks.coulomb.radial import radial_matrices
from nnks.quadrature import Grid
from nnks.types import Array, Float, Int, Scalar, record

BLOCK = 4096
"""Points whose harmonics are held at once."""


@record
class AtomicMesh:
    """Each atom's own grid, shells of points around its nucleus; in a loop over the atoms, that of one.

    All atoms have as many shells, points and degrees as the largest of them, filled up with what counts for nothing, so
    that one program serves them in turn. A program for each atom took minutes to compile for ten atoms.

    Attributes:
        center: the nucleus [Bohr].
        radii: of the shells, ascending [Bohr].
        outermost: the number of the last shell of its own.
        shares: 4 pi over the volume of each shell before space was divided; times a weight, what its point is of
            the sphere [Bohr^-3].
        resolved: 1 where a shell's points resolve a degree.
        inner, outer: from a radial density to the two parts of its potential, `radial_matrices`.
        own: where the atom's points are in the grid.
        mine: 1 for these, 0 for what fills up.
    """

    center: Float[Array, "*atoms 3"]
    radii: Float[Array, "*atoms shells"]
    outermost: Int[Array, "*atoms"]
    shares: Float[Array, "*atoms shells"]
    resolved: Float[Array, "*atoms shells degrees"]
    inner: Float[Array, "*atoms degrees shells shells"]
    outer: Float[Array, "*atoms degrees shells shells"]
    own: Int[Array, "*atoms most"]
    mine: Float[Array, "*atoms most"]

    @property
    def degree(self) -> int:
        """The largest degree of its harmonics."""
        return self.inner.shape[-3] - 1

    @property
    def degrees(self) -> np.ndarray:
        """The degree of each harmonic."""
        return np.repeat(np.arange(self.degree + 1), 2 * np.arange(self.degree + 1) + 1)


@record
class PoissonCoulomb(AtPoints):
    r"""$\frac12\int x\,V[y]$, $V[y]$ the solution of Poisson's equation, linear in $y$ and in its points' weights.

    Projection errs by what the shells' angular grids do not resolve: cores of atoms are better taken off before, as the
    Hartree term does. It is a symmetric form as far as the grid resolves the potential.

    Attributes:
        meshes: the atoms' own grids.
        atom, shell: of each point of the grid, as in `Grid`.
    """

    meshes: AtomicMesh
    atom: Int[Array, " points"]
    shell: Int[Array, " points"]

    by_potential: ClassVar[bool] = True

    def energy(self, x: ChargeAtPoints, y: ChargeAtPoints) -> Scalar:
        """Half of the interaction [Ha]: of the charge x with the potential of y."""
        return 0.5 * (x.amounts @ self.potential(y, x.quadrature.points))

    def potential(self, charge: ChargeAtPoints, at: Float[Array, "places 3"] | None = None) -> Float[Array, " places"]:
        """Poisson's potential [Ha] at any places, of a charge on the grid or on a batch of it."""
        quadrature, amounts = charge.quadrature, charge.amounts
        places = quadrature.points if at is None else at

        def add(total: Array, part: tuple[Array, AtomicMesh]) -> tuple[Array, None]:
            number, mesh = part
            if quadrature.index is None:
                source = quadrature.points[mesh.own], amounts[mesh.own] * mesh.mine, self.shell[mesh.own]
            else:
                drawn = self.atom[quadrature.index] == number
                shell = jnp.where(drawn, self.shell[quadrature.index], 0)
                source = quadrature.points, jnp.where(drawn, amounts, 0), shell
            return total + _evaluate(mesh, _radial_solution(mesh, _project(mesh, *source)), places), None

        start = jnp.zeros(len(places), places.dtype)
        return jax.lax.scan(add, start, (jnp.arange(len(self.meshes.radii)), self.meshes))[0]


def make_poisson(grid: Grid, positions: np.ndarray, degrees: Mapping[int, int]) -> PoissonCoulomb:
    """The solver on a grid.

    Args:
        grid: with `cells`, each point's weight before the partition.
        positions: of the nuclei [Bohr].
        degrees: number of points of an angular grid to the largest degree that its projections resolve.
    """
    assert grid.cells is not None, "the grid was made without its atoms' own weights"
    points, cells, atom, shell = (np.asarray(x) for x in (grid.points, grid.cells, grid.atom, grid.shell))
    parts = [
        _mesh(np.flatnonzero(atom == a), center, degrees, (points, cells, shell)) for a, center in enumerate(positions)
    ]
    radii, *others = (_stacked(column) for column in zip(*parts, strict=True))
    outermost = jnp.asarray([len(own_radii) - 1 for own_radii, *_ in parts])
    meshes = AtomicMesh(jnp.asarray(np.asarray(positions, float)), radii, outermost, *others)
    return PoissonCoulomb(meshes, grid.atom, grid.shell)


def _mesh(own: np.ndarray, center: np.ndarray, degrees: Mapping[int, int], grid: tuple[np.ndarray, ...]) -> tuple:
    """The arrays of an atom, as in `AtomicMesh`."""
    points, cells, shell = (x[own] for x in grid)
    counts = np.bincount(shell)
    radii = np.bincount(shell, np.linalg.norm(points - center, axis=1)) / counts
    highest = np.array([degrees[n] for n in counts])
    resolved = (np.arange(highest.max() + 1)[None, :] <= highest[:, None]).astype(float)
    shares = 4 * np.pi / np.bincount(shell, cells)
    inner, outer = radial_matrices(radii, int(highest.max()))
    return radii, shares, resolved, inner, outer, own, np.ones(len(own))


def _stacked(arrays: Sequence[np.ndarray]) -> Array:
    """Arrays of all atoms in one, each filled up with zeros to the largest."""
    shape = np.max([x.shape for x in arrays], axis=0)
    return jnp.asarray(
        np.stack([np.pad(x, [(0, most - n) for most, n in zip(shape, x.shape, strict=True)]) for x in arrays])
    )


def _project(mesh: AtomicMesh, points: Array, charge: Array, shell: Array) -> Float[Array, "shells lm"]:
    """The harmonics of the atom's part of the density on each shell [Bohr^-3]."""
    shells = mesh.radii.shape[0]

    def block(part: tuple[Array, Array, Array]) -> Array:
        r, amount, layer = part
        y = spherical_harmonics(mesh.degree, _direction(r - mesh.center[None, :])[0])
        return jax.ops.segment_sum((amount * mesh.shares[layer])[:, None] * y, layer, shells)

    parts = jax.lax.map(jax.checkpoint(block), _blocks((points, charge, shell)))
    return jnp.sum(parts, axis=0) * mesh.resolved[:, mesh.degrees]


def _evaluate(mesh: AtomicMesh, nodes: Float[Array, "3 shells lm"], at: Float[Array, "places 3"]) -> Array:
    """The potential of the atom's part of the density at any places [Ha]."""

    def block(r: Array) -> Array:
        u, distance = _direction(r - mesh.center[None, :])
        y = spherical_harmonics(mesh.degree, u)
        return jnp.sum(_interpolate(mesh, nodes, distance) * y, axis=-1)

    (padded,) = _blocks((at,))
    return jax.lax.map(jax.checkpoint(block), padded).reshape(-1)[: len(at)]


def _direction(d: Float[Array, "*batch 3"]) -> tuple[Float[Array, "*batch 3"], Float[Array, "*batch"]]:
    """Unit vectors and lengths."""
    distance = jnp.sqrt(jnp.sum(d * d, axis=-1))
    return d / distance[..., None], distance


def _blocks(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Arrays over points cut into blocks; the last is filled up, amounts with zero."""
    n = len(arrays[0])
    blocks = -(-n // BLOCK)
    block = -(-n // blocks)

    def cut(x: Array) -> Array:
        mode = "constant" if x.ndim == 1 else "edge"
        pad = ((0, blocks * block - n), *((0, 0) for _ in x.shape[1:]))
        return jnp.pad(x, pad, mode=mode).reshape(blocks, block, *x.shape[1:])

    return tuple(cut(x) for x in arrays)


def _radial_solution(mesh: AtomicMesh, density: Float[Array, "shells lm"]) -> Float[Array, "3 shells lm"]:
    r"""$U$, $U'$ and $U''$ at the shells, for every harmonic: [3 shells lm].

    $U = \frac{4\pi}{2l+1}(P+Q)$, $rU' = \frac{4\pi}{2l+1}(lQ-(l+1)P)$, and the equation itself gives
    $U'' = \frac{l(l+1)}{r^2}U - \frac2rU' - 4\pi\rho$.
    """
    l = jnp.asarray(mesh.degrees, density.dtype)[None, :]
    scale = 4 * jnp.pi / (2 * l + 1)
    p, q = (jnp.einsum("mnk,km->nm", m[mesh.degrees], density) for m in (mesh.inner, mesh.outer))
    r = jnp.where(mesh.radii > 0, mesh.radii, 1.0)[:, None]  # shells that fill up hold nothing
    u, slope = scale * (p + q), scale * (l * q - (l + 1) * p) / r
    curve = l * (l + 1) / r**2 * u - 2 / r * slope - 4 * jnp.pi * density
    return jnp.stack([u, slope, curve])


def _interpolate(mesh: AtomicMesh, nodes: Float[Array, "3 shells lm"], distance: Float[Array, " places"]) -> Array:
    """The radial potentials at any distance [places lm]: Hermite's quintic between shells, multipoles outside the last.

    Inside the first shell, which no point of the grid reaches, the first value counts.
    """
    last, shells = mesh.outermost, jnp.arange(len(mesh.radii))
    radii = jnp.where(shells <= last, mesh.radii, jnp.inf)  # ascending to the end
    k = jnp.clip(jnp.searchsorted(radii, distance) - 1, 0, last - 1)
    h = radii[k + 1] - radii[k]
    # points of the grid lie on shells, t = 0 or 1, where a clip has half of the derivative, and `where` all of it
    t = (distance - radii[k]) / h
    t = jnp.where(t < 0, 0.0, jnp.where(t > 1, 1.0, t))
    s = 1 - t
    left = (s**3 * (1 + 3 * t + 6 * t**2), h * t * s**3 * (1 + 3 * t), 0.5 * h**2 * t**2 * s**3)
    right = (t**3 * (1 + 3 * s + 6 * s**2), -h * s * t**3 * (1 + 3 * s), 0.5 * h**2 * s**2 * t**3)
    inside = sum(a[:, None] * x[k] + b[:, None] * x[k + 1] for a, b, x in zip(left, right, nodes, strict=True))
    ratio = jnp.where(distance > radii[last], radii[last] / jnp.where(distance > 0, distance, 1.0), 1.0)
    return inside * ratio[:, None] ** (jnp.asarray(mesh.degrees, ratio.dtype)[None, :] + 1)
