"""How near does the neural recipe come to the complete-basis limit, unchanged, on atoms and small molecules?

Run:      nnks sweep --config=limit; nnks report results/limit
Cost:     39 runs of 10 s to two minutes on two cores, and half an hour for PySCF's references
"""

from nnks.config import ConfigDict, load_config

CLAIM = (
    "From 6-31G, `configs/neural.py` ends within 0.1 mHa of exact energies of atoms (neon: 0.3), and for molecules "
    "below cc-pVQZ and within 0.3 mHa of pcseg-4, whatever the seed."
)
EXPECT = {"neural_basis": ("best", 0.3)}  # by ansatz: the reference, and the distance from it in mHa
ATOMS = ("He", "Be", "Ne", "Li", "N")  # exact energies are known
MOLECULES = ("H2", "LiH", "HF", "H2O", "N2", "NH3", "CO", "CH4")
SEEDS = (0, 1, 2)


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "limit"
    c.reference.large_basis = "cc-pvqz,pcseg-4"
    c.reference.seconds = 3600.0  # the distance to the limit is what is asked
    return c


def sweep() -> list[dict]:
    systems = [{"system.molecule": m, "reference.large_basis": ""} for m in ATOMS]
    systems += [{"system.molecule": m} for m in MOLECULES]
    return [system | {"training.seed": seed} for seed in SEEDS for system in systems]
