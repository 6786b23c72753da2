"""Named basis sets: those of PySCF's tables, and those that only the Basis Set Exchange has."""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
import re
import warnings
from collections.abc import Callable, Collection
from typing import Any

from nnks.geometries.elements import NUMBERS

NEAREST, LOOKED_AT = 5, 15
"""How many names a refusal proposes, and how many it reads in search of them."""

SLOW = ("lehtola_hgbs",)
"""Families of the Basis Set Exchange that it reads in seconds, of up to a thousand functions for an element."""

FITTING = re.compile(r"fit|optri|sap_|[-_]ri\.dat", re.IGNORECASE)
"""In names, and in those of PySCF's files: sets that expand densities, products of orbitals or potentials."""

_CONTRACTED = re.compile(r"(\d{1,2}[spdfghi])+", re.IGNORECASE)
_POPLE = re.compile(r"([3-6]\d+[^()]*)\([a-z0-9]+(,[a-z0-9]+)?\)")


def plain(name: str) -> str:
    """A name as PySCF's tables have it: lower case, without dashes and spaces."""
    return re.sub("[-_ ]", "", name.lower())


def in_pyscf(name: str) -> bool:
    """Whether PySCF has a set of this name, for whatever elements."""
    from pyscf import gto

    bare = plain(name)
    return bare in gto.basis.ALIAS or bare in gto.basis.GTH_ALIAS or _is_pople(bare)


def _is_pople(bare: str) -> bool:
    """Whether a name such as `6-31g(2df,2pd)` is that of a set and of polarization functions that there are.

    PySCF leaves out of a name what it cannot read.
    """
    from pyscf import gto

    match = _POPLE.fullmatch(bare)
    if match is None or match[1] not in gto.basis.ALIAS:
        return False
    parts = [gto.basis._parse_pople_basis(bare, symbol) for symbol in ("H", "O")]
    files = {file for part in parts for file in ((part,) if isinstance(part, str) else part)}
    return all(os.path.isfile(os.path.join(gto.basis._BASIS_DIR, file)) for file in files)


@functools.cache
def in_exchange(name: str) -> bool:
    """Whether the Basis Set Exchange has a set of this name."""
    return bool(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    from basis_set_exchange import api, misc

    return api.get_metadata().get(misc.transform_basis_name(name), {})


@functools.cache
def load(name: str, symbol: str) -> list[Any]:
    """The shells of an element; `unc-` before a name decontracts them, and `@3s2p` behind it leaves contractions out.

    Raises:
        LookupError: with the symbol for a set that lacks the element, with `@...` for one that cannot be contracted so,
            and with nothing for a name that does not exist.
    """
    from pyscf import gto

    bare = re.sub(r"^unc[-_ ]?", "", name.lower())
    base, at, scheme = bare.partition("@")
    if not in_pyscf(base) and not in_exchange(base):
        raise LookupError("")
    if at and not _CONTRACTED.fullmatch(scheme):
        raise LookupError(f"@{scheme}")
    shells = _whole(base, symbol)
    if at:
        try:
            shells = gto.basis._truncate(shells, gto.basis._convert_contraction(scheme), symbol, (base, scheme))
        except (AssertionError, KeyError, ValueError):
            raise LookupError(f"@{scheme}") from None
    return shells if bare == name.lower() else gto.uncontracted_basis(shells)


def _whole(base: str, symbol: str) -> list[Any]:
    """All shells of an element: from PySCF's tables, else from the Basis Set Exchange."""
    from pyscf import gto

    shells: list[Any] = []
    with (
        warnings.catch_warnings(),
        contextlib.suppress(Exception),
    ):  # PySCF raises six types for an element that a set lacks
        warnings.simplefilter("ignore")  # and suggests installing packages
        shells = gto.basis.load(base, symbol) if in_pyscf(base) else []
    if not shells and in_exchange(base):
        from pyscf.gto.basis import bse  # a tenth of a second, for the few sets that PySCF lacks

        with contextlib.suppress(KeyError):
            shells = bse.get_basis(base, symbol).get(symbol, [])
    if not shells:
        raise LookupError(symbol)
    return shells


def has(name: str, symbol: str) -> bool:
    """Whether a set of this name has functions for an element."""
    try:
        return bool(load(name, symbol))
    except LookupError:
        return False


def has_pseudopotential(name: str, symbol: str) -> bool:
    """Whether a named set replaces the core of an element."""
    from pyscf import gto

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(gto.basis.load_ecp(name.partition("@")[0], symbol))
    except Exception:  # PySCF has no one type for "there is none"
        return False


def fits_densities(name: str) -> bool:
    """Whether a named set was made to expand something else than orbitals."""
    from pyscf import gto

    base = re.sub(r"^unc[-_ ]?", "", name.lower()).partition("@")[0]
    files = gto.basis.ALIAS.get(plain(base), ())
    if any(FITTING.search(text) for text in (base, *((files,) if isinstance(files, str) else files))):
        return True
    return not in_pyscf(base) and _entry(base).get("role", "orbital") != "orbital"


def nearest(name: str, symbols: Collection[str], usable: Callable[[str], bool]) -> list[str]:
    """The names nearest to one, of orbital sets that have all elements and are usable.

    Args:
        name: what was asked for.
        symbols: of the elements.
        usable: whether a run could have this set; it is read for that.
    """
    from basis_set_exchange import api

    numbers = {str(NUMBERS[symbol]) for symbol in symbols}
    names: dict[str, str] = {}
    for entry in api.get_metadata().values():
        elements = entry["versions"][entry["latest_version"]]["elements"]
        if entry["role"] == "orbital" and entry["family"] not in SLOW and numbers <= set(elements):
            names[entry["display_name"].casefold()] = entry["display_name"]
    given = name.casefold()[:60]
    ranked = sorted(names, key=lambda each: -difflib.SequenceMatcher(None, given, each).ratio())
    near: list[str] = []
    for candidate in ranked[:LOOKED_AT]:
        if len(near) < NEAREST and candidate != given and usable(candidate):
            near.append(names[candidate])
    return near
