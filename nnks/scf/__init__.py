"""Fock matrices in any basis, and the self-consistent field."""

from nnks.scf.diis import SCFResult as SCFResult
from nnks.scf.diis import SCFState as SCFState
from nnks.scf.diis import filling as filling
from nnks.scf.diis import self_consistent as self_consistent
from nnks.scf.diis import solve as solve
from nnks.scf.fock import BasisEnergy as BasisEnergy
from nnks.scf.fock import FockBuilder as FockBuilder
from nnks.scf.fock import diagonalize as diagonalize
from nnks.scf.fock import fock as fock
