"""Which basis a string of a config means: a name, a name for each element, a file, or the text of one.

Nothing of it is evaluated, and PySCF gets numbers. Names that PySCF's tables lack come from the Basis Set Exchange.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable

from nnks import textfiles
from nnks.geometries.elements import NUMBERS
from nnks.interop import basis_tables, basis_text
from nnks.interop.basis_checks import check_all_electron, check_family, check_set, warn_of_fitting
from nnks.interop.basis_names import by_element, canonical, is_mapping, joined, listed
from nnks.interop.basis_text import Shells
from nnks.interop.numbers import evaluate_nothing
from nnks.registry import InputError, shown
from nnks.textfiles import read_text, title

ENDINGS = (".nw", ".nwchem", ".gbs", ".bas", ".basis", ".tm", ".cp2k", ".dat", ".txt", ".json")
"""What the path of a basis file ends in."""

LONGEST_NAME = 100
"""Characters."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 +*(),._/'-]*")


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
    names = by_element(spec, symbols, key) if text is None else {}
    if not fitting:
        for name in sorted(set(names.values())):
            check_family(name, key)
    if text is not None:
        known = _written(text, symbols, key)
    else:
        known = {symbol: _named(name, symbol, symbols, key) for symbol, name in names.items()}
    if not fitting:
        check_set(names, key)
        for symbol, shells in known.items():
            check_all_electron(shells, symbol, f"{key} {shown(label(spec))}")
        warn_of_fitting(names.values(), key)
    return known


def is_text(spec: str) -> bool:
    """Whether a spec is the text or the path of a basis rather than names."""
    if "\n" in spec or spec.lstrip()[:1] in ("{", "["):
        return True
    return _is_file(spec) or (spec.lower().endswith(ENDINGS) and not is_mapping(spec))


def _is_file(spec: str) -> bool:
    return os.sep in spec and os.path.exists(spec)


def _text(spec: str, key: str) -> str | None:
    """The text that a spec is, or is the path of; None for names."""
    if "\n" in spec or spec.lstrip()[:1] in ("{", "["):
        return spec
    return read_text(spec, key, "a basis file") if is_text(spec) else None


def _written(text: str, symbols: Iterable[str], key: str) -> dict[str, Shells]:
    """The functions that a text has for some elements."""
    written = basis_text.parse(text, key)
    missing = [symbol for symbol in symbols if symbol not in written]
    if missing:
        raise InputError(
            f"{key} has functions for all electrons of {', '.join(list(written)[:8]) or 'no element'}"
            f"{', ...' if len(written) > 8 else ''} and none for {', '.join(missing)}; add them, or use a name such as "
            "'6-31g'."
        )
    return {symbol: written[symbol] for symbol in symbols}


def _named(name: str, symbol: str, symbols: list[str], key: str) -> Shells:
    """The shells of an element in a set that has a name.

    Raises:
        InputError: for a name that does not exist, or has no functions for the element, with names that do.
    """
    if name.lower().endswith(ENDINGS):
        raise InputError(
            f"{key} names {shown(name)} for {symbol}, and elements take names; put the functions of all elements in "
            "one file."
        )
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name.partition("@")[0]):
        raise InputError(
            f"{key} is {shown(name)}, which is no name of a basis set; use one such as '6-31g', or a basis file."
        )
    try:
        return copy.deepcopy(basis_tables.load(name, symbol))
    except LookupError as error:
        reasons = {"": "which no basis set is called", symbol: f"which exists and has no functions for {symbol}"}
        reason = reasons.get(error.args[0], f"and the set cannot be contracted to {shown(error.args[0])} for {symbol}")
    near = basis_tables.nearest(name, symbols, lambda other: _usable(other, symbols, key))
    hint = f"such as {', '.join(map(repr, near))}" if near else "such as '6-31g' or 'def2-svp'"
    raise InputError(f"{key} is {shown(name)}, {reason}; use one that has {', '.join(symbols)}, {hint}.")


def _usable(name: str, symbols: Iterable[str], key: str) -> bool:
    """Whether a named set has all electrons of these elements."""
    try:
        check_family(name, key)
        for symbol in symbols:
            check_all_electron(basis_tables.load(name, symbol), symbol, key)
        return not any(basis_tables.has_pseudopotential(name, symbol) for symbol in symbols)
    except (InputError, LookupError):
        return False


def embedded(spec: str, key: str = "system.basis") -> str:
    """The spec with a file's content, in one format and with all digits, in place of its path; names stay names.

    The first line is a comment with the file's name.
    """
    spec = canonical(spec, key)
    text = _text(spec, key)
    if text is None:
        return spec
    name = title(text) if text == spec else os.path.splitext(os.path.basename(spec))[0]
    return basis_text.write(basis_text.parse(text, key, "" if text == spec else spec), name)


def embedded_list(asked: str, key: str = "reference.large_basis") -> str:
    """A list of specs with the content of files in place of their paths."""
    specs = listed(asked)
    return joined(embedded(spec, key) for spec in specs) if any(map(is_text, specs)) else asked


def label(spec: str) -> str:
    """A short name for tables and references: the name, the mapping, the file's stem, or what a text calls itself."""
    if "\n" not in spec and is_text(spec):
        return os.path.splitext(os.path.basename(spec))[0]
    return textfiles.label(spec)
