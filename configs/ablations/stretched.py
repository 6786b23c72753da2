"""Does the neural recipe keep its accuracy when bonds are stretched to 1.5 and 3 times their length?

Run:      nnks sweep --config=ablations/stretched; nnks report results/stretched
Cost:     6 runs of half a minute on two cores, and a few minutes for PySCF's references
"""

from nnks.config import ConfigDict, load_config

CLAIM = (
    "`configs/neural.py` ends as near to pcseg-4 at 1.5 and 3 times the bond length of H2 and LiH as at equilibrium, "
    "restricted."
)
EXPECT = {"neural_basis": ("best", 0.1)}  # by ansatz: the reference, and the distance from it in mHa
BONDS = {"H2": ("H", "H", 0.7414), "LiH": ("Li", "H", 1.5957)}  # [Angstrom], as in the library
STRETCHES = (1.0, 1.5, 3.0)


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "stretched"
    c.reference.large_basis = "cc-pvqz,pcseg-4"
    c.reference.seconds = 3600.0  # the distance to the limit is what is asked
    return c


def sweep() -> list[dict]:
    return [
        {"system.molecule": f"{a} 0 0 0; {b} 0 0 {stretch * bond:.4f}", "label": f"{name} x {stretch:g}"}
        for name, (a, b, bond) in BONDS.items()
        for stretch in STRETCHES
    ]
