"""Which first-order optimizer at which learning rate?

Run:      nnks sweep --config=ablations/learning_rate; nnks report results/learning_rate
Cost:     160 runs, three minutes on two cores
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

RATES = (3e-3, 1e-2, 3e-2, 1e-1)
OPTIMIZERS = ("adam", "nadam", "lion", "rmsprop", "sgd")

ABLATION = Ablation(
    claim="From random orbitals 200 steps of rmsprop at 0.03 to 0.1 bring LiH to the minimum within 0.001 mHa for "
    "every seed; nadam and adam need 0.1 for 0.05 mHa, and at 0.003 every optimizer ends 300 mHa or more too high in "
    "half of the runs.",
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
    expect={
        "adam 0.003": "higher",
        "nadam 0.003": "higher",
        "lion 0.003": "higher",
        "rmsprop 0.003": "higher",
        "sgd 0.003": "higher",
        "rmsprop 0.03": "lower",
        "rmsprop 0.1": "lower",
    },
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
