"""Three optimizers on H2, whose stored files are damaged: `benchmarks.damage` runs it."""

from __future__ import annotations

from typing import Any

from nnks.config import ConfigDict, default_config, override

RUNS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer.name": "adam", "optimizer.learning_rate": 0.03},
    "lbfgs": {"optimizer.name": "lbfgs"},
    "direct": {"optimizer.name": "direct"},
}


def get_config() -> ConfigDict:
    return override(
        default_config(),
        {
            "system.molecule": "H 0 0 0; H 0 0 1.1",
            "system.basis": "6-31g",  # in STO-3G the orbital of H2 is known beforehand
            "ansatz.guess": "core",
            "quadrature.level": 0,
            "training.steps": 20,
            "training.energy_tolerance": 1e-15,
            "training.gradient_tolerance": 1e-15,
            "training.checkpoint_steps": 5,
            "training.held_out_steps": 0,
            "reference.large_basis": "",
            "tracking.wandb": "disabled",
            "tracking.console": False,
            "tracking.log_steps": 1,
        },
    )


def sweep() -> list[dict[str, Any]]:
    return [{"label": label, **changes} for label, changes in RUNS.items()]
