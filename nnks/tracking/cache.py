"""What is kept between results folders: the user's cache folder, or another one that an environment variable names."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from nnks.errors import InputError, one_line, shown

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


def check_backend() -> None:
    """Refuses what JAX cannot compute on, such as a `JAX_PLATFORMS` that names a device that is not there.

    Raises:
        InputError: with the variable, where it is set.
    """
    import jax

    try:
        jax.devices()
    except (AssertionError, RuntimeError) as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        what = f"JAX_PLATFORMS is {shown(asked)}, and JAX" if asked else "JAX"
        why = one_line(str(error), 200).rstrip(".") or "it is not there"
        raise InputError(
            f"{what} finds no such device ({why}); set JAX_PLATFORMS=cpu, or install jax for it."
        ) from None


def use_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache folder for the next process.

    Small ones, too, of which a run has many.
    """
    import jax

    jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    write_programs_whole()


def write_programs_whole() -> None:
    """Makes JAX store a compiled program whole or not at all.

    JAX writes an entry in place and never again. A kill, a full disk or another process that reads at that moment meets
    half of one, and JAX then warns in every later process. Its cache has no public hook for this: where a later JAX has
    another class, its own way of writing stays.
    """
    try:
        from jax._src.lru_cache import LRUCache
    except ImportError:
        return
    LRUCache.put = _put_whole(LRUCache.put)


def _put_whole(put: Any) -> Any:
    """`put` of JAX's cache of files, by way of a temporary file.

    A cache of bounded size, which keeps a lock, is left alone.
    """
    if hasattr(put, "__wrapped__"):  # by an earlier call
        return put

    @functools.wraps(put)
    def put_whole(cache: Any, key: str, value: bytes) -> None:
        from nnks.tracking.files import replacing

        if cache.eviction_enabled:
            put(cache, key, value)
            return
        path = Path(cache.path) / f"{key}-cache"
        if not path.exists():
            with replacing(path, durable=False) as stream:
                stream.write(value)

    return put_whole
