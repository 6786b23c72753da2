"""A learned basis leaves its run as a file: with it other molecules are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnks.ansatz import LearnedBasisOrbitals, ModuleAnsatz
from nnks.ansatz.learned_basis import NEW
from nnks.basis.files import pinned, write_set
from nnks.basis.learned import LearnedSet
from nnks.config import ConfigDict, to_dict
from nnks.objective import Variables
from nnks.runs.plan import Plan
from nnks.tracking import config_hash, environment
from nnks.tracking.files import replacing, storing
from nnks.training.state import TrainState
from nnks.types import Params

BASIS = "basis.npz"
"""The file in a run's folder."""


def trained_set(members: Sequence[Plan], params: Params) -> LearnedSet | None:
    """The set that a run has trained; None for a run of other orbitals."""
    ansatz: Any = members[0].problem.model.ansatz
    if not (isinstance(ansatz, ModuleAnsatz) and isinstance(ansatz.module, LearnedBasisOrbitals)):
        return None
    known = ansatz.start.learned
    assert known is not None
    own = params.shared if isinstance(params, Variables) else params
    return LearnedSet({**known.params, **own["trained"]}, known.atoms, known.layouts)


def save_trained_set(
    folder: Path,
    config: ConfigDict,
    members: Sequence[Plan],
    state: TrainState,
    labels: Sequence[str],
    metrics: Mapping[str, Any],
    validation: Sequence[str],
) -> Path | None:
    """Writes the set that a run has trained into the run's folder, with what it was trained on and by what.

    Args:
        folder: of the run.
        config: of the run.
        members: its molecules.
        state: of the training.
        labels: what the molecules' energies are called.
        metrics: of the last step, which hold the energies in training.
        validation: molecules that were held out, by name: whoever measures the set must not call them unseen.
    """
    learned = trained_set(members, state.params)
    if learned is None:
        return None
    made = environment()
    molecules = [
        {
            "name": label if len(labels) > 1 else member.system.molecule.name,
            "symbols": list(member.system.molecule.symbols),
            "positions": np.asarray(member.system.molecule.positions).round(6).tolist(),
            "charge": member.system.molecule.charge,
            "spin": member.system.molecule.spin,
            "energy": metrics.get(f"energy/{label}"),
        }
        for label, member in zip(labels, members, strict=True)
    ]
    # elements that are not trained keep what they have learned from others
    before = members[0].system.trained_on if config.ansatz.elements else ()
    about = {
        "functional": config.functional.xc,
        "molecules": [*before, *molecules],
        "validation": list(validation),
        "from": None if config.ansatz.basis == NEW else Path(pinned(config.ansatz.basis)).name,
        "config": config_hash(to_dict(config)),
        "seed": config.training.seed,
        "steps": int(state.step),
        "commit": made["commit"],
        "versions": made["versions"],
        "made": made["started"],
    }
    with storing(folder / BASIS), replacing(folder / BASIS) as file:
        write_set(file, learned, about)
    return folder / BASIS
