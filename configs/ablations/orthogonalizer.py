"""Does it matter how orbitals are made orthonormal? Seven orthogonalizers in double and single precision on LiH \
and water.

Run:      nnks sweep --config=ablations/orthogonalizer; nnks report results/orthogonalizer
Cost:     84 runs, two minutes on two cores

The error after a fixed number of steps tells whether two runs took the same path: a difference of the energies on the
way stays one there. With an exact Gram matrix the energy is one function of the raw parameters for every mix, so that
in float64 qr, cholesky, lowdin, canonical and polar are equal within rounding; in float32 the values differ in their
last digits before they are factorized in float64, and the paths with them. cayley and exponential span other orbitals
with the same parameters.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="With an exact Gram matrix qr, cholesky, lowdin, canonical and polar follow one path: after 100 steps their "
    "energies agree to 4e-10 mHa in float64 and to 7e-4 mHa in float32. cayley and exponential, whose parameters are "
    "rotations, follow others: their medians are 8 to 43 mHa higher, and three seeds do not decide which are better.",
    metric="error_same_mHa",
    axes={
        "orthogonalizer.name": ("cholesky", "qr", "lowdin", "canonical", "polar", "cayley", "exponential"),
        "training.precision": ("float64", "float32"),
        "system.molecule": ("LiH", "H2O"),
    },
    baseline={"orthogonalizer.name": "cholesky", "training.precision": "float64"},
    strata=("system.molecule", "training.precision"),
    resolution=0.01,
    expect={"qr": "equal", "lowdin": "equal", "canonical": "equal", "polar": "equal"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "orthogonalizer"
    c.system.basis = "sto-3g"
    c.quadrature.level = 0
    c.ansatz = {"name": "lcgto", "guess": "random"}  # the seed is the start
    c.optimizer = {"name": "adam", "learning_rate": 5e-2}
    c.reference.large_basis = ""
    c.training.steps = 100
    c.training.checkpoint_steps = 0
    return c
