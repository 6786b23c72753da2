r"""The Coulomb operator $1/|r-r'|$ on charges: energies, potentials, Coulomb and exchange matrices, one way a file.

| operator | acts on | what errs | matrices |
|---|---|---|---|
| `ExactCoulomb` | density matrices of a basis | nothing | Coulomb, exchange |
| `FittedCoulomb` | density matrices of a basis | the fitting set | Coulomb, exchange |
| `TabulatedCoulomb` | charges at points of one grid | the fitting set, the grid | none |
| `StreamedCoulomb` | charges at points | the fitting set, the grid | none |
| `PoissonCoulomb` | charges at points of an atomic grid | the grid | none |
| `PairwiseCoulomb` | charges at points | the grid, most of all | none |

Where an operator has no potential at points or no matrices, `Unavailable` says why.
"""

from nnks.coulomb.base import AtPoints as AtPoints
from nnks.coulomb.base import Charge as Charge
from nnks.coulomb.base import ChargeAtPoints as ChargeAtPoints
from nnks.coulomb.base import ChargeInBasis as ChargeInBasis
from nnks.coulomb.base import Coulomb as Coulomb
from nnks.coulomb.base import InBasis as InBasis
from nnks.coulomb.base import Unavailable as Unavailable
from nnks.coulomb.exact import ExactCoulomb as ExactCoulomb
from nnks.coulomb.fitted import FittedCoulomb as FittedCoulomb
from nnks.coulomb.pairwise import PairwiseCoulomb as PairwiseCoulomb
from nnks.coulomb.poisson import PoissonCoulomb as PoissonCoulomb
from nnks.coulomb.poisson import make_poisson as make_poisson
from nnks.coulomb.potentials import FittingPotentials as FittingPotentials
from nnks.coulomb.potentials import fitting_potentials as fitting_potentials
from nnks.coulomb.streamed import StreamedCoulomb as StreamedCoulomb
from nnks.coulomb.streamed import make_streamed as make_streamed
from nnks.coulomb.tabulated import TabulatedCoulomb as TabulatedCoulomb
from nnks.coulomb.tabulated import make_tabulated as make_tabulated
