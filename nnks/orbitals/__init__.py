"""Orthonormal orbitals on a quadrature, and the densities that functionals of them need."""

from nnks.density import Density as Density
from nnks.density import HasDensity as HasDensity
from nnks.density import TabulatedDensity as TabulatedDensity
from nnks.orbitals.base import AnyOrbitals as AnyOrbitals
from nnks.orbitals.base import BlockedOrbitals as BlockedOrbitals
from nnks.orbitals.base import InBasis as InBasis
from nnks.orbitals.base import Orbitals as Orbitals
from nnks.orbitals.base import density_matrix as density_matrix
from nnks.orbitals.model import GRAMS as GRAMS
from nnks.orbitals.model import OrbitalModel as OrbitalModel
from nnks.orbitals.raw import BLOCK as BLOCK
from nnks.orbitals.raw import in_blocks as in_blocks
from nnks.orbitals.raw import raw_orbitals as raw_orbitals
