"""Should the linear coefficients of a learned basis be solved for, and how many functions does it need?

Run:      nnks sweep --config=ablations/neural_basis; nnks report results/neural_basis
Cost:     21 runs, 15 minutes on two cores, much of it compilation
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, load_config

ABLATION = Ablation(
    claim="On LiH solved coefficients and coefficients trained by the natural gradient end within 0.05 mHa of each "
    "other, at or below pcseg-4; trained by L-BFGS they are 1.4 mHa higher after 40 steps. Three learned functions "
    "(103 parameters) are within 0.02 mHa of ten.",
    axes={
        "basis": {
            "solved, width 10": {"ansatz.width": 10},
            **{f"solved, width {w}": {"ansatz.width": w} for w in (3, 5, 20, 40)},
            "trained, width 10, lbfgs": {"ansatz.linear": "trained", "ansatz.width": 10},
            "trained, width 10, natural gradient": {
                "ansatz.linear": "trained",
                "ansatz.width": 10,
                "optimizer.name": "natural_gradient",
            },
        }
    },
    resolution=0.1,
    expect={
        "trained, width 10, lbfgs": "higher",
        "trained, width 10, natural gradient": "equal",
        "solved, width 3": "equal",
    },
)


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "neural_basis"
    c.system.molecule = "LiH"
    return c
