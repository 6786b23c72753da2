"""Where the Gram matrix of a minibatch comes from: exact, the batch's own, or a moving average over steps.

Run:      nnks sweep --config=ablations/gram; nnks report results/gram
Cost:     about half a minute a run on two cores
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="A batch's own Gram matrix biases the energy's gradient, and small batches end too high; a moving average takes two "
    "thirds of that bias away for a noisier gradient, and must not reach back further than the orbitals' norms last.",
    axes={
        "sampler.batch_size": (500, 2000),
        "gram": {
            "full": {"orthogonalizer.gram": "full"},
            "batch": {"orthogonalizer.gram": "batch"},
            **{f"ema {d}": {"orthogonalizer.gram": "ema", "orthogonalizer.decay": d} for d in (0.5, 0.9, 0.99)},
        },
    },
    metric="error_same_mHa",
    strata=("sampler.batch_size",),
    seeds=range(8),
    resolution=1e-3,
    ratio=1.2,
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "gram"
    c.system.molecule, c.system.basis = "LiH", "sto-3g"
    c.quadrature.level = 1
    c.ansatz = {"name": "lcgto", "guess": "random"}
    c.functional.one_electron = "quadrature"
    c.functional.hartree = "density_fitting"
    c.functional.fitting = "quadrature"
    c.evaluation.hartree = "exact"
    c.sampler = {"name": "uniform", "batch_size": 500}
    c.optimizer = {"name": "adam", "learning_rate": 3e-2, "schedule": "cosine"}
    c.training.steps = 600
    return c
