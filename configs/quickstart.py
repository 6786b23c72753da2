"""Gaussian and neural orbitals on helium, H2 and water, beside PySCF.

Run:      make run        (or: nnks sweep --config=quickstart; nnks report results/quickstart)
Cost:     about 10 minutes on two cores
"""

from nnks.config import ConfigDict, default_config

CLAIM = "A neural residual brings a Gaussian basis closer to the complete-basis limit; without it nnks equals PySCF."


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "quickstart"
    c.training.steps = 120
    c.quadrature.level = 2
    c.tracking.log_steps = 1
    return c


def sweep() -> list[dict]:
    gaussian = [{"ansatz.name": "lcgto"}]
    neural = [
        {
            "ansatz.name": "residual",
            "functional.auxiliary": "even_tempered",
            "training.energy_tolerance": 1e-7,
            "training.gradient_tolerance": 1e-4,
            "training.seed": seed,
        }
        for seed in range(2)
    ]
    return [
        {"system.molecule": molecule, "system.basis": basis} | method
        for molecule in ("He", "H2", "water")
        for method in gaussian + neural
        for basis in ("sto-3g", "6-31g")
    ]
