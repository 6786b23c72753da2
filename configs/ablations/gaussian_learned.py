"""Which parameters of a minimal Gaussian basis are worth training: exponents, contractions, or centers?

Run:      nnks sweep --config=ablations/gaussian_learned; nnks report results/gaussian_learned
Cost:     8 runs of half a minute or less on two cores
"""

from nnks.config import ConfigDict, default_config

CLAIM = (
    "Trained exponents gain 25 mHa on helium in STO-3G and contractions 13 more, to the best that three Gaussians can "
    "do. Floating centers add nothing on an atom and 2 mHa on H2."
)

NEURAL = {
    "functional.auxiliary": "even_tempered",
    "optimizer.curvature": 0.03,
    "training.energy_tolerance": 1e-6,
    "training.gradient_tolerance": 3e-4,
}
NOTHING = {"ansatz.exponents": False, "ansatz.contractions": False, "ansatz.centers": False}
LEARNED = {"ansatz.name": "gaussian_learned"} | NOTHING | NEURAL
METHODS = (
    {"ansatz.name": "lcgto", "label": "plain STO-3G"},
    LEARNED | {"ansatz.exponents": True, "label": "exponents"},
    LEARNED | {"ansatz.exponents": True, "ansatz.contractions": True, "label": "and contractions"},
    {"ansatz.name": "gaussian_learned", "label": "and centers"} | NEURAL,
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "gaussian_learned"
    c.system.basis = "sto-3g"
    c.functional.xc = "lda,"  # exchange alone, as in the ablation of local_scaling
    c.quadrature.level = 1
    c.training.steps = 60
    return c


def sweep() -> list[dict]:
    return [{"system.molecule": molecule} | method for molecule in ("He", "H2") for method in METHODS]
