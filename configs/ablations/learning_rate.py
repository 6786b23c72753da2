"""Which first-order optimizer at which learning rate?

Run:      nnks sweep --config=ablations/learning_rate; nnks report results/learning_rate
Cost:     60 runs of a few seconds on two cores
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

RATES = (3e-3, 1e-2, 3e-2, 1e-1)
OPTIMIZERS = ("adam", "nadam", "lion", "rmsprop", "sgd")

ABLATION = Ablation(
    claim="How near to the minimum of LiH from random orbitals does each optimizer come in 200 steps, and how much does its learning rate matter?",
    metric="error_same_mHa",
    axes={
        "method": {
            f"{name} {rate:g}": {
                "optimizer.name": name,
                "optimizer.learning_rate": rate,
                "optimizer.schedule": "cosine",
            }
            for name in OPTIMIZERS
            for rate in RATES
        }
    },
    baseline={"method": "adam 0.03"},
    seeds=range(8),
    resolution=1e-4,
    ratio=2.0,
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "learning_rate"
    c.system.molecule, c.system.basis = "LiH", "sto-3g"
    c.quadrature.level = 0
    c.ansatz = {"name": "lcgto", "guess": "random"}
    c.optimizer = {"name": "adam"}
    c.reference.large_basis = ""
    c.training.steps = 200
    c.training.checkpoint_steps = 0
    return c
