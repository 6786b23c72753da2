"""How many energy gradients does the first guess save?

Run:      nnks sweep --config=ablations/guess; nnks report results/guess
Cost:     48 runs, two minutes on two cores

Random orbitals depend on the seed, and know no scales of rotations; the other guesses do not, and their intervals have
no width.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="From PySCF's minao guess L-BFGS needs 9 gradients, from random orbitals 4 (LiH) to 9 times (water) as "
    "many. From the orbitals of the bare nuclei it needs two more on LiH and stalls on water, 48 mHa above the "
    "minimum after 200 steps.",
    metric="evaluations",
    axes={"ansatz.guess": ("minao", "core", "random"), "system.molecule": ("LiH", "H2O")},
    baseline={"ansatz.guess": "minao"},
    seeds=range(8),
    ratio=1.2,
    accuracy=0.01,
    expect={"random": "higher", "core": "higher"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "guess"
    c.system.basis = "6-31g"
    c.quadrature.level = 0
    c.reference.large_basis = ""
    c.training.steps = 200
    return c
