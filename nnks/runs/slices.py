"""What orbitals look like: the density and the highest occupied orbital on a plane through the nuclei."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis import Basis, tabulate
from nnks.molecule import Molecule
from nnks.orbitals import AnyOrbitals, BlockedOrbitals, OrbitalModel
from nnks.quadrature import Quadrature
from nnks.tracking.slices import Slice
from nnks.types import Array, Float, Params

PIXELS, MARGIN = 64, 3.5
"""Of each side of a slice, and what it shows beyond the outermost nuclei [Bohr]."""

ABOVE = 0.7
"""How far above the nuclei an orbital is shown that is larger there, as one with a node in their plane is [Bohr]."""


def plane(molecule: Molecule) -> tuple[Float[np.ndarray, " axes"], Float[np.ndarray, "3 3"]]:
    """The center of the nuclei [Bohr], and the axes of the plane that is nearest to them with its normal, in rows.

    A linear molecule lies along the first axis; an atom has the axes of space.
    """
    positions = np.asarray(molecule.positions, float)
    center = positions.mean(axis=0)
    if len(positions) == 1:
        return center, np.eye(3)
    _, _, axes = np.linalg.svd(positions - center)
    largest = np.abs(axes).argmax(axis=1)
    return center, axes * np.sign(axes[np.arange(3), largest])[:, None]


def make_slice(
    molecule: Molecule, model: OrbitalModel, params: Params, x: AnyOrbitals, vectors: Float[Array, "spin n n"]
) -> Slice:
    """The slice of trained orbitals.

    Args:
        molecule: whose nuclei lay down the plane.
        model: of the final evaluation.
        params: the orbitals.
        x: what the model makes of them on its quadrature.
        vectors: the canonical orbitals in these, in columns, occupied ones first and ascending.
    """
    center, axes = plane(molecule)
    nuclei = (np.asarray(molecule.positions, float) - center) @ axes.T
    half = np.abs(nuclei[:, :2]).max(axis=0) + MARGIN
    across, up = (np.linspace(-h, h, PIXELS) for h in half)
    flat = (center + across[None, :, None] * axes[0] + up[:, None, None] * axes[1]).reshape(-1, 3)
    points = jax.device_put(np.concatenate([flat, flat + ABOVE * axes[2]]))
    psi = np.asarray(orbitals_at(model, params, x)(points))
    spin = next(s for s, n in enumerate(model.nocc) if n)
    highest = np.asarray(vectors)[spin, :, model.nocc[spin] - 1] @ psi[spin]
    both = highest.reshape(2, PIXELS, PIXELS)
    level = int(np.abs(both).max(axis=(1, 2)).argmax())
    orbital = both[level] * np.sign(both[level].flat[np.abs(both[level]).argmax()])
    inside = psi[:, :, : PIXELS**2]
    density = np.einsum("si,sip,sip->p", np.asarray(x.occupations), inside, inside).reshape(PIXELS, PIXELS)
    charges = np.asarray(molecule.charges, float)
    return Slice(across, up, density, orbital, level * ABOVE, nuclei, charges)


def orbitals_at(
    model: OrbitalModel, params: Params, x: AnyOrbitals
) -> Callable[[Float[Array, "points 3"]], Float[Array, "spin orbitals points"]]:
    """Orthonormal orbitals as a function of points [Bohr].

    Args:
        model: of the final evaluation.
        params: the orbitals.
        x: what the model makes of them on its quadrature, on which they are orthonormal.
    """
    if isinstance(x, BlockedOrbitals):
        return lambda points: _in_basis(x.blocks.basis, points, x.coefficients)
    return lambda points: _at_points(model, params, x.quadrature, points)


@jax.jit
def _in_basis(basis: Basis, points: Array, coefficients: Array) -> Float[Array, "spin orbitals points"]:
    return tabulate(basis, points, order=0).contract(coefficients, 0)[0]


@jax.jit
def _at_points(
    model: OrbitalModel, params: Params, quadrature: Quadrature, points: Array
) -> Float[Array, "spin orbitals points"]:
    """Orbitals at points other than the quadrature's, on which they are orthonormal."""
    off, none = dataclasses.replace(model, table=None, gram="full", grid=quadrature, order=0), jnp.zeros(len(points))
    x: Any = off(params, Quadrature(points, none, none, jnp.zeros(len(points), int)))
    return x.values
