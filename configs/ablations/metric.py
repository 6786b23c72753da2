"""Which metric and which approximation of it should natural-gradient steps be taken in?

Run:      nnks sweep --config=ablations/metric; nnks report results/metric
Cost:     30 runs of 8 s (LiH) or 20 s (water) of training on two cores, twenty minutes with compilation

`overlap` is the metric of stochastic reconfiguration, which MinSR solves in the space of samples (larger here: points
times orbitals exceed the parameters) and SPRING by going on from the last direction (`cg` does). `blocks` keeps a block
a layer and drops what couples layers, as KFAC does; its factorization of each block would be an approximation more.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="For the same seconds on water overlaps alone end 40 to 55 mHa above the energy's metric and blocks of "
    "layers several mHa; products without a matrix are lower than the matrix at 1,381 parameters and equal at 794 "
    "(LiH).",
    axes={
        "molecule": {
            "LiH": {"system.molecule": "LiH", "training.seconds": 8.0},
            "H2O": {"system.molecule": "H2O", "training.seconds": 20.0},
        },
        "metric": {
            "energy, dense": {},
            "energy, blocks": {"optimizer.solver": "blocks"},
            "energy, cg": {"optimizer.solver": "cg"},
            "overlap, dense": {"optimizer.form": "overlap"},
            "overlap, cg": {"optimizer.form": "overlap", "optimizer.solver": "cg"},
        },
    },
    strata=("molecule",),
    resolution=0.1,
    expect={"overlap, dense": "higher", "overlap, cg": "higher"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "metric"
    c.quadrature.level = 2
    c.functional.hartree = "density_fitting"
    c.functional.auxiliary = "even_tempered"
    c.ansatz = {"name": "residual"}
    c.optimizer = {"name": "natural_gradient"}
    c.reference.large_basis = "pcseg-4"
    c.reference.seconds = 3600.0  # the distance to the limit is what is asked
    c.training.steps = 100000  # the seconds end a run
    c.training.energy_tolerance = 1e-6
    c.training.checkpoint_steps = 0
    return c
