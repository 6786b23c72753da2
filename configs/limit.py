"""How near does the neural recipe come to the complete-basis limit, unchanged, on atoms and small molecules?

Run:      nnks sweep --config=limit; nnks report results/limit
Cost:     10 runs of 10 s to a minute on two cores, and 10 minutes for PySCF's references
"""

from nnks.config import ConfigDict, load_config

CLAIM = "From 6-31G, `configs/neural.py` ends within 0.05 mHa of exact energies of atoms, and not above pcseg-3 for molecules."
MOLECULES = ("He", "Be", "Ne", "Li", "N", "H2", "LiH", "HF", "H2O", "N2")


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "limit"
    return c


def sweep() -> list[dict]:
    atoms = {"He", "Be", "Ne", "Li", "N"}  # have exact references
    return [{"system.molecule": m} | ({"reference.large_basis": ""} if m in atoms else {}) for m in MOLECULES]
