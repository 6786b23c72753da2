"""The recommended neural calculation, for small molecules of light atoms: Gaussians and a network's basis beside them.

Claim:    within 0.2 mHa of the complete-basis limit of the functional, from 6-31G
Run:      nnks run --config=neural --config.system.molecule=H2O
Cost:     about five to ten evaluations of 1 s (an atom) to 20 s (ethylene) on two cores, half a minute of compilation
"""

from nnks.config import ConfigDict, default_config


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "neural"
    c.ansatz = {"name": "neural_basis"}
    c.functional.hartree = "density_fitting"
    c.functional.auxiliary = "even_tempered"  # a set that the orbitals cannot exploit by much
    c.quadrature.level = 2  # the final energy is evaluated two levels finer
    c.optimizer = {"name": "lbfgs", "curvature": 0.03}
    c.training.steps = 40
    c.training.energy_tolerance = 5e-6  # a tenth of what the quadrature is good for
    c.training.gradient_tolerance = 5e-4
    c.training.checkpoint_steps = 5
    return c
