"""Should the linear coefficients of a learned basis be solved for, and how many functions does it need?

Run:      nnks sweep --config=ablations/neural_basis; nnks report results/neural_basis
Cost:     7 runs of half a minute on two cores
"""

from nnks.config import ConfigDict, load_config

CLAIM = "What do solved coefficients gain over trained ones on LiH, and how does the error fall with the width?"
SOLVED = tuple({"ansatz.width": w} for w in (3, 5, 10, 20, 40))
TRAINED = (
    {"ansatz.linear": "trained", "ansatz.width": 10, "optimizer.name": "lbfgs", "optimizer.curvature": 0.03},
    {"ansatz.linear": "trained", "ansatz.width": 10, "optimizer.name": "natural_gradient"},
)


def get_config() -> ConfigDict:
    c = load_config("neural")
    c.experiment = "neural_basis"
    c.system.molecule = "LiH"
    return c


def sweep() -> list[dict]:
    labels = {"trained": "trained", "auto": "solved"}
    return [
        {
            "label": f"{labels[v.get('ansatz.linear', 'auto')]}, width {v['ansatz.width']}, {v.get('optimizer.name', 'lbfgs')}"
        }
        | v
        for v in (*SOLVED, *TRAINED)
    ]
