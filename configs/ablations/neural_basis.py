"""Should the linear coefficients of a learned basis be solved for, and how many functions does it need?

Run:      nnks sweep --config=ablations/neural_basis; nnks report results/neural_basis
Cost:     21 runs of half a minute on two cores
"""

from nnks.ablation import Ablation
from nnks.config import ConfigDict, load_config

ABLATION = Ablation(
    claim="What do solved coefficients gain over trained ones on LiH, and how does the error fall with the width?",
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
)


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "neural_basis"
    c.system.molecule = "LiH"
    return c
