"""Which runs of a sweep can be trained together, and why others cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nnks.config import ConfigDict, flatten, to_dict


def why_alone(config: ConfigDict) -> str:
    """Why a run cannot be a member of a batch with the same numbers as by itself; empty if it can."""
    import jax

    from nnks.ansatz import ANSATZE
    from nnks.training.gradient import OPTAX
    from nnks.training.together import SIGNS

    optimizer, training = config.optimizer.name, config.training
    linear = config.ansatz.get("linear", getattr(ANSATZE[config.ansatz.name].make, "linear", "trained"))
    solved = linear == "solved" or (linear == "auto" and config.sampler.name == "full")
    reasons = {
        f"optimizer '{optimizer}' chooses its own steps": optimizer not in OPTAX,
        f"optimizer '{optimizer}' follows signs, which rounding decides": optimizer in SIGNS,
        f"precision {training.precision} rounds differently in a batch": training.precision != "float64",
        "training.seconds is measured for each run": training.seconds is not None,
        "a control variate takes the whole grid at some steps": training.control_steps != 0,
        "coefficients are solved for to a tolerance": solved,
        "points are spread over devices": (training.devices or jax.device_count()) > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def shared_part(config: ConfigDict) -> str:
    """What members of a batch have in common, as text: all but the seed, the label, and real numbers of the optimizer."""
    from nnks.training import OPTIMIZERS

    fields = OPTIMIZERS.fields(config.optimizer.name)
    numbers = {f"optimizer.{key}" for key, value in fields.items() if isinstance(value, float)}
    free = {"training.seed", "label", "optimizer.schedule", *numbers}
    return json.dumps({key: value for key, value in flatten(to_dict(config)) if key not in free}, default=str)


def batches(configs: Sequence[ConfigDict], parts: int = 1) -> list[list[int]]:
    """Places of the configs that are trained together, in their order; a run that is alone is a list of one.

    Args:
        configs: the runs.
        parts: into how many each batch is divided, one a worker.
    """
    groups: dict[str, list[int]] = {}
    for place, config in enumerate(configs):
        key = f"alone {place}" if why_alone(config) else shared_part(config)
        groups.setdefault(key, []).append(place)
    found = []
    for group in groups.values():
        size = -(-len(group) // parts)
        found += [group[at : at + size] for at in range(0, len(group), size)]
    return sorted(found)
