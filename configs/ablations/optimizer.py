"""Which optimizer for which neural orbitals? Adam, L-BFGS and the natural gradient for the same seconds on H2 \
and water.

Run:      nnks sweep --config=ablations/optimizer; nnks report results/optimizer
Cost:     54 runs of 6 s (H2) or 20 s (water) of training on two cores, half an hour with compilation
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="After equal seconds on water the natural gradient is 16 to 33 mHa below Adam and L-BFGS for `residual` and "
    "`neural`; on H2 L-BFGS is as good and Adam 0.1 to 0.2 mHa worse; with solved coefficients the optimizer hardly "
    "matters.",
    axes={
        "molecule": {
            "H2": {"system.molecule": "H2", "training.seconds": 6.0},
            "H2O": {"system.molecule": "H2O", "training.seconds": 20.0},
        },
        "ansatz.name": ("residual", "neural", "neural_basis"),
        "optimizer": {
            "adam": {"optimizer.name": "adam", "optimizer.learning_rate": 3e-3, "training.held_out_steps": 20},
            "lbfgs": {"optimizer.name": "lbfgs", "optimizer.curvature": 0.03, "training.held_out_steps": 5},
            "natural_gradient": {"optimizer.name": "natural_gradient", "training.held_out_steps": 1},
        },
    },
    strata=("molecule", "ansatz.name"),
    baseline={"optimizer": "natural_gradient"},
    expect={
        "H2O, residual: adam": "higher",
        "H2O, residual: lbfgs": "higher",
        "H2O, neural: adam": "higher",
        "H2O, neural: lbfgs": "higher",
        "H2, residual: lbfgs": "equal",
        "H2, neural: lbfgs": "equal",
        "H2, residual: adam": "higher",
        "H2, neural: adam": "higher",
        "H2, neural_basis: adam": "equal",
        "H2, neural_basis: lbfgs": "equal",
    },
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "optimizer"
    c.quadrature.level = 2
    c.functional.hartree = "density_fitting"
    c.functional.auxiliary = "even_tempered"
    c.reference.large_basis = "pcseg-4"
    c.reference.seconds = 3600.0  # the distance to the limit is what is asked
    c.training.steps = 100000  # the seconds end a run
    c.training.energy_tolerance = 1e-6
    c.training.gradient_tolerance = 1e-4
    c.training.checkpoint_steps = 0
    return c
