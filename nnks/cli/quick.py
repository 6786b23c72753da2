"""What lets a short command answer soon: most of its time is imports."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

UNUSED = ("numpy.f2py", "scipy.optimize")
"""What SciPy and PySCF import for parts of theirs that neither a run nor a dry run has a use for: a fifth of a
second."""

SELDOM = 100_000
"""Objects made between two garbage collections of a run; Python's 700 suit programs that make few, and importing and
tracing make millions."""


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """No garbage collections, a fifth of the time of imports, and no modules that are not used.

    For a process that ends soon.
    """
    enabled = gc.isenabled()
    gc.disable()
    for name in UNUSED:
        put_off(name)
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def seldom(unused: Sequence[str] = ()) -> Iterator[None]:
    """Few garbage collections, a tenth of the time of a small run, and no modules that are `unused`.

    For a process that may go on for long.
    """
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    for name in unused:
        put_off(name)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def put_off(name: str) -> None:
    """Leaves a module out until something of it is used; one that is loaded stays."""
    parent, _, own = name.rpartition(".")
    package = importlib.import_module(parent)
    if name in sys.modules or importlib.util.find_spec(name) is None:
        return
    module = types.ModuleType(name)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):  # what the import system looks for
            raise AttributeError(attribute)
        if sys.modules.get(name) is module:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    vars(module)["__getattr__"] = load
    sys.modules[name] = module
    setattr(package, own, module)
