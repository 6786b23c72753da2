"""Comments behind the numbers of a basis text, and elements that it has more than once."""

import pytest

from nnks.interop.basis_text import parse
from nnks.registry import InputError
from nnks.tracking.notices import collected

NWCHEM = "H S{0}\n 1.0 0.5{0}\n 0.3 0.5{0}\n"
GAUSSIAN = "****\nH 0{0}\nS 2 1.0{0}\n 1.0 0.5{0}\n 0.3 0.5{0}\n****\n"
TURBOMOLE = "$basis{0}\n*\nh mine{0}\n*\n 2 s{0}\n 1.0 0.5{0}\n 0.3 0.5{0}\n*\n$end\n"
JSON = '"1": {"electron_shells": [{"angular_momentum": [0], "exponents": ["1.0"], "coefficients": [["1.0"]]}]}'


@pytest.mark.parametrize("comment", [" ! the outer one", " # the outer one", "!", "\t#! 2.0 1.0"])
@pytest.mark.parametrize("text", [NWCHEM, GAUSSIAN, TURBOMOLE, "BASIS SPHERICAL{0}\n" + NWCHEM + "END{0}\n"])
def test_a_comment_behind_something_is_left_out(text, comment):
    assert parse(text.format(comment), "system.basis") == {"H": [[0, [1.0, 0.5], [0.3, 0.5]]]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("H 0\nS 1 1.0\n 1.0 1.0\n****\nh 0\nS 1 1.0\n 0.1 1.0\n****\n", "has H more than once"),
        ("$basis\n*\nh a\n*\n 1 s\n 1.0 1.0\n*\nh b\n*\n 1 s\n 0.1 1.0\n*\n$end\n", "has H more than once"),
        (f'{{"elements": {{{JSON}, {JSON}}}}}', "the key '1' given twice"),
        ("H S\n 1.0 1.0\nO S\n 2.0 1.0\nH S\n 1.0 1.0\n", "of H that cannot be used \\(one shell twice\\)"),
    ],
)
def test_an_element_that_a_text_has_twice_is_refused(text, words):
    with pytest.raises(InputError, match=words) as refusal:
        parse(text, "system.basis")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("between", ["O S\n 2.0 1.0\n", "END\nBASIS SPHERICAL\n"])
def test_shells_of_an_element_in_several_places_of_an_nwchem_text_are_all_taken_which_is_said(between):
    with collected() as sentences:
        written = parse(f"BASIS SPHERICAL\nH S\n 1.0 1.0\n{between}H S\n 0.1 1.0\nEND\n", "system.basis")
    assert written["H"] == [[0, [1.0, 1.0]], [0, [0.1, 1.0]]]
    assert ["functions of H in several places" in sentence for sentence in sentences] == [True]


def test_an_element_with_several_shells_in_one_place_is_no_matter_of_a_notice():
    with collected() as sentences:
        parse("BASIS SPHERICAL\nH S\n 1.0 1.0\nH S\n 0.1 1.0\nO SP\n 1.0 1.0 1.0\nEND\n", "system.basis")
    assert sentences == []
