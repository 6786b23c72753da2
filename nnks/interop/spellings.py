"""One spelling for each basis set and functional: names that PySCF takes for the same one are the same run.

`STO-3G` and `sto3g` become `sto-3g`, `6-31g(d,p)` becomes `6-31g**`, `svwn` becomes `lda,vwn`. The spellings that runs
are mostly stored under stay as they are, and need no PySCF. A name that PySCF does not know is left to who refuses it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re

from nnks.interop.basis_names import is_mapping
from nnks.interop.basis_tables import in_exchange, in_pyscf, plain
from nnks.registry import InputError

BASES = frozenset(
    {
        "sto-3g",
        "3-21g",
        "6-31g",
        "6-31g*",
        "6-31g**",
        "6-311g*",
        "6-311g**",
        "cc-pvdz",
        "cc-pvtz",
        "cc-pvqz",
        "def2-svp",
        "def2-tzvp",
        "def2-universal-jfit",
        "pcseg-0",
        "pcseg-1",
        "pcseg-2",
        "pcseg-3",
        "pcseg-4",
        "auto",
        "even_tempered",
    }
)
"""Names that are looked up nowhere."""

FUNCTIONALS = ("", "lda,vwn", "lda,", "lda,pw", "pbe", "pbe,pbe", "blyp", "revpbe", "tpss", "scan", "r2scan")
"""The same of functionals; of two that are the same, runs are stored under both."""

_POPLE = re.compile(r"([3-6])(\d{2,3})(\+*g.*)")
_POLARIZED = {"(d)": "*", "(d,p)": "**", "s": "*", "ss": "**"}
"""Endings of Pople's names."""


def one_spelling(spec: str) -> str:
    """A basis of names in the spelling that all names of the same set share; a mapping in that of each of its names.

    A text as it is.
    """
    if "\n" in spec:
        return spec
    if not is_mapping(spec):
        return _of_name(spec)
    entries = (entry.partition(":") for entry in re.split(r",(?=[A-Za-z*]+:)", spec))
    return ",".join(f"{element}:{_of_name(name)}" for element, _, name in entries)


def _of_name(name: str) -> str:
    word = name.strip().lower()
    if word in BASES:
        return word
    start = re.match(r"(unc[-_ ]?)?", word)
    assert start is not None  # it matches nothing, too
    base, at, scheme = word[start.end() :].partition("@")
    prefix = "unc-" if start[0] else ""
    if in_pyscf(base):
        base = _of_set(base)
    elif not in_exchange(base):
        return name
    return f"{prefix}{base}{at}{scheme}"


@functools.cache
def _of_set(name: str) -> str:
    """The name of a set of PySCF's: that of the Basis Set Exchange, or else that of PySCF's file, with their dashes."""
    from pyscf import gto

    bare = plain(name)
    if match := _POPLE.fullmatch(bare):
        rest = re.sub(r"(?<=g)(\(d\)|\(d,p\)|ss?)$", lambda ending: _POLARIZED[ending[0]], match[3])
        return f"{match[1]}-{match[2]}{rest}"
    files = gto.basis.ALIAS.get(bare, bare)
    same = sorted(key for key, others in gto.basis.ALIAS.items() if others == files)
    stem = os.path.splitext(os.path.basename(files))[0].lower() if isinstance(files, str) else ""
    exchange = _exchange()
    known = [exchange[key] for key in (plain(stem), *same) if key in exchange and key in same]
    return (known or ([stem] if plain(stem) in same else []) or same or [name])[0]


@functools.cache
def _exchange() -> dict[str, str]:
    """Names of the Basis Set Exchange by what PySCF makes of them."""
    from basis_set_exchange import api

    names = sorted(entry["display_name"].lower() for entry in api.get_metadata().values())
    return {plain(name): name for name in reversed(names)}


@functools.cache
def one_functional(xc: str) -> str:
    """A functional in the spelling that all strings of the same meaning share: `slater, vwn5` is `lda,vwn`.

    What has no short name is the sum of its parts in libxc's names, in the order of their numbers.
    """
    word = xc.lower().replace(" ", "")
    if word in FUNCTIONALS:
        return word
    from nnks.interop.libxc import parts

    try:
        own = parts(xc)
    except InputError:  # what is wrong with it is said where the run is checked
        return xc
    if own in _short_names():
        return _short_names()[own]
    return "+".join(part if factor == 1 else f"{factor!r}*{part}" for part, factor in own)


@functools.cache
def _short_names() -> dict[tuple[tuple[str, float], ...], str]:
    """What is short for a sum of functionals: the spellings that runs are stored under, then PySCF's own names."""
    from pyscf.dft import libxc

    from nnks.interop.libxc import parts

    names: dict[tuple[tuple[str, float], ...], str] = {}
    for name in (*FUNCTIONALS, *sorted(name.lower() for name in libxc.XC_ALIAS)):
        with contextlib.suppress(InputError):  # hybrids, and what else nnks does not have
            names.setdefault(parts(name), name)
    return names
