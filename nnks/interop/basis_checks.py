"""What an orbital basis must be: for all electrons, and made for orbitals. And which names are near a wrong one."""

from __future__ import annotations

import difflib
import functools
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nnks.geometries.elements import NUMBERS
from nnks.registry import InputError, shown
from nnks.tracking.notices import notice

CORE = 0.9
"""The share of the bare nucleus's energy that a basis for all electrons reaches: 0.96 (STO-2G) and more; valence sets of
PySCF reach 0.02 to 0.84 (Li, B, C, O, F, Na, Si, Cl, Ca, Fe, Br in each of its sets)."""

HELIUM = 2
"""Electrons of the first core."""

PSEUDOPOTENTIAL = re.compile(r"gth|ccecp|bfd|^ecp|crenb|sbkjc|molopt", re.IGNORECASE)
"""Families that replace the electrons of every element, hydrogen's nucleus included."""

FITTING = re.compile(r"j?k?fit|weigend|optri|[-_ ]?ri$|ahlrichs|demon[-_ ]?cfit|etb$", re.IGNORECASE)
"""Sets that expand densities or products of orbitals."""

NEAREST = 5


def check_all_electron(shells: list[Any], symbol: str, what: str) -> None:
    r"""Refuses a basis that does not describe the element's core, whatever it is called.

    The lowest orbital of the bare nucleus has the energy $-Z^2/2$; a valence basis, which goes with a pseudopotential, has no
    functions near the nucleus and misses most of it.

    Raises:
        InputError: in one sentence.
    """
    if NUMBERS[symbol] > HELIUM and core_share(json.dumps(shells), symbol) < CORE:
        raise InputError(
            f"{what} has no functions for the core of {symbol}: it goes with a pseudopotential (ECP), and nnks treats all "
            "electrons; use an all-electron basis such as 'def2-svp' up to Kr, or 'x2c-svpall'."
        )


@functools.cache
def core_share(shells: str, symbol: str) -> float:
    """The lowest energy of one electron at the bare nucleus in the s functions of a basis, as a share of the exact one."""
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


def check_orbital_set(name: str, key: str) -> None:
    """Refuses names of valence sets, and warns of fitting sets.

    Raises:
        InputError: in one sentence.
    """
    if PSEUDOPOTENTIAL.search(name):
        raise InputError(
            f"{key} is {shown(name)}, which goes with a pseudopotential (ECP), and nnks treats all electrons; use an "
            "all-electron basis such as 'def2-svp' up to Kr, or 'x2c-svpall'."
        )
    if FITTING.search(name) or not (in_pyscf(name) or role(name) in ("", "orbital")):
        notice(f"{key} is {shown(name)}, a set for fitting densities and not for orbitals: energies will be poor.")


def in_pyscf(name: str) -> bool:
    """Whether PySCF has a set of this name, for whatever elements."""
    from pyscf import gto

    bare = re.sub("[-_ ]", "", name.lower())
    return bare in gto.basis.ALIAS or bare in gto.basis.GTH_ALIAS or gto.basis._is_pople_basis(bare)


def has_pseudopotential(name: str, symbol: str) -> bool:
    """Whether a named set replaces the core of an element."""
    from pyscf import gto

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(gto.basis.load_ecp(name, symbol))
    except Exception:  # PySCF has no one type for "there is none"
        return False


def role(name: str) -> str:
    """What the Basis Set Exchange has a set for, such as `orbital` or `jkfit`; empty for one that it does not have."""
    from basis_set_exchange import api, misc

    return api.get_metadata().get(misc.transform_basis_name(name), {}).get("role", "")


def nearest_names(name: str, has_all: Callable[[str], bool], fitting: bool = False) -> list[str]:
    """The five names nearest to one that a run could use: all-electron orbital sets, or fitting sets, for which `has_all` holds."""
    from basis_set_exchange import api

    usable = {
        entry["display_name"].casefold(): entry["display_name"]
        for entry in api.get_metadata().values()
        if entry["role"] in (("jfit", "jkfit", "rifit") if fitting else ("orbital",))
        and not any("ecp" in kind for kind in entry["function_types"])
    }
    given = name.casefold()[:60]
    ranked = sorted(usable, key=lambda each: -difflib.SequenceMatcher(None, given, each).ratio())
    near: list[str] = []
    for candidate in ranked[: 8 * NEAREST]:  # each costs a look into its file
        if len(near) < NEAREST and candidate != given and has_all(candidate):
            near.append(usable[candidate])
    return near
