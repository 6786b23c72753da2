"""What do width, depth, envelopes and activation do for neural orbitals that are trained as a whole?

Run:      nnks sweep --config=ablations/network; nnks report results/network
Cost:     54 runs, 35 minutes on two cores, much of it compilation
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="LiH, three seeds: width, depth, number of envelopes and activation of `neural` change the energy by less "
    "than 0.1 mHa, and so do those of `residual`, but for a single envelope (0.11 mHa higher, undecided) and width "
    "40, of which one run did not converge. The others end 0.03 to 0.05 mHa below pcseg-4.",
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
    expect={
        "width 10": "equal",
        "depth 1": "equal",
        "depth 3": "equal",
        "envelopes 4": "equal",
        "silu": "equal",
        "sin": "equal",
        "neural: width 40": "equal",
        "neural: envelopes 1": "equal",
        "residual: envelopes 1": "higher",
    },
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
