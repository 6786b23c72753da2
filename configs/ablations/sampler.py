"""How should the points of a minibatch be drawn, and how many does a step need?

Run:      nnks sweep --config=ablations/sampler; nnks report results/sampler
Cost:     72 runs, three minutes on two cores

The Gram matrix is exact here, so that nothing but the sampling differs; `ablations/gram` varies it.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="Passing through the grid in random order (uniform) ends nearer to the minimum than stratified and "
    "importance sampling, 6 to 36 times at equal batch size, although their energies vary less: probably because the "
    "batches of one pass add up to the whole grid.",
    metric="error_same_mHa",
    axes={
        "sampler.name": ("uniform", "stratified", "importance"),
        "sampler.batch_size": (250, 1000, 4000),
    },
    strata=("sampler.batch_size",),
    seeds=range(8),
    resolution=1e-3,
    ratio=1.2,
    expect={"stratified": "higher", "importance": "higher"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "sampler"
    c.system.molecule, c.system.basis = "LiH", "sto-3g"
    c.quadrature.level = 1
    c.ansatz = {"name": "lcgto", "guess": "random"}
    c.functional.one_electron = "quadrature"
    c.functional.hartree = "density_fitting"
    c.functional.fitting = "quadrature"
    c.evaluation.hartree = "exact"
    c.sampler = {"name": "uniform", "batch_size": 1000}
    c.optimizer = {"name": "adam", "learning_rate": 3e-2, "schedule": "cosine"}
    c.reference.large_basis = ""
    c.training.steps = 400
    c.training.checkpoint_steps = 0
    return c
