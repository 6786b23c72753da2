"""Does nnks reach PySCF's energies? Every kind of small system, two functionals, exact and density-fitted Hartree.

Run:      nnks sweep --config=accuracy; nnks report results/accuracy
Cost:     44 runs with their references, about 40 minutes on two cores (benzene takes half of it)
"""

from nnks.config import ConfigDict, default_config

CLAIM = (
    "L-BFGS on Gaussian orbitals ends within 1e-6 Ha of PySCF's stable solution on the same grid, in about ten "
    "evaluations of the gradient, and so does the self-consistent field of nnks."
)
EXPECT = {"lcgto": ("same", 0.001)}  # by ansatz: the reference, and the distance from it in mHa
MOLECULES = ("H", "H2", "LiH", "Li", "N", "N2", "H2O", "O2", "CH4", "C2H5OH", "C6H6")


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "accuracy"
    c.reference.scf = True
    c.reference.large_basis = ""
    return c


def sweep() -> list[dict]:
    return [
        {"system.molecule": m, "functional.xc": xc, "functional.hartree": h, "label": f"{m} / {h}"}
        for m in MOLECULES
        for xc in ("lda,vwn", "pbe,pbe")
        for h in ("exact", "density_fitting")
    ]
