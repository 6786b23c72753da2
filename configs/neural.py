"""The recommended neural calculation, for small molecules of light atoms: Gaussian orbitals plus a neural residual.

Claim:    below the energy of its starting basis, toward the complete-basis limit (helium reaches it)
Run:      nnks run --config=neural --config.system.molecule=He --config.system.basis=sto-3g
Cost:     about a minute for helium, several for water, on two cores
"""

from nnks.config import ConfigDict, default_config


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "neural"
    c.ansatz = {"name": "residual"}
    c.functional.hartree = "density_fitting"
    c.functional.auxiliary = "even_tempered"  # a set that the orbitals cannot exploit by much
    c.quadrature.level = 2  # the final energy is evaluated two levels finer
    c.training.steps = 400
    c.training.energy_tolerance = 1e-7
    c.training.gradient_tolerance = 1e-4
    return c
