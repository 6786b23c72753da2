"""What do width, depth, envelopes and activation do for neural orbitals that are trained as a whole?

Run:      nnks sweep --config=ablations/network; nnks report results/network
Cost:     54 runs of half a minute on two cores
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="Width, depth, envelopes and activation of a network that is trained as a whole: which of them lower the energy of LiH?",
    axes={
        "ansatz.name": ("residual", "neural"),
        "network": {
            "width 20, depth 2, tanh": {},
            "width 10": {"ansatz.width": 10},
            "width 40": {"ansatz.width": 40},
            "depth 1": {"ansatz.depth": 1},
            "depth 3": {"ansatz.depth": 3},
            "envelopes 1": {"ansatz.envelopes": 1},
            "envelopes 4": {"ansatz.envelopes": 4},
            "silu": {"ansatz.activation": "silu"},
            "sin": {"ansatz.activation": "sin"},
        },
    },
    strata=("ansatz.name",),
    resolution=0.1,
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "network"
    c.system.molecule = "LiH"
    c.quadrature.level = 2
    c.functional.auxiliary = "even_tempered"
    c.optimizer = {"name": "natural_gradient"}
    c.training.steps = 40
    c.training.energy_tolerance = 5e-6
    return c
