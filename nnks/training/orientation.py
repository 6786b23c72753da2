r"""An open-shell atom may point anywhere.

A quadrature tells its orientations apart by 1e-6 Ha, and minima between them are flat.

Rotated by $R$, orbitals in shells about one center have the coefficients $D(R)\,C$, where the solid harmonics of each
degree give $S_m(R^Tr) = \sum_{m'} S_{m'}(r)\,D_{m'm}(R)$. No curvature tells of a lower orientation elsewhere, and a
minimization follows a slope of 1e-6 Ha for hundreds of steps; the energy of rigidly turned orbitals is a function of
three angles, which are searched directly.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.harmonics import solid_harmonics
from nnks.objective import Problem
from nnks.training.frame import Framed, gaussian_ansatz, gaussian_energy
from nnks.types import Array, Float, Scalar

FLAT = 1e-3
"""Curvature [Ha] below which one atom's minimum may be one of several orientations (level 1: Sc 2e-4, V 5e-4, Al
3e-6)."""

STARTS = 12
"""Orientations that are tried before the search from the best one."""

UNIT = 1e-6
"""In which the search counts energies [Ha]: what a quadrature makes of an orientation."""


def rotate_functions(basis: Any, angles: Float[Array, 3]) -> Float[Array, "basis basis"]:
    """The matrix that rotates coefficients in shells about one center by a rotation vector [rad]."""
    x, y, z = angles
    zero = jnp.zeros_like(x)
    rotation = jax.scipy.linalg.expm(jnp.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]))
    matrices = {}
    for l in sorted(set(basis.degrees)):
        # more points than harmonics: the fit is exact, since a rotation mixes harmonics of one degree only
        points = jnp.asarray(np.random.default_rng(l).normal(size=(4 * l + 4, 3)))
        matrices[l] = jnp.linalg.pinv(solid_harmonics(l, points)) @ solid_harmonics(l, points @ rotation)
    turned = [matrices[l] for l in basis.degrees]
    whole = jax.scipy.linalg.block_diag(*turned)
    return whole[basis.order][:, basis.order]


def best_orientation(problem: Problem, framed: Framed) -> tuple[float, Framed, int]:
    """The lowest energy [Ha] that is found for the frame's orbitals, turned; the turned frame.

    And the energies that it took.
    """
    import scipy.optimize  # takes a third of a second, which runs of closed shells need not wait for
    from scipy.spatial.transform import Rotation

    count, origin = 0, float(framed.energies["total"])

    def energy(angles: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal count
        count += 1
        total, slope = _energy(problem, framed, jnp.asarray(angles))
        return (float(total) - origin) / UNIT, np.asarray(slope) / UNIT

    starts = Rotation.random(STARTS, rng=np.random.default_rng(0)).as_rotvec()
    best = min(starts, key=lambda angles: energy(angles)[0])
    minimum = scipy.optimize.minimize(energy, best, jac=True, method="BFGS", options={"maxiter": 20, "gtol": 1e-2})
    turned = dataclasses.replace(framed, orbitals=_orbitals(problem, framed, jnp.asarray(minimum.x)))
    return origin + float(minimum.fun) * UNIT, turned, count


@jax.jit
def _orbitals(problem: Problem, framed: Framed, angles: Float[Array, 3]) -> Float[Array, "spin n n"]:
    """The frame's orbitals, turned, in the orthonormal functions of the start."""
    start = gaussian_ansatz(problem).start
    turned = rotate_functions(start.basis, angles) @ framed.canonical.mo_coeff
    return jnp.stack([jnp.linalg.lstsq(x, c)[0] for x, c in zip(start.frame, turned, strict=True)])


@jax.jit
def _energy(problem: Problem, framed: Framed, angles: Float[Array, 3]) -> tuple[Scalar, Float[Array, 3]]:
    """The total [Ha] of the turned orbitals and its slope by the angles, from the Fock matrix."""
    occupations, basis = problem.model.occupations, gaussian_ansatz(problem).start.basis
    occupied = framed.canonical.mo_coeff[:, :, : occupations.shape[1]]

    def turned(angles: Float[Array, 3]) -> Array:
        return rotate_functions(basis, angles) @ occupied

    coefficients, pull = jax.vjp(turned, angles)
    energies, fock = gaussian_energy(problem)(coefficients, occupations)
    (slope,) = pull(2 * occupations[:, None, :] * (fock @ coefficients))
    return energies["total"], slope
