r"""Exchange and correlation, $E_{xc} = \int e_{xc}(\rho,\sigma,\tau)$."""

from __future__ import annotations

from typing import Any

from nnks import blocks
from nnks.functional.base import Rotations
from nnks.functional.terms import TERMS, Discretized
from nnks.functional.xc.base import XCFunctional
from nnks.orbitals import Density, HasDensity
from nnks.types import Array, Float, Scalar, record, static


@TERMS.register("xc")
class XC:
    """Exchange and correlation, by the functional that `functional.xc` names."""

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        xc = d.xc()
        return ExchangeCorrelation(xc, order=0 if xc.family == "LDA" else 1)

    def row_in_pyscf(self, mf: Any) -> float:
        """What PySCF's energy holds of it [Ha]."""
        return float(mf.scf_summary["exc"])


@record
class ExchangeCorrelation:
    r"""$E_{xc} = \sum_k w_k\,e_{xc}(\rho(r_k), \sigma(r_k), \tau(r_k))$."""

    xc: XCFunctional
    name: str = static(default="xc")
    order: int = static(default=1)

    @property
    def reads_gradient(self) -> bool:
        """Whether it depends on the density's gradient."""
        return self.xc.needs_sigma

    @property
    def reads_tau(self) -> bool:
        """Whether it depends on the kinetic-energy density."""
        return self.xc.needs_tau

    def __call__(self, x: HasDensity, y: HasDensity) -> Scalar:
        """Energy [Ha], linear in the weights."""
        return x.integral(self.local)

    def curvature(self, rotations: Rotations) -> Float[Array, "rotations rotations"]:
        """The kernel [Ha] between the rotations' densities."""
        r = rotations
        return blocks.curvature(r.blocks, self.local, r.occupied, r.occupations, r.mo_coeff, r.index)

    def local(self, density: Density) -> Float[Array, " points"]:
        r"""$e_{xc}$ at each point [Ha/Bohr^3]."""
        if self.xc.family == "LDA":
            return self.xc(density.rho, None, None)
        return self.xc(density.rho, density.sigma, density.tau if self.xc.family == "MGGA" else None)
