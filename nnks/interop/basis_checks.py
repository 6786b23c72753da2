"""What an orbital basis must be: for all electrons, and made for orbitals."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnks.geometries.elements import NUMBERS
from nnks.interop import basis_tables
from nnks.registry import InputError, shown
from nnks.tracking.notices import notice

CORE, HEAVY_CORE = 0.9, 0.45
"""The share of the bare nucleus's energy that a basis for all electrons reaches, up to krypton and beyond it.

Of the sets of PySCF and of the Basis Set Exchange, on eleven elements up to krypton: 0.96 (STO-2G) and more; valence
sets 0.02 to 0.83, but on lithium and beryllium, whose pseudopotentials often leave all electrons, up to 0.99: names
alone tell these. On fifteen heavier elements: 0.54 (relativistic contractions for lawrencium) and more; valence sets up
to 0.37.
"""

KRYPTON = 36

HELIUM = 2
"""Electrons of the first core."""

PSEUDOPOTENTIAL = re.compile(r"gth|ccecp|bfd|^ecp|crenb|sbkjc|molopt|^paw-|-bhs$", re.IGNORECASE)
"""Families that replace the electrons of every element, hydrogen's nucleus included."""

ALL_ELECTRON = "an all-electron basis such as 'def2-svp' up to Kr, or 'x2c-svpall'"


def check_all_electron(shells: list[Any], symbol: str, what: str) -> None:
    r"""Refuses a basis that does not describe the element's core, whatever it is called.

    The lowest orbital of the bare nucleus has the energy $-Z^2/2$; a valence basis, which goes with a pseudopotential,
    has no functions near the nucleus and misses most of it.

    Raises:
        InputError: in one sentence.
    """
    least = CORE if NUMBERS[symbol] <= KRYPTON else HEAVY_CORE
    if NUMBERS[symbol] > HELIUM and core_share(json.dumps(shells), symbol) < least:
        raise InputError(
            f"{what} has no functions for the core of {symbol}, as sets have none that go with a pseudopotential (ECP) "
            f"or fit densities; nnks treats all electrons: use {ALL_ELECTRON}."
        )


@functools.cache
def core_share(shells: str, symbol: str) -> float:
    """The lowest energy of one electron at the bare nucleus in a basis's s functions, as a share of the exact one."""
    from pyscf import gto

    tight = [shell for shell in json.loads(shells) if shell[0] == 0]
    if not tight:
        return 0.0
    charge = NUMBERS[symbol]
    mole = gto.M(atom=[(symbol, (0, 0, 0))], basis={symbol: tight}, unit="Bohr", charge=charge - 1, spin=1, verbose=0)
    overlap, bare = (
        mole.intor_symmetric("int1e_ovlp"),
        mole.intor_symmetric("int1e_kin") + mole.intor_symmetric("int1e_nuc"),
    )
    values, vectors = np.linalg.eigh(overlap)
    kept = values > 1e-9 * values.max()  # large sets are nearly dependent
    whitened = vectors[:, kept] / np.sqrt(values[kept])
    return float(np.linalg.eigvalsh(whitened.T @ bare @ whitened)[0] / (-0.5 * charge**2))


def check_family(name: str, key: str) -> None:
    """Refuses the names of families that go with a pseudopotential for every element.

    Raises:
        InputError: in one sentence.
    """
    if PSEUDOPOTENTIAL.search(name):
        raise _valence(name, key, "")


def check_set(names: Mapping[str, str], key: str) -> None:
    """Refuses sets that go with a pseudopotential for one of these elements.

    Args:
        names: of a set by element.
        key: of the config.

    Raises:
        InputError: in one sentence.
    """
    for symbol, name in names.items():
        if basis_tables.has_pseudopotential(name, symbol):
            raise _valence(name, key, f" for {symbol}")


def warn_of_fitting(names: Iterable[str], key: str) -> None:
    """Says once which sets were not made for orbitals."""
    for name in sorted(set(names)):
        if basis_tables.fits_densities(name):
            notice(f"{key} is {shown(name)}, a set for fitting densities and not for orbitals: energies will be poor.")


def _valence(name: str, key: str, element: str) -> InputError:
    return InputError(
        f"{key} is {shown(name)}, which goes with a pseudopotential (ECP){element}, and nnks treats all electrons; use "
        f"{ALL_ELECTRON}."
    )
