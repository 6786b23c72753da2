"""Water by minibatches: Adam on an eighth of the grid a step, every term and the Hartree energy stochastic.

Claim:    within 2 mHa of PySCF in the same basis, by the final evaluation
Run:      nnks run --config=water
Cost:     about a minute on two cores
"""

from nnks.config import ConfigDict, default_config


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "water"
    c.functional.hartree = "density_fitting"
    c.functional.fitting = "quadrature"
    c.functional.one_electron = "quadrature"
    c.quadrature.level = 2
    c.sampler = {"name": "uniform", "batch_size": 2744}  # of 21952 points; each is used once an epoch
    c.optimizer = {"name": "adam", "learning_rate": 1e-2, "schedule": "cosine"}
    c.training.steps = 2000
    c.evaluation.hartree = "exact"
    return c
