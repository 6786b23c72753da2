"""Ansatze: one file each, one flax module each."""

from nnks.ansatz.base import ANSATZE as ANSATZE
from nnks.ansatz.base import Ansatz as Ansatz
from nnks.ansatz.base import BasisAnsatz as BasisAnsatz
from nnks.ansatz.base import GaussianAnsatz as GaussianAnsatz
from nnks.ansatz.base import GaussianModuleAnsatz as GaussianModuleAnsatz
from nnks.ansatz.base import ModuleAnsatz as ModuleAnsatz
from nnks.ansatz.base import Start as Start
from nnks.ansatz.base import make_ansatz as make_ansatz
from nnks.ansatz.check import check_ansatz as check_ansatz
from nnks.ansatz.check import check_module as check_module
from nnks.ansatz.check import check_start as check_start
from nnks.ansatz.gaussian_learned import GaussianLearned as GaussianLearned
from nnks.ansatz.lcgto import LCGTO as LCGTO
from nnks.ansatz.learned_basis import LearnedBasisOrbitals as LearnedBasisOrbitals
from nnks.ansatz.local_scaling import LocalScaling as LocalScaling
from nnks.ansatz.neural import Neural as Neural
from nnks.ansatz.neural_basis import NeuralBasis as NeuralBasis
from nnks.ansatz.residual import Residual as Residual
from nnks.ansatz.rotated import RotatedAnsatz as RotatedAnsatz
from nnks.ansatz.rotated import rotated as rotated
