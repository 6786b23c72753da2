"""Which basis a string of a config means: a name, a name for each element, a file, or the text of one.

Nothing of it is evaluated, and PySCF gets numbers. Its `gto.basis.load` would read a file of the working folder that happens to
have a basis's name, and evaluate it: names go to it from a list, and only where no such file lies. Names that PySCF lacks come
from the Basis Set Exchange.
"""

from __future__ import annotations

import copy
import functools
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from nnks import textfiles
from nnks.geometries.elements import NUMBERS
from nnks.interop import basis_text
from nnks.interop.basis_checks import (
    check_all_electron,
    check_orbital_set,
    has_pseudopotential,
    in_pyscf,
    nearest_names,
)
from nnks.interop.basis_text import Shells
from nnks.interop.numbers import evaluate_nothing
from nnks.registry import InputError, shown
from nnks.textfiles import read_text, title

ENDINGS = (".nw", ".nwchem", ".gbs", ".bas", ".basis", ".tm", ".cp2k", ".dat", ".txt", ".json")
"""What the path of a basis file ends in."""

LONGEST_NAME = 100
"""Characters."""

COMMON = "C"
"""An element that all of Pople's sets have."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 +*(),._/'-]*")
_TRUNCATED = re.compile(r"(\d{1,2}[spdfghi])+", re.IGNORECASE)


def functions(
    spec: str, symbols: Iterable[str], key: str = "system.basis", *, fitting: bool = False
) -> dict[str, Shells]:
    """The basis of some elements, as PySCF has it inside.

    Args:
        spec: as in a config: `6-31g`, `O:cc-pvdz,H:sto-3g`, the path of a file, or the text of one.
        symbols: of the elements.
        key: of the config, for errors.
        fitting: whether a fitting set is asked for, which need not describe a core.

    Raises:
        InputError: for what does not exist, lacks an element, cannot be read, or needs a pseudopotential.
    """
    evaluate_nothing()
    spec, symbols = canonical(spec, key), sorted(set(symbols), key=NUMBERS.__getitem__)
    text = _text(spec, key)
    if text is not None:
        written = basis_text.parse(text, key)
        missing = [symbol for symbol in symbols if symbol not in written]
        if missing:
            raise InputError(
                f"{key} has functions for {', '.join(written)} and none for {', '.join(missing)}; add them, or use a name "
                "such as '6-31g'."
            )
        known = {symbol: written[symbol] for symbol in symbols}
    else:
        names = by_element(spec, symbols, key)
        known = {symbol: _named(name, symbol, tuple(symbols), key, fitting) for symbol, name in names.items()}
        if not fitting:
            for name in sorted(set(names.values())):
                check_orbital_set(name, key)
            replaced = [symbol for symbol, name in names.items() if has_pseudopotential(name.partition("@")[0], symbol)]
            if replaced:
                raise InputError(
                    f"{key} is {shown(spec)}, which goes with a pseudopotential (ECP) for {', '.join(replaced)}, and nnks "
                    "treats all electrons; use an all-electron basis such as 'def2-svp' up to Kr, or 'x2c-svpall'."
                )
    if not fitting:
        for symbol, shells in known.items():
            check_all_electron(shells, symbol, f"{key} {shown(label(spec))}")
    return known


def canonical(spec: Any, key: str = "system.basis") -> str:
    """A spec as one string: a mapping from elements to names becomes `H:sto-3g,O:cc-pvdz`.

    Raises:
        InputError: for anything but text and such a mapping.
    """
    if isinstance(spec, Mapping):
        if not spec or not all(isinstance(part, str) and part.strip() for pair in spec.items() for part in pair):
            raise InputError(
                f"{key} is {shown(dict(spec))}; expected names by element, such as {{'O': 'cc-pvdz', 'H': 'sto-3g'}}."
            )
        return ",".join(f"{symbol.strip()}:{spec[symbol].strip()}" for symbol in sorted(spec))
    if not isinstance(spec, str) or not spec.strip():
        raise InputError(f"{key} is {shown(spec)}; expected the name of a basis set such as '6-31g', or a basis file.")
    return spec if "\n" in spec else spec.strip()


def by_element(spec: str, symbols: Iterable[str], key: str = "system.basis") -> dict[str, str]:
    """The name for each element.

    Raises:
        InputError: for a mapping that cannot be read or lacks an element.
    """
    if ":" not in spec:
        return dict.fromkeys(symbols, spec)
    names: dict[str, str] = {}
    for part in spec.split(","):
        element, _, name = (piece.strip() for piece in part.partition(":"))
        element = element if element == "*" else element.capitalize()
        if not name or (element not in NUMBERS and element != "*") or element in names:
            raise InputError(
                f"{key} is {shown(spec)}, of which {shown(part)} cannot be read; expected each element once with a name, such "
                "as 'O:cc-pvdz,H:sto-3g', or '*' for all others."
            )
        names[element] = name
    missing = [symbol for symbol in symbols if symbol not in names and "*" not in names]
    if missing:
        raise InputError(
            f"{key} is {shown(spec)}, which names no basis for {', '.join(missing)}; add '{missing[0]}:6-31g' to it."
        )
    return {symbol: names.get(symbol, names.get("*", "")) for symbol in symbols}


def is_text(spec: str) -> bool:
    """Whether a spec is the text or the path of a basis rather than names."""
    return "\n" in spec or spec.lstrip()[:1] in ("{", "[") or spec.lower().endswith(ENDINGS) or _is_file(spec)


def _is_file(spec: str) -> bool:
    return os.sep in spec and os.path.exists(spec)


def _text(spec: str, key: str) -> str | None:
    """The text that a spec is, or is the path of; None for names."""
    if "\n" in spec or spec.lstrip()[:1] in ("{", "["):
        return spec
    if is_text(spec):
        return read_text(spec, key, "a basis file")
    return None


def _named(name: str, symbol: str, symbols: tuple[str, ...], key: str, fitting: bool) -> Shells:
    """The shells of an element in a set that has a name.

    Raises:
        InputError: for a name that does not exist, or has no functions for the element, with names that do.
    """
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name.partition("@")[0]):
        raise InputError(
            f"{key} is {shown(name)}, which is no name of a basis set; use one such as '6-31g', or a basis file."
        )
    if os.path.isfile(name):
        raise InputError(
            f"{key} is {shown(name)}, a basis set and also a file of the working folder; rename the file, which would be "
            f"read if it ended in {ENDINGS[0]} or {ENDINGS[2]}."
        )
    try:
        return copy.deepcopy(_load(name.lower(), symbol))
    except LookupError as error:
        reasons = {"": "which no basis set is called", symbol: f"which exists and has no functions for {symbol}"}
        reason = reasons.get(error.args[0], f"and the set cannot be contracted to {shown(error.args[0])} for {symbol}")
        near = nearest_names(name, lambda other: all(has(other, each) for each in symbols), fitting)
    near = [*(["auto", "even_tempered"] if fitting else []), *near]
    hint = f"such as {', '.join(map(repr, near))}" if near else "such as '6-31g' or 'def2-svp'"
    raise InputError(f"{key} is {shown(name)}, {reason}; use one that has {', '.join(symbols)}, {hint}.")


def has(name: str, symbol: str) -> bool:
    """Whether a set of this name has functions for an element."""
    try:
        return bool(_load(name.lower(), symbol))
    except LookupError:
        return False


@functools.cache
def _load(name: str, symbol: str) -> Shells:
    """The shells of an element from PySCF's tables, else from the Basis Set Exchange; `unc-` in front decontracts them.

    Raises:
        LookupError: with the symbol for a set that lacks the element, with `@...` for one that cannot be contracted so, and
            with nothing for a name that does not exist.
    """
    from pyscf import gto

    bare = re.sub(r"^unc[-_ ]?", "", name)
    base, _, scheme = bare.partition("@")
    if not in_pyscf(base) and not _in_exchange(base):
        raise LookupError("")
    if symbol != COMMON and gto.basis._is_pople_basis(base.replace("-", "")) and not has(base, COMMON):
        raise LookupError("")  # PySCF puts Pople's names together from parts, and there is no such part
    if "@" in bare and not _TRUNCATED.fullmatch(scheme):
        raise LookupError(f"@{scheme}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PySCF suggests installing packages
            shells = gto.basis.load(bare, symbol)
            if bare != name:
                shells = gto.uncontracted_basis(shells)
    except Exception:  # PySCF raises six unrelated types for an element that a set lacks, and for other contractions
        wrong = "" if symbol == COMMON and gto.basis._is_pople_basis(base.replace("-", "")) else symbol
        raise LookupError(f"@{scheme}" if scheme and has(base, symbol) else wrong) from None
    if not shells:
        raise LookupError(symbol)
    return shells


@functools.cache
def _in_exchange(name: str) -> bool:
    from basis_set_exchange import api, misc

    return misc.transform_basis_name(name) in api.get_metadata()


def embedded(spec: str, key: str = "system.basis") -> str:
    """The spec with a file's content, in one format and with all digits, in place of its path; names stay names.

    The first line is a comment with the file's name.
    """
    spec = canonical(spec, key)
    text = _text(spec, key)
    if text is None:
        return spec
    name = title(text) if text == spec else os.path.splitext(os.path.basename(spec))[0]
    return basis_text.write(basis_text.parse(text, key), name)


def label(spec: str) -> str:
    """A short name for tables and references: the name, the mapping, the file's stem, or what a text calls itself."""
    if "\n" not in spec and is_text(spec):
        return os.path.splitext(os.path.basename(spec))[0]
    return textfiles.label(spec)
