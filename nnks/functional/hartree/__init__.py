"""Electrostatic energy of the density with itself, one method a file."""

from typing import Any

from nnks.functional.hartree.exact import ExactHartree as ExactHartree
from nnks.functional.hartree.fitting import BasisFittedHartree as BasisFittedHartree
from nnks.functional.hartree.fitting import QuadratureFittedHartree as QuadratureFittedHartree
from nnks.functional.hartree.fitting import fitting_operator as fitting_operator
from nnks.functional.hartree.pairwise import PairwiseHartree as PairwiseHartree
from nnks.functional.hartree.poisson import PoissonHartree as PoissonHartree
from nnks.functional.hartree.poisson import make_poisson as make_poisson
from nnks.functional.hartree.potentials import fitting_potentials as fitting_potentials
from nnks.functional.hartree.promolecule import make_promolecule as make_promolecule
from nnks.functional.hartree.streamed import StreamedFittedHartree as StreamedFittedHartree
from nnks.functional.hartree.streamed import make_streamed as make_streamed
from nnks.functional.terms import TERMS, Discretized

HARTREE = {
    "auto": "exact in a Gaussian basis of up to 150 functions, density_fitting otherwise",
    "exact": "four-center integrals; Gaussian orbitals only; memory grows as basis^4",
    "density_fitting": "auxiliary Gaussians, in the basis or on the quadrature for any density; "
    "energy is a lower bound",
    "poisson": "Poisson's equation on the atomic grids, for any density; no fitting set that orbitals could exploit",
    "pairwise": "sum over pairs of quadrature points with a self-cell correction; the paper's method, corrected",
}
"""What `functional.hartree` may be."""


@TERMS.register("hartree")
class Electrostatics:
    """Electrostatic energy of the density with itself, by the method that `functional.hartree` names."""

    def on(self, d: Discretized) -> Any:
        """The term of a system on a grid."""
        return d.hartree()

    def row_in_pyscf(self, mf: Any) -> float:
        """What PySCF's energy holds of it [Ha]."""
        return float(mf.scf_summary["coul"])
