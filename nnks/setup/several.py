"""Configs of several molecules: one config of each, and their energies as one objective."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from nnks.config import ConfigDict, default_config, override
from nnks.geometries.files import BETWEEN, is_path
from nnks.geometries.parse import is_inline
from nnks.molecule import Molecule, short_name
from nnks.objective import Problem, Several
from nnks.registry import InputError, shown
from nnks.setup.system import System
from nnks.setup.training import run_key
from nnks.training.unseen import StoppingByMolecules, UnseenMolecules
from nnks.training.validation import EarlyStopping, ValidationEnergy, ValidationOfSeveral


def is_several(config: ConfigDict) -> bool:
    """Whether a config names several molecules."""
    return bool(config.system.molecules.strip())


def molecule_specs(text: str) -> list[str]:
    """The molecules that `system.molecules` names, the files of a folder among them.

    Raises:
        InputError: for an empty entry, or a folder without geometries.
    """
    specs: list[str] = []
    for entry in (part.strip() for part in text.split(BETWEEN)):
        if not entry:
            raise InputError(
                f"system.molecules is {shown(text)}, with nothing between two '{BETWEEN}'; write names, files, folders "
                f"or atoms with '{BETWEEN}' between them, such as 'H2 {BETWEEN} LiH {BETWEEN} HF'."
            )
        if not is_path(entry) and not is_inline(entry) and Path(entry).is_dir():
            files = sorted(Path(entry).glob("*.xyz"))
            if not files:
                raise InputError(f"system.molecules names the folder {shown(entry)}, which holds no .xyz file.")
            specs += map(str, files)
        else:
            specs.append(entry)
    return specs


def singles(config: ConfigDict) -> list[ConfigDict]:
    """A config of each molecule, which all else is the same for.

    Raises:
        InputError: for keys that say something of one molecule.
    """
    s = config.system
    for key, value in (("charge", s.charge), ("spin", s.spin)):
        if value is not None:
            raise InputError(
                f"system.{key} is {value}, and system.molecules names several; leave it at None, and state charge and "
                "spin in the comment line of an xyz file."
            )
    one = {"system.molecules": "", "training.molecules": None}
    t = default_config().training  # what says something of all molecules together is left out of each
    together = ("displaced", "displacement", "validation", "validation_steps", "patience")
    one |= {f"training.{key}": t[key] for key in together}
    if config.training.validation.strip():
        one["training.held_out_steps"] = 0  # molecules say when to stop, and no second grids need be made
    if s.molecule != (default := default_config().system.molecule):
        raise InputError(
            f"system.molecule is {shown(s.molecule)} and system.molecules names several; give molecules once, in "
            f"either way, or leave system.molecule at '{default}'."
        )
    return [override(config, {"system.molecule": spec, **one}) for spec in molecule_specs(s.molecules)]


def unseen(config: ConfigDict) -> list[ConfigDict]:
    """A config of each molecule that no update sees.

    Raises:
        InputError: for a molecule of the training, and for keys that compare grids.
    """
    t, defaults = config.training, default_config().training
    if not t.validation.strip():
        for key in ("validation_steps", "patience"):
            if t[key] != defaults[key]:
                raise InputError(
                    f"training.{key} is {t[key]}, which nothing would read: no molecules are evaluated beside the "
                    f"training; name some by training.validation, or leave training.{key} at {defaults[key]}."
                )
        return []
    if every := t.held_out_steps:
        raise InputError(
            f"training.held_out_steps is {every}, which compares grids, and training.validation names molecules; one "
            "of them says when to stop: use training.held_out_steps=0, or training.validation=''."
        )
    trained = set(map(_nuclei, singles(config)))
    others = singles(override(config, {"system.molecules": t.validation}))
    for single in others:
        if _nuclei(single) in trained:
            raise InputError(
                f"training.validation names {short_name(single.system.molecule)}, which system.molecules names, too; "
                "give molecules that are not trained on."
            )
    return others


def _nuclei(config: ConfigDict) -> tuple[Any, ...]:
    """What two configs of the same molecule share, however they write it."""
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    return molecule.symbols, np.asarray(molecule.positions).round(5).tobytes(), molecule.charge, molecule.spin


def labels_of(configs: Sequence[ConfigDict]) -> tuple[str, ...]:
    """What to call each molecule, numbered where several are called the same."""
    names = [short_name(config.system.molecule) for config in configs]
    return tuple(
        name if names.count(name) == 1 else f"{name} ({names[:index].count(name) + 1})"
        for index, name in enumerate(names)
    )


def most_orbitals(systems: Sequence[System]) -> int:
    """The number of orbitals that every system has room for, so that networks have one shape for all."""
    return max(max(system.nocc) for system in systems)


def make_objective(
    config: ConfigDict, problems: Sequence[Problem], labels: tuple[str, ...], weights: Sequence[float]
) -> Several:
    """The weighted sum of the energies of all molecules, by `training.molecules` of them at a time.

    Raises:
        InputError: for what is kept for one system alone.
    """
    for problem in problems:
        if problem.constraint is not None:
            raise InputError(
                f"orthogonalizer.constraint='{problem.constraint.kind}' is kept for one molecule, and system.molecules "
                "names several; use orthogonalizer.constraint='reparameterize'."
            )
    ansatz = config.ansatz.name
    if problems[0].model.table is not None:
        raise InputError(
            f"ansatz '{ansatz}' has no parameters but coefficients of a fixed basis, which molecules cannot share; "
            "name an ansatz with a network, or run each molecule by itself."
        )
    size = config.training.molecules
    if size is not None and not 1 <= size <= len(problems):
        raise InputError(
            f"training.molecules is {size}, and system.molecules names {len(problems)}; choose 1 to {len(problems)}, "
            "or None for all at every update."
        )
    return Several(tuple(problems), jnp.asarray(weights, float), labels, size or len(problems))


def stopping_by(
    config: ConfigDict, problems: Sequence[Problem], labels: tuple[str, ...], weights: Sequence[float]
) -> StoppingByMolecules:
    """Early stopping by the weighted sum of the energies of molecules that no update sees."""
    t = config.training
    objective = Several(tuple(problems), jnp.asarray(weights, float), labels, len(problems))
    held_out = UnseenMolecules(objective, objective.init_params(run_key(config)))
    return StoppingByMolecules(held_out, t.validation_steps, reports_end=True, patience=t.patience)


def stopping_of_all(each: Sequence[EarlyStopping | None]) -> EarlyStopping | None:
    """Early stopping by the sum of the energies on all held-out grids; None where some system has none."""
    present = [stopping for stopping in each if stopping is not None]
    if len(present) < len(each):
        return None
    energies = tuple(s.held_out for s in present if isinstance(s.held_out, ValidationEnergy))
    return EarlyStopping(ValidationOfSeveral(energies), present[0].every, present[0].reports_end)
