"""Geometry strings of every kind: each makes a molecule or is refused in one sentence on one line, and nothing else."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnks.geometries import names
from nnks.geometries.elements import SYMBOLS
from nnks.molecule import Molecule, embedded, identity_text, notices, short_name
from nnks.registry import InputError

MARKS = ["", "1", ":", ":1", "-Bq", "(Gh)", "_a", "@2", "+", "-1", "'", "A", "\x00", "²"]
PREFIXES = ["", "", "", "bq", "Gh", "ghost-", "X-", "@", "-", "'"]
NUMBERS = [
    "0",
    "-0.0",
    "1.5",
    "1d0",
    "1.0D-01",
    "2*^-3",
    ".5",
    "5.",
    "1e400",
    "nan",
    "1_0",
    "0,5",
    "٣",
    "−1",
    "9" * 400,
    "x",
]
SEPARATORS = [" ", "  ", "\t", ",", ", ", "\xa0", "\x0c", " : "]
ENDS = ["; ", "\n", "\r\n", "\r", ";\n", "\x85", "\u2028", " # "]
KEYS = [
    "charge",
    "spin",
    "multiplicity",
    "charge_a",
    "total_charge",
    "Lattice",
    "pbc",
    "name",
    "Properties",
    "units",
    "e",
]
VALUES = [
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "",
    '"1"',
    "'",
    '"',
    "abc",
    '"T T T"',
    "species:S:1:pos:R:3",
    "bohr",
    "{",
    "[1,2]",
]


def mostly(usual, odd):
    """Five of six times what is usual: of strings with an oddity in every part, none would be accepted."""
    return st.sampled_from([usual] * 5 + [odd]).flatmap(lambda strategy: strategy)


labels = st.builds("{}{}{}".format, st.sampled_from(PREFIXES), st.sampled_from(SYMBOLS[:10]), st.sampled_from(MARKS))
numbers = st.one_of(st.floats(-9, 9).map(repr), st.floats(-9, 9).map("{:.3f}".format), st.sampled_from(NUMBERS))
garbage = st.text(max_size=12) | st.sampled_from(
    ["C", "#", "InChI=1S", "$(id)", "../../x", "__import__('os')", "\ud800"]
)
odd_atoms = st.builds(
    lambda label, fields, gap, rest: gap.join([label, *fields]) + rest,
    labels | garbage,
    st.lists(numbers, min_size=3, max_size=3) | st.lists(numbers | garbage, max_size=6),
    st.just(" ") | st.sampled_from(SEPARATORS),
    st.just("") | garbage.map(" {}".format),
)
usual_atoms = st.builds(
    "{}{} {:.4f}\t{:.6e} {!r}".format,
    st.sampled_from(SYMBOLS[:18]),
    st.sampled_from(["", "", "1", "_a", ":2"]),
    *[st.floats(-9, 9)] * 3,
)
atoms = mostly(usual_atoms, odd_atoms)
pairs = st.builds("{}{}{}".format, st.sampled_from(KEYS), st.sampled_from(["=", " = ", ":"]), st.sampled_from(VALUES))
comments = mostly(
    st.sampled_from(["", "water", "charge=0", "charge=1 spin_state=2", 'pbc="F F F"']),
    st.lists(pairs | garbage).map(" ".join),
)
inline = st.builds(
    lambda end, rows: end.join(rows),
    mostly(st.just("; "), st.sampled_from(ENDS)),
    st.lists(atoms, min_size=1, max_size=4),
)
xyz = st.builds(
    lambda end, count, comment, rows, rest: end.join([str(len(rows) + count), comment, *rows, *rest]),
    mostly(st.just("\n"), st.sampled_from(ENDS)),
    mostly(st.just(0), st.sampled_from([1, -1])),
    comments,
    st.lists(atoms, min_size=1, max_size=4),
    mostly(st.just([]), st.lists(garbage | atoms, max_size=2)),
)
library = st.sampled_from(names()[:60]) | garbage
geometries = st.one_of(inline, xyz, library, mostly(xyz, st.builds("{}{}".format, xyz, garbage)))
"""Specs that are nearly right, and some that are."""


def outcome(spec, **options):
    """`"accepted"` or `"refused"`; fails for anything else, and for a refusal that is not one short line."""
    try:
        molecule = Molecule.from_spec(spec, **options)
    except InputError as error:
        sentence = str(error)
        assert sentence.isprintable(), sentence
        assert len(sentence) < 500, sentence
        result = "refused"
    else:
        assert molecule.natoms >= 1
        assert min(molecule.nelec) >= 0
        assert identity_text(embedded(spec)) == identity_text(spec)
        assert all(notice.isprintable() for notice in notices(spec))
        result = "accepted"
    assert 0 < len(short_name(spec)) <= 60
    return result


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    spec=geometries,
    unit=mostly(st.sampled_from(["angstrom", "bohr", "au", "Å"]), st.sampled_from(["nm", ""])),
    charge=mostly(st.none(), st.integers(-2, 2)),
    spin=mostly(st.none(), st.integers(-1, 3)),
)
def test_any_geometry_string_is_accepted_or_refused_on_one_line(spec, unit, charge, spin):
    outcome(spec, unit=unit, charge=charge, spin=spin)


@settings(deadline=None, max_examples=60)
@given(data=st.one_of(st.binary(max_size=200), xyz.map(lambda text: text.encode("utf-8", "replace"))))
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xff\xfe"], ids=["none", "utf-8", "utf-16"])
def test_any_file_is_accepted_or_refused_on_one_line(mark, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.xyz"
    path.write_bytes(mark + data)
    outcome(str(path))
