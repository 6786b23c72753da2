"""PySCF reads numbers, and nothing else, where it would evaluate text; and a basis set's name is never a file to it.

Its parsers of basis sets and geometries hand words to Python's `eval`. What a config says goes by other ways
(`nnks.interop.basis_sets`); but for every name that it looks up, `ano` of its first guess included, PySCF opens a file
of the working folder that is called so.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

PARSERS = ("gto.basis.parse_nwchem", "gto.basis.parse_nwchem_ecp", "gto.basis.parse_cp2k", "gto.mole")
"""Modules of PySCF that evaluate words of text."""


@functools.cache
def evaluate_nothing() -> None:
    """Gives these modules an `eval` of their own, which reads numbers, and PySCF's tables a view of files.

    Once a process.
    """
    for name in PARSERS:
        vars(importlib.import_module(f"pyscf.{name}"))["eval"] = read_numbers
    vars(importlib.import_module("pyscf.gto.basis"))["os"] = _Files()


def read_numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Raises:
        ValueError: for anything else.
    """
    return tuple(float(word.replace("D", "E").replace("d", "e")) for word in text.split(",") if word.strip())


class _Files:
    """The module `os` and its `path` in one, to which a word without a dot or a separator is no file."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os.path, name, None) or getattr(os, name)

    @property
    def path(self) -> _Files:
        return self

    @staticmethod
    def isfile(path: str) -> bool:
        """Whether a path is that of a file, and looks like one."""
        return ("." in path or os.sep in path) and os.path.isfile(path)
