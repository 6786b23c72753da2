"""Does direct minimization find PySCF's energy whatever the exchange-correlation functional, and in how many gradients?

Run:      nnks sweep --config=ablations/xc; nnks report results/xc
Cost:     14 runs, three minutes on two cores

Nothing is random: one seed, and no intervals.
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, default_config

ABLATION = Ablation(
    claim="LDA, GGA and meta-GGA functionals end within 1e-9 mHa of PySCF for water and 1e-3 mHa for the oxygen atom, "
    "whose open shell has an orientation, in the same basis and on the same grid.",
    metric="error_same_mHa",
    axes={
        "functional.xc": ("lda,vwn", "lda,pw", "pbe", "blyp", "revpbe", "tpss", "r2scan"),
        "system.molecule": ("H2O", "O"),
    },
    baseline={"functional.xc": "lda,vwn"},
    seeds=(0,),
    resolution=1e-3,
    expect={"lda,pw": "equal", "pbe": "equal", "blyp": "equal", "revpbe": "equal", "tpss": "equal", "r2scan": "equal"},
)


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "xc"
    c.system.basis = "6-31g"
    c.quadrature.level = 1
    c.optimizer = {"name": "direct"}
    c.training.steps = 60
    c.reference.large_basis = ""
    return c
