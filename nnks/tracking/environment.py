"""Where a number came from: the code, the packages, the machine and the thread settings of a run."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = (
    "nnks",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "ml-collections",
    "numpy",
    "scipy",
    "pyscf",
    "wandb",
)
"""The packages whose versions can change an energy or how it is recorded."""

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "XLA_FLAGS",
    "JAX_PLATFORMS",
    "JAX_ENABLE_X64",
)
"""The environment variables that decide how many threads and which device a run uses."""


def environment() -> dict[str, Any]:
    """What is needed to run the same thing again; never fails, unknown entries are None.

    Returns:
        A JSON-ready dictionary: `commit`, `dirty`, `versions`, `python`, `platform`, `processor`, `cpus`,
        `device`, `threads`, `command`, `started` (UTC).
    """
    commit, dirty = source_state(Path(__file__).resolve().parents[1])
    return {
        "commit": commit,
        "dirty": dirty,
        "versions": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": _device(),
        "threads": {name: os.environ[name] for name in THREAD_SETTINGS if name in os.environ},
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def source_state(package: Path) -> tuple[str | None, bool | None]:
    """The commit that `package` was loaded from, and whether tracked files differ from it.

    An installed copy can lie inside somebody else's repository (a virtual environment in a project does), so
    the commit counts only if git tracks the package itself.

    Args:
        package: the folder that holds the package's `__init__.py`.

    Returns:
        (commit, dirty), both None without git or outside a repository.
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changes is None else bool(changes)


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (
        OSError,
        subprocess.SubprocessError,
    ):  # no git, no repository, no commit yet, a hanging file system
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or None


def _device() -> str | None:
    import jax

    try:
        devices = jax.devices()
    except RuntimeError:  # the requested platform is not there
        return None
    return f"{len(devices)} x {devices[0].platform} ({devices[0].device_kind})"
