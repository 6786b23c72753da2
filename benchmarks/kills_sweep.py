"""Every kind of optimizer on H2, for processes that are killed: `benchmarks.kills` runs it."""

from __future__ import annotations

from typing import Any

from nnks.config import ConfigDict, default_config, override

BATCHES = {
    "sampler.name": "uniform",
    "sampler.batch_size": 200,
    "functional.one_electron": "quadrature",
    "functional.hartree": "density_fitting",
    "functional.fitting": "quadrature",
}

RUNS: dict[str, dict[str, Any]] = {
    "lbfgs": {"optimizer.name": "lbfgs", "tracking.wandb": "offline"},
    "adam": {"optimizer.name": "adam", "optimizer.learning_rate": 0.03},
    "hand-over": {"optimizer.name": "handover", "optimizer.patience": 3, "optimizer.learning_rate": 0.03, **BATCHES},
    "natural gradient": {
        "optimizer.name": "natural_gradient",
        "ansatz.name": "residual",
        "ansatz.width": 8,
        "functional.hartree": "density_fitting",
    },
    "direct": {"optimizer.name": "direct"},
    "control variate": {"optimizer.name": "adam", "training.control_steps": 4, **BATCHES},
    "moving average": {"optimizer.name": "adam", "orthogonalizer.gram": "ema", **BATCHES},
    **{f"together {seed}": {"optimizer.name": "adamw", "training.seed": seed, **BATCHES} for seed in range(3)},
}


def get_config() -> ConfigDict:
    return override(
        default_config(),
        {
            "system.molecule": "H 0 0 0; H 0 0 1.1",
            "system.basis": "6-31g",
            "quadrature.level": 0,
            "ansatz.guess": "core",
            "training.steps": 30,
            "training.energy_tolerance": 1e-14,
            "training.gradient_tolerance": 1e-14,
            "training.checkpoint_steps": 7,
            "reference.pyscf": False,
            "reference.large_basis": "",
            "tracking.wandb": "disabled",
            "tracking.console": False,
            "tracking.log_steps": 3,
        },
    )


def sweep() -> list[dict[str, Any]]:
    return [{"label": label, **changes} for label, changes in RUNS.items()]
