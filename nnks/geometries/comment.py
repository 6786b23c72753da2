"""The comment line of an xyz file: what extended xyz states there as `key=value`.

ASE's parser (`ase.io.extxyz.key_val_str_to_dict`) is not used: it fails on a bare `=`, takes the last of two
contradicting values, reads `charge=` as an empty array and 5,000 digits as infinity, and its import takes a second.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nnks.registry import InputError, shown

CHARGE = ("charge", "total_charge", "totalcharge")
SPIN = ("spin",)
MULTIPLICITY = ("multiplicity", "mult", "spin_multiplicity")
LENGTHS = dict.fromkeys(("bohr", "bohrs"), "bohr")
LENGTHS |= dict.fromkeys(("angstrom", "angstroms", "ang", "å", "ångström"), "angstrom")
"""Units that can only be meant for coordinates; an `au` may be that of an energy."""

OTHER_LENGTHS = ("nm", "pm", "nanometer", "nanometers", "picometer", "picometers")
"""Units of length that nnks does not have."""

LATTICE = ("lattice", "cell", "unit_cell", "unitcell", "cellpar", "cell_parameters")
"""Names of the box that a crystal repeats."""

LONGEST_NAME = 60

LONGEST = 100_000
"""Characters of a comment line that are read."""

_KEY = r"[A-Za-z_][\w.\-]*"
# A value is quoted, in brackets, or goes on to the next space; `charge=1,spin=2` are two.
_PAIR = re.compile(
    rf"""(?<![\w.\-=])({_KEY})\s*=\s*"""
    r"""((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^{}]*\}|\[[^\[\]]*\])(?![^\s,;|)])"""
    rf"""|(?!{_KEY}\s*=)(?:(?![,;|]\s*{_KEY}\s*=)[^\s"')])*)"""
)
_WHOLE = re.compile(r"([+-]?[0-9]{1,4})(?:\.0*)?")
# What somebody may have meant as charge or spin, in none of the forms that are read: "charge: 1", "net_charge=1", "chrg
# 1 uhf 1", {"charge": 1}. A key that goes on after the word is another quantity, such as the charge_a of two monomers.
_MEANT = re.compile(
    r"(?<![\w.\-=])(?:(?:net|mol|molecular|formal|overall|system|ion)_)?"
    r"(charge|chrg|chg|q|multiplicity|mult|spin(?:_?mult(?:iplicity)?)?|uhf|unpaired)"
    r"""["']?\s*[:=]?\s*[+-]?[0-9]""",
    re.IGNORECASE,
)
_TWO_NUMBERS = re.compile(r"\s*[+-]?[0-9]{1,2}[\s,]+[1-9]\s*")  # charge and multiplicity, as many programs write them
# The unit of coordinates, as `units=bohr`, `coord_unit: Bohr` or `unit bohr`; that of an energy has another key.
_UNIT = re.compile(
    r"(?<![\w.\-=])(?:(?:length|distance|coord(?:inate)?s?|pos(?:ition)?s?)_?)?units?"
    r"""\s{0,9}[:= ]\s{0,9}["'{\[(]?([a-zåö]{1,12})(?![\w.\-])""",
    re.IGNORECASE,
)
_OTHER_UNIT = re.compile(r"(?<![\w.\-])(?:in\s+(?:nm|pm|a\.u\.)|bohrs?)(?![\w.\-])", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[\w.+\-]+")
# Columns of extended xyz that begin as nnks reads them: what the atom is, then where.
_COLUMNS = re.compile(
    r"(species|elements?|symbols?|names?|labels?|z|numbers?|atomic_numbers?):[si]:1:"
    r"(pos|positions|coords|coordinates):r:3(:.*)?",
    re.IGNORECASE,
)


class Comment(NamedTuple):
    """What a comment line states; None where it states nothing.

    Attributes:
        name: of the molecule.
        charge: of the molecule.
        spin: n_up - n_down.
        unit: of the coordinates, `"angstrom"` or `"bohr"`.
        notices: what a user should know of the rest of the line, a sentence each.
    """

    name: str | None = None
    charge: int | None = None
    spin: int | None = None
    unit: str | None = None
    notices: tuple[str, ...] = ()


def read_comment(text: str, source: str) -> Comment:
    """What a comment line states.

    `charge` and `total_charge` are the charge, `spin` is n_up - n_down, and `multiplicity` and `mult` are one more,
    whatever their capitalization. Other keys, such as the `charge_a` of two monomers, have another meaning.

    Args:
        text: the line.
        source: what to call the text that the line is from, in errors.

    Raises:
        InputError: for a value that is no whole number, values that contradict each other, another unit of length, or
            columns in another order.
    """
    if len(text) > LONGEST:
        raise InputError(
            f"the comment line of {source} has {len(text)} characters; expected at most {LONGEST}; shorten it."
        )
    pairs = [(key.casefold(), value) for key, value in _PAIR.findall(text)]
    charges = {_whole(key, value, source) for key, value in pairs if key in CHARGE}
    spins = {_whole(key, value, source) for key, value in pairs if key in SPIN}
    spins |= {_whole(key, value, source) - 1 for key, value in pairs if key in MULTIPLICITY}
    for values, what in ((charges, "charge"), (spins, "spin (n_up - n_down, the multiplicity less one)")):
        if len(values) > 1:
            raise InputError(
                f"the comment line of {source} states {' and '.join(map(str, sorted(values)))} as the {what}; expected "
                "one value; correct the line."
            )
    _check_columns(pairs, source)
    name = next((safe_name(_bare(value)) for key, value in pairs if key == "name"), None)
    notices = []
    if _is_periodic(dict(pairs)):
        notices.append(
            f"{source} states a lattice with periodic boundaries; nnks computes an isolated molecule of its atoms."
        )
    charge, spin = (next(iter(values), None) for values in (charges, spins))
    if unread := _unread(text):
        notices.append(
            f"the comment line of {source} says {shown(unread)}, which is not read; write charge=... and spin=... "
            "there, or set system.charge and system.spin."
        )
    unit = _unit(text, source)
    if unit is None and (other := _OTHER_UNIT.search(text)):
        notices.append(
            f"the comment line of {source} says {shown(other[0])}; coordinates are in system.unit all the same, which "
            "is angstrom unless it is set; set system.unit if another one is meant."
        )
    return Comment(name, charge, spin, unit, tuple(notices))


def _unit(text: str, source: str) -> str | None:
    """The unit of coordinates that the line states, `"angstrom"` or `"bohr"`; None where it states none."""
    words = [word.casefold() for word in _UNIT.findall(text)]
    if other := next((word for word in words if word in OTHER_LENGTHS), None):
        raise InputError(
            f"the comment line of {source} states coordinates in {other}; expected angstrom or bohr; convert them."
        )
    units = {LENGTHS[word] for word in words if word in LENGTHS}
    if len(units) > 1:
        raise InputError(
            f"the comment line of {source} states {' and '.join(sorted(units))} as the unit; expected one; correct the "
            "line."
        )
    return next(iter(units), None)


def _unread(text: str) -> str:
    """What looks like a charge or a spin and is not read as one; empty for nothing."""
    read = (*CHARGE, *SPIN, *MULTIPLICITY)
    # the values of other keys are their own business
    rest = _PAIR.sub(lambda pair: " " if pair[1].casefold() in read or not _MEANT.match(pair[0]) else pair[0], text)
    match = _TWO_NUMBERS.fullmatch(text) or _MEANT.search(rest)
    return match[0].strip() if match else ""


def write_comment(name: str | None, charge: int | None, spin: int | None) -> str:
    """The comment line that states these, as `read_comment` reads it."""
    name = None if name is None else safe_name(name)
    quoted = name if name is None or _PLAIN_NAME.fullmatch(name) else f'"{name}"'
    stated = {"name": quoted, "charge": charge, "spin": spin}
    return " ".join(f"{key}={value}" for key, value in stated.items() if value is not None)


def safe_name(name: str) -> str:
    """A molecule's name that a line, a table and a quoted value can hold."""
    name = "".join(c if c.isprintable() and c not in "\"'\\" else "_" for c in name[:LONGEST_NAME]).strip()
    return name or "molecule"


def _bare(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value


def _whole(key: str, value: str, source: str) -> int:
    match = _WHOLE.fullmatch(_bare(value).strip())
    if match is None:
        raise InputError(
            f"the comment line of {source} has {shown(value)} as {key}; expected a whole number such as {key}=1; "
            "correct it, or rename the key if it means something else."
        )
    return int(match[1])


def _check_columns(pairs: list[tuple[str, str]], source: str) -> None:
    for key, value in pairs:
        if key == "properties" and not _COLUMNS.fullmatch(_bare(value)):
            raise InputError(
                f"the comment line of {source} states the columns {shown(_bare(value))}; expected species:S:1:pos:R:3 "
                "first; write the file with the symbol and the three coordinates in front."
            )


def _is_periodic(pairs: dict[str, str]) -> bool:
    """Extended xyz is periodic where it has a lattice, unless it says otherwise."""
    if "pbc" in pairs:
        return bool(re.search(r"(?<![a-z])(?:t|true|1)(?![a-z])", pairs["pbc"].casefold()))
    return any(key in pairs for key in LATTICE)
