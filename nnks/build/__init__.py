"""From a resolved config to typed objects: the system, the functional, the start, the problem, the optimizer.

Everything that can be wrong with a config is found here, in one sentence, before anything is compiled.
"""

from nnks.build.contents import self_contained as self_contained
from nnks.build.functional import analytic as analytic
from nnks.build.functional import hartree_method as hartree_method
from nnks.build.functional import make_functional as make_functional
from nnks.build.orthogonal import make_constraint as make_constraint
from nnks.build.orthogonal import rotate as rotate
from nnks.build.outline import Outline as Outline
from nnks.build.problem import in_precision as in_precision
from nnks.build.problem import make_model as make_model
from nnks.build.problem import make_problem as make_problem
from nnks.build.start import gaussian_energy as gaussian_energy
from nnks.build.start import guess_orbitals as guess_orbitals
from nnks.build.start import make_start as make_start
from nnks.build.start import matrix_hartree as matrix_hartree
from nnks.build.start import scf_baseline as scf_baseline
from nnks.build.system import System as System
from nnks.build.system import free_memory as free_memory
from nnks.build.system import make_system as make_system
from nnks.build.training import check_sets as check_sets
from nnks.build.training import check_training as check_training
from nnks.build.training import make_guard as make_guard
from nnks.build.training import make_optimizer as make_optimizer
from nnks.build.training import run_key as run_key
from nnks.build.training import tolerances as tolerances
