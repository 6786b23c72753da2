"""Do neural orbitals find what a Gaussian basis lacks? H2 and water, beside PySCF.

Run:      make run        (or: nnks quickstart)
Cost:     about two minutes on two idle cores
"""

from nnks.config import ConfigDict, default_config

CLAIM = (
    "Gaussian orbitals equal PySCF in the same basis. A network beside them brings H2 to the basis limit; a "
    "network's basis, whose coefficients are solved for, brings water there."
)
EXPECT = {
    "lcgto": ("same", 0.001),
    "residual": ("best", 0.1),
    "neural_basis": ("best", 0.5),
}  # by ansatz: the reference, and the distance from it in mHa

LEARNED = {
    "functional.auxiliary": "even_tempered"
}  # a fitting set that orbitals beyond the basis cannot exploit by much
GAUSSIAN = {"ansatz.name": "lcgto"}
NETWORK = LEARNED | {
    "ansatz.name": "residual",
    "optimizer.name": "natural_gradient",
    "optimizer.solver": "dense",  # all parameters at once: few steps, each of them dear
    "ansatz.width": 10,
    "training.steps": 20,
}
LEARNED_BASIS = LEARNED | {
    "ansatz.name": "neural_basis",
    "optimizer.curvature": 0.03,
    "training.steps": 40,
    "training.energy_tolerance": 5e-6,  # a tenth of what the quadrature is good for
    "training.gradient_tolerance": 5e-4,
}
# each run answers something: two Gaussian ones equal PySCF, a network beats its basis, a network's basis reaches the
# limit
RUNS = (("H2", GAUSSIAN), ("H2", NETWORK), ("water", GAUSSIAN), ("water", LEARNED_BASIS))


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "quickstart"
    c.system.basis = "6-31g"
    c.quadrature.level = 2
    return c


def sweep() -> list[dict]:
    return [{"system.molecule": molecule} | method for molecule, method in RUNS]
