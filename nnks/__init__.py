"""nnks: experiments on Kohn-Sham orbitals, Gaussian and neural, by direct energy minimization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnks.config import default_config as default_config
    from nnks.config import load_config as load_config
    from nnks.molecule import Molecule as Molecule
    from nnks.registry import InputError as InputError
    from nnks.runs.experiment import run as run
    from nnks.runs.stored_orbitals import load_orbitals as load_orbitals
    from nnks.runs.summary import Summary as Summary

__version__ = "0.2.0"

_HOMES = {
    "default_config": "nnks.config",
    "load_config": "nnks.config",
    "load_orbitals": "nnks.runs.stored_orbitals",
    "run": "nnks.runs.experiment",
    "Summary": "nnks.runs.summary",
    "Molecule": "nnks.molecule",
    "InputError": "nnks.registry",
}
__all__ = ["InputError", "Molecule", "Summary", "default_config", "load_config", "load_orbitals", "run"]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that `nnks --help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nnks' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
