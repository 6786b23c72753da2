"""Gaussian and neural orbitals on helium, H2 and water, beside PySCF.

Run:      nnks quickstart --full        (or: nnks sweep --config=quickstart_full)
Cost:     about 10 minutes on two cores
"""

from nnks.config import ConfigDict, default_config

CLAIM = (
    "Without a neural part nnks equals PySCF in the same basis. A neural residual brings the basis closer to its "
    "limit; a network's basis, whose linear coefficients are solved for, reaches the limit."
)

NEURAL = {"functional.auxiliary": "even_tempered", "optimizer.curvature": 0.03}
TOLERANCES = {  # a step of neural_basis solves for its coefficients: it costs more and gets further
    "residual": {"training.energy_tolerance": 1e-7, "training.gradient_tolerance": 1e-4},
    "neural_basis": {"training.energy_tolerance": 5e-6, "training.gradient_tolerance": 5e-4},
}
METHODS = (
    {"ansatz.name": "lcgto"},
    *({"ansatz.name": n, "training.seed": seed} | NEURAL | TOLERANCES[n] for n in TOLERANCES for seed in (0, 1)),
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "quickstart_full"
    c.training.steps = 120
    c.quadrature.level = 2
    return c


def sweep() -> list[dict]:
    return [
        {"system.molecule": molecule, "system.basis": basis} | method
        for molecule in ("He", "H2", "water")
        for method in METHODS
        for basis in ("sto-3g", "6-31g")
    ]
