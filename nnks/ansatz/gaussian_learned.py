"""A Gaussian basis whose exponents, contractions and centers are trained with the orbitals."""

from __future__ import annotations

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from nnks.ansatz.base import ANSATZE, Start
from nnks.basis import GaussianBasis, ShellGroup
from nnks.types import Array, Float


@ANSATZE.register("gaussian_learned")
class GaussianLearned(nn.Module):
    r"""Orbitals in Gaussian functions that are optimized together with their coefficients.

    $$\phi_i(r) = \sum_\mu \chi_\mu(r)\,C_{\mu i}, \qquad
      \chi_\mu(r) = N\,S_{lm}(r-R_a-x_\mu)\sum_p (c_{\mu p}+\gamma_{\mu p})\,
      \exp\bigl(-a_{\mu p}e^{\eta_{\mu p}}\,|r-R_a-x_\mu|^2\bigr)$$

    Every shell has its own logarithms of exponents $\eta$, contraction coefficients $\gamma$ (of normalized
    primitives; $N$ normalizes the contraction) and displacement $x$ [Bohr] from its nucleus. All start at zero, where
    the basis is the one of the config. The number of functions stays that of the basis, so that the energy is the
    best that so many contractions of so many Gaussians can do.

    The basis changes from step to step: integrals are sums over the quadrature, as for a network.

    Attributes:
        guess: where the orbitals come from: `scf` (converged), `minao`, or `core`.
        exponents: whether exponents are trained.
        contractions: whether contraction coefficients are trained.
        centers: whether shells float off their nuclei. In molecules this stands in for polarization functions; an
            atom alone gains nothing from it.
    """

    guess: str = "scf"
    exponents: bool = True
    contractions: bool = True
    centers: bool = True

    @nn.compact
    def __call__(self, r: Float[Array, 3], start: Start) -> Float[Array, "spin orbitals"]:
        """Raw orbitals at one point."""
        shape, dtype = start.coordinates.shape, start.frame.dtype
        rotation = self.param("rotation", nn.initializers.zeros, shape, dtype)
        coordinates = start.coordinates + start.scale * rotation
        return jnp.einsum("b,sbn,sni->si", self._basis(start.basis)(r), start.frame, coordinates)

    def _basis(self, basis: GaussianBasis) -> GaussianBasis:
        """The basis of the moment. Its centers are those of shells, one each, not of atoms."""
        groups, centers, first = [], [], 0
        for n, group in enumerate(basis.groups):
            shells = len(group.atom)
            center = basis.centers[group.atom]
            if self.centers:
                center = center + self._zeros(f"centers_{n}", center)
            rows = first + jnp.arange(shells)
            groups.append(dataclasses.replace(self._group(n, group), atom=rows.astype(group.atom.dtype)))
            centers.append(center)
            first += shells
        return dataclasses.replace(basis, centers=jnp.concatenate(centers), groups=tuple(groups))

    def _group(self, n: int, group: ShellGroup) -> ShellGroup:
        """One group of shells with trained exponents and contractions."""
        exponents, coefficients = group.exponents, group.coefficients
        if self.exponents:
            exponents = exponents * jnp.exp(self._zeros(f"log_exponents_{n}", exponents))
        if self.contractions and exponents.shape[1] > 1:  # the coefficient of a single primitive is its norm
            coefficients = coefficients + self._zeros(f"contractions_{n}", coefficients)
        return dataclasses.replace(group, exponents=exponents, coefficients=coefficients)

    def _zeros(self, name: str, like: Array) -> Array:
        return self.param(name, nn.initializers.zeros, like.shape, like.dtype)
