"""Which runs of a sweep can be trained together, and why others cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from nnks.config import ConfigDict, flatten, to_dict
from nnks.tracking import RunFolder, config_hash, config_hashes, find_run
from nnks.tracking.files import read_json
from nnks.tracking.record import RUN_NAME


def why_alone(config: ConfigDict) -> str:
    """Why a run cannot be a member of a batch with the same numbers as by itself; empty if it can."""
    import jax

    from nnks.ansatz import ANSATZE
    from nnks.training.ensemble import SIGNS
    from nnks.training.gradient import OPTAX

    optimizer, training = config.optimizer.name, config.training
    linear = config.ansatz.get("linear", getattr(ANSATZE[config.ansatz.name].make, "linear", "trained"))
    solved = linear == "solved" or (linear == "auto" and config.sampler.name == "full")
    reasons = {
        "several molecules have a program each": bool(config.system.molecules),
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
    """What members of a batch have in common, as text: all but seed, label, and real numbers of the optimizer."""
    from nnks.training import OPTIMIZERS

    fields = OPTIMIZERS.fields(config.optimizer.name)
    numbers = {f"optimizer.{key}" for key, value in fields.items() if isinstance(value, float)}
    free = {"training.seed", "label", "optimizer.schedule", *numbers}
    values = to_dict(config)
    terms = {"functional.terms": values["functional"]["terms"]}  # one without fields is in no flat dictionary
    return json.dumps({key: value for key, value in flatten(values) if key not in free} | terms, default=str)


def batches(configs: Sequence[ConfigDict], parts: int = 1, begun: Sequence[str] = ()) -> list[list[int]]:
    """Places of the configs that are trained together, in their order; a run that is alone is a list of one.

    Args:
        configs: the runs.
        parts: into how many each batch is divided, one a worker.
        begun: the batch that each run was begun in, as `begun_in` finds it; such a batch stays as it was, because the
            number of its members decides how a program rounds.
    """
    groups: dict[str, list[int]] = {}
    undivided = set()
    for position, config in enumerate(configs):
        former = begun[position] if begun else ""
        key = f"alone {position}" if why_alone(config) else shared_part(config) + former
        undivided |= {key} if former else set()
        groups.setdefault(key, []).append(position)
    members = []
    for key, group in groups.items():
        size = len(group) if key in undivided else -(-len(group) // parts)
        members += [group[at : at + size] for at in range(0, len(group), size)]
    return sorted(members)


BATCH = "batch.json"
"""In a run's folder: which runs it is trained with, as long as it is not finished."""


def mark_batch(folders: Sequence[RunFolder]) -> None:
    """Notes that these runs are trained together."""
    members = [_identity(folder.name) for folder in folders]
    for folder in folders:
        if (read_json(folder.path / BATCH) or {}).get("members") != members:
            folder.write_json(BATCH, {"members": members})


def unmark_batch(folder: RunFolder) -> None:
    """Forgets with which runs one was trained, if it is finished."""
    if folder.finished:
        (folder.path / BATCH).unlink(missing_ok=True)


def begun_in(configs: Sequence[ConfigDict], results: str | Path) -> list[str]:
    """The batch that each run was begun in, by the names of its members.

    Empty for one that was begun alone or not at all.
    """
    known: dict[str, str] = {}
    for config in configs:
        folder = find_run(results, config.experiment, config_hashes(to_dict(config)), config.training.seed)
        members = (read_json(folder.path / BATCH) or {}).get("members") if folder is not None else None
        if isinstance(members, list):
            # a process that is killed while it notes a batch leaves members without the note
            known = dict.fromkeys(map(str, members), " ".join(map(str, members))) | known
    return [known.get(f"{config_hash(to_dict(config))}-s{config.training.seed}", "") for config in configs]


def _identity(name: str) -> str:
    """A run's name without its date and number."""
    named = RUN_NAME.fullmatch(name)
    return name if named is None else f"{named['hash']}-s{named['seed']}"
