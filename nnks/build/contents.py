"""A config that stands by itself: what its files hold takes the place of their names.

A file can be edited or removed between two commands. From here on the run, its checkpoints, its references and its W&B id are
those of the nuclei and basis functions that were read, and the stored `config.json` repeats the run elsewhere.
"""

from __future__ import annotations

from nnks.config import ConfigDict, override
from nnks.interop import basis_sets
from nnks.molecule import embedded

BASES = ("system.basis", "functional.auxiliary", "evaluation.auxiliary")
"""Keys that may name a basis file; each is its section's and its own name."""


def self_contained(config: ConfigDict) -> ConfigDict:
    """The config with the text of geometry and basis files in it; one without files comes back as it is.

    Raises:
        InputError: for a file that cannot be read.
    """
    changes = {"system.molecule": embedded(config.system.molecule)}
    for key in BASES:
        section, name = key.split(".")
        changes[key] = basis_sets.embedded(config[section][name], key)
    given = {key: config[key.split(".")[0]][key.split(".")[1]] for key in changes}
    return override(config, changes) if changes != given else config
