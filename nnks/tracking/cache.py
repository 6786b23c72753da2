"""What is kept between results folders: the user's cache folder, or another one that an environment variable names."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "NNKS_CACHE"
"""Names the folder; unset or empty for the user's own, such as `~/.cache/nnks`."""

REFERENCES = "references"
"""The folder of one JSON file a reference energy: in the cache, and in the results folders of older versions."""


def cache_folder() -> Path:
    """The folder of compiled programs and reference energies. All in it can be computed again."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get(VARIABLE) or user_cache_dir("nnks")).expanduser().absolute()


def reference_folders(results: str | Path) -> tuple[Path, Path]:
    """Where reference energies are kept, and where versions before 0.2 kept them, which is read only."""
    return cache_folder() / REFERENCES, Path(results) / REFERENCES
