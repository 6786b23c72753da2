"""How near does the neural recipe come to the complete-basis limit, unchanged, on atoms and small molecules?

Run:      nnks sweep --config=limit; nnks report results/limit
Cost:     14 runs of half a minute to three minutes on two cores, and as long again for PySCF's references
"""

from nnks.config import ConfigDict, load_config

CLAIM = "From 6-31G, `configs/neural.py` ends within 0.2 mHa of exact energies of atoms, and not above pcseg-3 for molecules."
MOLECULES = ("He", "Be", "Ne", "Li", "N", "H2", "LiH", "HF", "H2O", "N2", "CO", "NH3", "CH4", "O2")


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "limit"
    return c


def sweep() -> list[dict]:
    atoms = {"He", "Be", "Ne", "Li", "N"}  # have exact references
    return [{"system.molecule": m} | ({"reference.large_basis": ""} if m in atoms else {}) for m in MOLECULES]
