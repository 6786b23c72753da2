"""Exchange-correlation functionals: some written in JAX, the others evaluated by an outside program.

One file holds one functional or family. A member is a function that registers itself in `XC`.
"""

from nnks.functional.xc import b88, lyp, pbe, pw92, slater, vwn  # noqa: F401 (each registers its members)
from nnks.functional.xc.base import DENSITY_FLOOR, XC, EnergyDensity, Family, XCFunctional, density_floor
from nnks.functional.xc.external import Evaluator, ExternalEnergy

__all__ = [
    "DENSITY_FLOOR",
    "XC",
    "EnergyDensity",
    "Evaluator",
    "ExternalEnergy",
    "Family",
    "XCFunctional",
    "density_floor",
]
