"""What XLA is told about compiling: flags that were tried with a version of it (`benchmarks/compiler.py`)."""

from __future__ import annotations

import os
from pathlib import Path

from jaxlib.version import __version__ as jaxlib_version

TRIED = jaxlib_version == "0.10.2"
"""Whether this version knows the flags: XLA ends a process over one that it does not know."""

SUMS = "--xla_cpu_experimental_ynn_fusion_type"
"""With nothing behind it: sums are not given to a library (YNNPACK) that is slow in double precision."""

FEW_PIECES = {"xla_cpu_use_fusion_emitters": False} if TRIED else {}
"""Compiles a program in pieces of several kernels. With a piece for each, a program of a molecule maps twice as
many areas of memory (results/benchmarks/compiler.json), of which Linux allows a process 65,530."""


def set_flags() -> None:
    """Sets the flags of all programs, beside a user's own; XLA reads them when a device is first asked for."""
    flags = os.environ.get("XLA_FLAGS", "")
    if TRIED and SUMS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {SUMS}=".strip()


AREAS = 30_000
"""Areas of memory beyond which programs of former runs are dropped: Linux allows a process 65,530, and XLA ends one
that asks for more."""


def areas() -> int:
    """Areas of memory that this process maps; 0 where the system does not say."""
    try:
        return len(Path("/proc/self/maps").read_bytes().splitlines())
    except OSError:
        return 0


def make_room() -> None:
    """Drops compiled programs where they map so many areas of memory that the next ones may find no room."""
    if areas() > AREAS:
        import jax

        jax.clear_caches()
