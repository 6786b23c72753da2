"""Which optimizer for which neural orbitals? Adam, L-BFGS and the natural gradient for the same seconds on H2 and water.

Run:      nnks sweep --config=ablations/optimizer; nnks report results/optimizer
Cost:     54 runs of 6 s (H2) or 20 s (water) of training on two cores, half an hour with compilation
"""

from nnks.config import ConfigDict, default_config

CLAIM = (
    "After equal seconds on water the natural gradient is 9 to 14 times nearer to the basis limit than Adam and L-BFGS for `residual` and "
    "`neural` (medians 1.4 and 2.7 mHa against 18 to 36), on H2 nearer than both; with solved coefficients the optimizer hardly matters."
)
SECONDS = {"H2": 6.0, "H2O": 20.0}
ANSATZE = ("residual", "neural", "neural_basis")
OPTIMIZERS = (
    {"optimizer.name": "adam", "optimizer.learning_rate": 3e-3, "training.held_out_steps": 20},
    {"optimizer.name": "lbfgs", "optimizer.curvature": 0.03, "training.held_out_steps": 5},
    {"optimizer.name": "natural_gradient", "training.held_out_steps": 1},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "optimizer"
    c.quadrature.level = 2
    c.functional.hartree = "density_fitting"
    c.functional.auxiliary = "even_tempered"
    c.reference.large_basis = "pcseg-4"
    c.training.steps = 100000  # the seconds end a run
    c.training.energy_tolerance = 1e-6
    c.training.gradient_tolerance = 1e-4
    c.training.checkpoint_steps = 0
    return c


def sweep() -> list[dict]:
    return [
        {"system.molecule": molecule, "ansatz.name": ansatz, "training.seconds": seconds, "training.seed": seed}
        | {"label": f"{ansatz}, {optimizer['optimizer.name']}"}
        | optimizer
        for seed in (0, 1, 2)
        for molecule, seconds in SECONDS.items()
        for ansatz in ANSATZE
        for optimizer in OPTIMIZERS
    ]
