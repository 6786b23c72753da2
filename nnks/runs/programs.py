"""Compiled programs of many runs in one process."""

from __future__ import annotations

from pathlib import Path


def release_programs(limit: int | None = None) -> bool:
    """Drops compiled programs before they use up the memory maps that Linux gives to a process; says whether it did.

    A run leaves 2,000 to 3,000 maps, and at the usual limit of 65,530 the compiler aborts the process. Runs of equal
    shapes share programs, so they are kept as long as there is room.

    Args:
        limit: number of maps beyond which programs go; None for half of the system's limit.
    """
    maps, allowed = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
    if not (maps.is_file() and allowed.is_file()):
        return False
    limit = int(allowed.read_text()) // 2 if limit is None else limit
    if maps.read_bytes().count(b"\n") <= limit:
        return False
    import jax

    jax.clear_caches()
    return True
