"""What a basis is, and Gaussian ones in JAX."""

from nnks.basis.base import Basis as Basis
from nnks.basis.base import Shells as Shells
from nnks.basis.gaussian import GaussianBasis as GaussianBasis
from nnks.basis.gaussian import ShellGroup as ShellGroup
from nnks.basis.table import BasisOnPoints as BasisOnPoints
from nnks.basis.table import BasisTable as BasisTable
from nnks.basis.table import tabulate as tabulate
