"""How much of a Gaussian energy is the grid's error, level by level?

Run:      nnks sweep --config=ablations/grid_level; nnks report results/grid_level
Cost:     18 runs, two minutes on two cores

Orbitals are trained and evaluated on the same level; the energy is compared with that of level 5. Nothing is random:
one seed, and no intervals.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="Water's energy in 6-31G is converged to 0.04 mHa from level 1 on, r2scan's as well, "
    "and to 0.005 mHa from level 3 on; level 0 is 7 to 16 mHa off.",
    metric="energy_total_mHa",
    axes={
        "quadrature.level": (5, 0, 1, 2, 3, 4),
        "functional.xc": ("lda,vwn", "pbe", "r2scan"),
        "system.molecule": ("H2O",),
    },
    baseline={"quadrature.level": 5},
    strata=("functional.xc", "system.molecule"),
    seeds=(0,),
    resolution=0.1,
    expect={"0": "lower", "1": "equal", "2": "equal", "3": "equal", "4": "equal"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "grid_level"
    c.system.basis = "6-31g"
    c.optimizer = {"name": "direct"}
    c.functional.hartree = "exact"
    c.training.steps = 60
    c.reference.pyscf = False
    c.reference.large_basis = ""
    return c
