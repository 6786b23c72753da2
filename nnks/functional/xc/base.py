r"""What an exchange-correlation functional is: a sum of energy densities, safe where there are no electrons.

Conventions shared by every member of this package. With one spin channel (restricted) `rho`, `sigma` and
`tau` belong to the total density; with two they are (up, down), (up-up, up-down, down-down), (up, down):

$$\sigma_{st} = \nabla\rho_s \cdot \nabla\rho_t, \qquad
  \tau_s = \tfrac12 \sum_i n_{is} |\nabla\psi_{is}|^2 .$$
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from nnks.registry import InputError, Registry
from nnks.types import Array, Float, record, static

__all__ = ["DENSITY_FLOOR", "XC", "EnergyDensity", "Family", "XCFunctional", "density_floor"]

Family = Literal["LDA", "GGA", "MGGA"]

XC = Registry("functional.xc")
"""The energy densities written in JAX, under the names that libxc gives them."""

# At and below this density [1/Bohr^3] a spin channel counts as empty. Second derivatives of a gradient
# correction grow like rho^-5 on the way there and have to stay below the largest number: 1e75 of 1e308 in
# float64, 1e35 of 3e38 in float32. The energy density that is lost is 1e-20 (float32: 5e-10) Ha/Bohr^3.
DENSITY_FLOOR = {"float64": 1e-15, "float32": 1e-7}


@runtime_checkable
class EnergyDensity(Protocol):
    """One part of a functional; hashable, so that a compiled function can depend on it."""

    def __call__(
        self,
        rho: Float[Array, "spin points"],
        sigma: Float[Array, "pairs points"] | None,
        tau: Float[Array, "spin points"] | None,
    ) -> Float[Array, " points"]:
        """Energy per volume [Ha/Bohr^3].

        `XCFunctional` calls it in float64, with at least one channel above the density floor at every point;
        the other is above it, too, or exactly zero together with its `sigma` and `tau`.
        """
        ...


def density_floor(x: Array) -> float:
    """The density [1/Bohr^3] at and below which there are no electrons, for the precision of `x`."""
    return DENSITY_FLOOR.get(x.dtype.name, DENSITY_FLOOR["float32"])


@record
class XCFunctional:
    r"""An exchange-correlation functional, as a linear combination of energy densities.

    $$E_{xc} = \int e_{xc}(\rho, \sigma, \tau)\,\mathrm{d}r, \qquad e_{xc} = \sum_k c_k\, e_k$$

    It has no arrays, only structure: the same functional compiles once.

    Attributes:
        name: the PySCF string it came from, such as `"pbe"` or `"lda,vwn"`.
        family: `"LDA"`, `"GGA"` or `"MGGA"`: what it reads of the density.
        parts: coefficient and energy density; none for no exchange-correlation at all.
    """

    name: str = static()
    family: Family = static()
    parts: tuple[tuple[float, EnergyDensity], ...] = static()

    @property
    def needs_sigma(self) -> bool:
        """Whether it reads the density's gradient."""
        return self.family != "LDA"

    @property
    def needs_tau(self) -> bool:
        """Whether it reads the kinetic-energy density."""
        return self.family == "MGGA"

    def __call__(
        self,
        rho: Float[Array, "spin points"],
        sigma: Float[Array, "pairs points"] | None = None,
        tau: Float[Array, "spin points"] | None = None,
    ) -> Float[Array, " points"]:
        """The energy density $e_{xc}$ at each point.

        Args:
            rho: density [1/Bohr^3]; the total with one channel, else up and down.
            sigma: products of density gradients [1/Bohr^8]; 1 pair with one channel, 3 with two.
            tau: kinetic-energy density [Ha/Bohr^3], with the factor 1/2.

        Returns:
            Energy per volume [Ha/Bohr^3] in the precision of `rho`. It is evaluated in float64: the cost is
            small beside that of the density, and second derivatives overflow in float32. A channel at or
            below `density_floor(rho)` contributes nothing, and its derivatives are zero.

        Raises:
            InputError: if `sigma` or `tau` is missing or of the wrong shape.
        """
        sigma = self._checked("sigma", sigma, (2 * len(rho) - 1, *rho.shape[1:])) if self.needs_sigma else None
        tau = self._checked("tau", tau, rho.shape) if self.needs_tau else None
        return _local(self, rho, sigma, tau)

    def _checked(self, name: str, x: Array | None, shape: tuple[int, ...]) -> Array:
        if x is None or x.shape != shape:
            came = "is missing" if x is None else f"has shape {x.shape}"
            raise InputError(
                f"{name} {came}, but the {self.family} '{self.name}' expects shape {shape}; "
                "compute it from the orbitals' gradients or choose an LDA such as 'lda,vwn'."
            )
        return x


@jax.jit
def _local(xc: XCFunctional, rho: Array, sigma: Array | None, tau: Array | None) -> Array:
    """The energy density, traced once for all programs that evaluate it on blocks of one shape."""
    present = rho > density_floor(rho)
    occupied = jnp.any(present, axis=0)
    # Both branches of a `where` are differentiated, so an empty point is given harmless values first.
    pairs = jnp.stack([present[0], present[0] & present[1], present[1]]) if len(rho) == 2 else present

    def safe(x: Array, mask: Array, fill: float) -> Array:
        return jnp.where(occupied[None], jnp.where(mask, x.astype(jnp.float64), 0), fill)

    variables = (
        safe(rho, present, 1.0),
        None if sigma is None else safe(sigma, pairs, 0.0),
        None if tau is None else safe(tau, present, 1.0),
    )
    energy = sum((c * part(*variables) for c, part in xc.parts), jnp.zeros(rho.shape[1]))
    return jnp.where(occupied, energy, 0).astype(rho.dtype)
