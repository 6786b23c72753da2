"""What do width, depth, envelopes and activation do for neural orbitals that are trained as a whole?

Run:      nnks sweep --config=ablations/network; nnks report results/network
Cost:     18 runs of half a minute on two cores
"""

from nnks.config import ConfigDict, default_config

CLAIM = "Width, depth, envelopes and activation of a network that is trained as a whole: which of them lower the energy of LiH?"
ANSATZE = ("residual", "neural")
VARIANTS = (
    {},
    {"ansatz.width": 10},
    {"ansatz.width": 40},
    {"ansatz.depth": 1},
    {"ansatz.depth": 3},
    {"ansatz.envelopes": 1},
    {"ansatz.envelopes": 4},
    {"ansatz.activation": "silu"},
    {"ansatz.activation": "sin"},
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


def sweep() -> list[dict]:
    return [
        {"ansatz.name": ansatz, "label": ", ".join([ansatz, *(f"{k.split('.')[1]} {v}" for k, v in variant.items())])}
        | variant
        for ansatz in ANSATZE
        for variant in VARIANTS
    ]
