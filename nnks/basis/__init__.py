"""Gaussian basis sets in JAX."""

from nnks.basis.gaussian import BasisTable as BasisTable
from nnks.basis.gaussian import GaussianBasis as GaussianBasis
from nnks.basis.gaussian import ShellGroup as ShellGroup
from nnks.basis.gaussian import tabulate as tabulate
