"""How far from the limit of the functional is each Gaussian basis?

Run:      nnks sweep --config=ablations/basis; nnks report results/basis
Cost:     18 runs of 5 to 30 seconds on two cores (estimated), and a few minutes for PySCF's references

Nothing is random: one seed, and no intervals.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="Does polarization matter more than a larger valence, and how near to the limit is triple zeta?",
    metric="error_best_mHa",
    axes={
        "system.basis": (
            "sto-3g",
            "6-31g",
            "6-31g*",
            "6-311g**",
            "def2-svp",
            "cc-pvdz",
            "pcseg-1",
            "def2-tzvp",
            "cc-pvtz",
        ),
        "system.molecule": ("H2", "H2O"),
    },
    baseline={"system.basis": "6-31g"},
    seeds=(0,),
    resolution=0.1,
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "basis"
    c.quadrature.level = 2
    c.optimizer = {"name": "direct"}
    c.functional.hartree = "density_fitting"
    c.training.steps = 60
    c.reference.large_basis = "pcseg-4"
    return c
