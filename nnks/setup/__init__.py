"""From a resolved config to typed objects: the system, the functional, the start, the problem, the optimizer.

Everything that can be wrong with a config is found here, in one sentence, before anything is compiled.
"""

from nnks.setup.contents import self_contained as self_contained
from nnks.setup.functional import hartree_method as hartree_method
from nnks.setup.functional import make_functional as make_functional
from nnks.setup.learned import beyond_training as beyond_training
from nnks.setup.orthogonal import make_constraint as make_constraint
from nnks.setup.orthogonal import rotate as rotate
from nnks.setup.outline import Outline as Outline
from nnks.setup.problem import in_precision as in_precision
from nnks.setup.problem import make_model as make_model
from nnks.setup.problem import make_problem as make_problem
from nnks.setup.several import is_several as is_several
from nnks.setup.several import labels_of as labels_of
from nnks.setup.several import make_objective as make_objective
from nnks.setup.several import most_orbitals as most_orbitals
from nnks.setup.several import singles as singles
from nnks.setup.several import stopping_by as stopping_by
from nnks.setup.several import stopping_of_all as stopping_of_all
from nnks.setup.several import unseen as unseen
from nnks.setup.start import basis_energy as basis_energy
from nnks.setup.start import guess_orbitals as guess_orbitals
from nnks.setup.start import make_start as make_start
from nnks.setup.start import matrix_hartree as matrix_hartree
from nnks.setup.start import scf_baseline as scf_baseline
from nnks.setup.system import System as System
from nnks.setup.system import free_memory as free_memory
from nnks.setup.system import make_system as make_system
from nnks.setup.training import check_sets as check_sets
from nnks.setup.training import check_training as check_training
from nnks.setup.training import make_early_stopping as make_early_stopping
from nnks.setup.training import make_optimizer as make_optimizer
from nnks.setup.training import run_key as run_key
from nnks.setup.training import tolerances as tolerances
from nnks.setup.training_set import training_set as training_set
from nnks.setup.training_set import weights_of as weights_of
