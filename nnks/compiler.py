"""What XLA is told about compiling: flags that were tried with a version of it (`benchmarks/compiler.py`)."""

from __future__ import annotations

import os

from jaxlib.version import __version__ as jaxlib_version

TRIED = jaxlib_version == "0.10.2"
"""Whether this version knows the flags: XLA ends a process over one that it does not know."""

SUMS = "--xla_cpu_experimental_ynn_fusion_type"
"""With nothing behind it: sums are not given to a library (YNNPACK) that is slow in double precision."""

FEW_PIECES = {"xla_cpu_use_fusion_emitters": False} if TRIED else {}
"""Compiles a program in pieces of several kernels. With a piece for each, a program of a molecule maps three times as
many areas of memory, of which Linux allows a process 65,530."""


def set_flags() -> None:
    """Sets the flags of all programs, beside a user's own; XLA reads them when a device is first asked for."""
    flags = os.environ.get("XLA_FLAGS", "")
    if TRIED and SUMS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {SUMS}=".strip()
