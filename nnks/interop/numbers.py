"""PySCF reads numbers, and nothing else, where it would evaluate text.

Its parsers of basis sets and geometries hand words to Python's `eval`. What a config says goes by other ways
(`nnks.interop.basis_sets`); but PySCF opens whatever file of the working folder has the name of a set that it looks up itself,
`ano` for a first guess.
"""

from __future__ import annotations

import functools
import importlib

PARSERS = ("gto.basis.parse_nwchem", "gto.basis.parse_nwchem_ecp", "gto.basis.parse_cp2k", "gto.mole")
"""Modules of PySCF that evaluate words of text."""


@functools.cache
def evaluate_nothing() -> None:
    """Gives these modules an `eval` of their own, which reads numbers; once a process."""
    for name in PARSERS:
        vars(importlib.import_module(f"pyscf.{name}"))["eval"] = read_numbers


def read_numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Raises:
        ValueError: for anything else.
    """
    return tuple(float(word.replace("D", "E").replace("d", "e")) for word in text.split(",") if word.strip())
