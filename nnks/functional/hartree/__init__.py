"""Electrostatic energy of the density with itself: one term, whose Coulomb operator is one of `nnks.coulomb`."""

from typing import Any

from nnks.functional.hartree.free_atoms import ClosedAtoms as ClosedAtoms
from nnks.functional.hartree.free_atoms import FittedAtoms as FittedAtoms
from nnks.functional.hartree.free_atoms import FreeAtoms as FreeAtoms
from nnks.functional.hartree.free_atoms import closed_atoms as closed_atoms
from nnks.functional.hartree.free_atoms import fitted_atoms as fitted_atoms
from nnks.functional.hartree.promolecule import Promolecule as Promolecule
from nnks.functional.hartree.promolecule import make_promolecule as make_promolecule
from nnks.functional.hartree.term import Hartree as Hartree
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
