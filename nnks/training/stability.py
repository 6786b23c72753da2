r"""Whether converged orbitals are a minimum: the energy's curvature along rotations between orbitals of similar energy.

For canonical orbitals the second derivative along rotations of $i$ into $a$ and of $j$ into $b$ is

$$H_{ia,jb} = 2n_i(\epsilon_a-\epsilon_i)\,\delta_{ia,jb} + \int\!\!\int\delta\rho_{ia}\,f_{Hxc}\,\delta\rho_{jb},
  \qquad \delta\rho_{ia} = 2n_i\psi_i\psi_a.$$

Only where $\epsilon_a-\epsilon_i$ is small can the second term, whose electrostatic part is positive, make it negative:
the lowest eigenvalue is looked for among the rotations of smallest difference. A negative one is proof of a saddle; a
positive one is proof of a minimum within the rotations considered.

References:
    Seeger, Pople, J. Chem. Phys. 66, 3045 (1977); Bauernschmitt, Ahlrichs, J. Chem. Phys. 104, 9047 (1996).
"""

from __future__ import annotations

import jax.numpy as jnp

from nnks.functional import Rotations
from nnks.scf import BasisEnergy
from nnks.types import Array, Float, Int, Scalar, record

ROTATIONS = 48
"""Rotations that are considered."""

NEGATIVE = -1e-3
"""Curvature [Ha] below which a point is a saddle: above it are rounding and rotations that do not change the energy."""


@record
class Canonical:
    """Canonical orbitals of each spin, occupied first.

    Attributes:
        mo_coeff: coefficients.
        mo_energy: energies [Ha].
    """

    mo_coeff: Float[Array, "spin basis n"]
    mo_energy: Float[Array, "spin n"]


def smallest_gap(orbitals: Canonical, nocc: tuple[int, ...]) -> float:
    """Difference [Ha] between the lowest empty and the highest occupied orbital of a spin.

    Infinite if there is none.
    """
    levels = zip(orbitals.mo_energy, nocc, strict=True)
    return min((float(e[n] - e[n - 1]) for e, n in levels if 0 < n < len(e)), default=float("inf"))


def softest_rotations(orbitals: Canonical, nocc: tuple[int, ...], limit: int = ROTATIONS) -> Int[Array, "rotations 3"]:
    """Spin, occupied and empty orbital of the rotations with the smallest differences of orbital energies."""
    spins, n = orbitals.mo_energy.shape
    index = jnp.arange(n)
    gaps = []
    for s, count in enumerate(nocc):
        gap = orbitals.mo_energy[s][None, :] - orbitals.mo_energy[s][:, None]
        allowed = (index[:, None] < count) & (index[None, :] >= count)
        gaps.append(jnp.where(allowed, gap, jnp.inf))
    possible = sum(count * (n - count) for count in nocc)
    order = jnp.argsort(jnp.stack(gaps).reshape(-1))[: min(limit, possible)]
    return jnp.stack(jnp.unravel_index(order, (spins, n, n)), axis=1)


def curvature(
    energy: BasisEnergy,
    orbitals: Canonical,
    occupations: Float[Array, "spin orbitals"],
    rotations: Int[Array, "rotations 3"],
) -> Float[Array, "rotations rotations"]:
    """The Hessian [Ha] along rotations, for functionals every term of which knows its second derivative."""
    s, i, a = rotations.T
    electrons = occupations[s, i]
    gap = orbitals.mo_energy[s, a] - orbitals.mo_energy[s, i]
    occupied = orbitals.mo_coeff[:, :, : occupations.shape[1]] * (occupations > 0)[:, None, :]
    along = Rotations(energy.blocks, occupied, occupations, orbitals.mo_coeff, rotations)
    response = energy.functional.curvature(along)
    factor = 2 * electrons
    return jnp.diag(2 * electrons * gap) + factor[:, None] * response * factor[None, :]


def softest(
    energy: BasisEnergy,
    orbitals: Canonical,
    occupations: Float[Array, "spin orbitals"],
    nocc: tuple[int, ...],
) -> tuple[Scalar, Float[Array, "spin n orbitals"]]:
    """The lowest curvature [Ha], and the rotation [rad] along which it is found, of norm one."""
    rotations = softest_rotations(orbitals, nocc)
    values, vectors = jnp.linalg.eigh(curvature(energy, orbitals, occupations, rotations))
    s, i, a = rotations.T
    shape = (*orbitals.mo_energy.shape, occupations.shape[1])
    return values[0], jnp.zeros(shape, values.dtype).at[s, a, i].set(vectors[:, 0])
