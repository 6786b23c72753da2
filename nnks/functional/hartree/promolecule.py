r"""Free atoms as spherical Gaussian charges: a density close to a molecule's, with its potential in closed form.

$$m(r) = \sum_{ai} q_{ai}\Bigl(\frac{\alpha_{ai}}{\pi}\Bigr)^{3/2} e^{-\alpha_{ai}|r-R_a|^2}, \qquad
  V_m(r) = \sum_{ai} q_{ai}\,\frac{\operatorname{erf}(\sqrt{\alpha_{ai}}\,|r-R_a|)}{|r-R_a|}$$

References:
    Boys, Proc. R. Soc. A 200, 542 (1950): the integrals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from nnks.types import Array, Float, Scalar, record


@record
class Promolecule:
    r"""Charges at the nuclei, and their repulsion of themselves and each other.

    Attributes:
        centers: the nuclei [Bohr].
        exponents: $\alpha_{ai}$ [Bohr^-2].
        charges: $q_{ai}$, in electrons; zero fills up atoms with fewer than others.
        energy: $\frac12\int m V_m$ [Ha].
    """

    centers: Float[Array, "atoms 3"]
    exponents: Float[Array, "atoms gaussians"]
    charges: Float[Array, "atoms gaussians"]
    energy: Scalar

    def density(self, at: Float[Array, "places 3"]) -> Float[Array, " places"]:
        """$m$ [Bohr^-3]."""

        def add(total: Array, atom: tuple[Array, Array, Array]) -> tuple[Array, None]:
            center, alpha, q = atom
            square = jnp.sum((at - center[None, :]) ** 2, axis=-1)
            return total + jnp.exp(-square[:, None] * alpha[None, :]) @ (q * (alpha / math.pi) ** 1.5), None

        return jax.lax.scan(add, jnp.zeros(len(at), at.dtype), (self.centers, self.exponents, self.charges))[0]

    def potential(self, at: Float[Array, "places 3"]) -> Float[Array, " places"]:
        """$V_m$ [Ha]; no place may be a nucleus."""

        def add(total: Array, atom: tuple[Array, Array, Array]) -> tuple[Array, None]:
            center, alpha, q = atom
            distance = jnp.sqrt(jnp.sum((at - center[None, :]) ** 2, axis=-1))
            screened = jax.scipy.special.erf(distance[:, None] * jnp.sqrt(alpha)[None, :]) @ q
            return total + screened / distance, None

        return jax.lax.scan(add, jnp.zeros(len(at), at.dtype), (self.centers, self.exponents, self.charges))[0]


def make_promolecule(positions: np.ndarray, atoms: Sequence[tuple[np.ndarray, np.ndarray]]) -> Promolecule:
    """The promolecule of atoms at positions.

    Args:
        positions: of the nuclei [Bohr].
        atoms: exponents [Bohr^-2] and charges of each.
    """
    size = max(len(q) for _, q in atoms)
    exponents = np.array([np.pad(alpha, (0, size - len(alpha)), constant_values=1.0) for alpha, _ in atoms])
    charges = np.array([np.pad(q, (0, size - len(q))) for _, q in atoms])
    energy = _energy(np.asarray(positions), exponents, charges)
    return Promolecule(jnp.asarray(positions), jnp.asarray(exponents), jnp.asarray(charges), jnp.asarray(energy))


def _energy(positions: np.ndarray, exponents: np.ndarray, charges: np.ndarray) -> float:
    r"""$\frac12\sum q_iq_j\,\mathrm{erf}(\sqrt\mu R)/R$ with $\mu = \alpha_i\alpha_j/(\alpha_i+\alpha_j)$ [Ha]."""
    from scipy.special import erf

    alpha, q = exponents.reshape(-1), charges.reshape(-1)
    center = np.repeat(positions, exponents.shape[1], axis=0)
    distance = np.linalg.norm(center[:, None] - center[None, :], axis=-1)
    root = np.sqrt(alpha[:, None] * alpha / (alpha[:, None] + alpha))
    apart = np.where(distance > 0, distance, 1.0)
    interaction = np.where(distance > 0, erf(root * apart) / apart, 2 / math.sqrt(math.pi) * root)
    return float(0.5 * q @ interaction @ q)
