"""Texts of a command line become values of a key's type, or one sentence."""

import math

import numpy as np
import pytest

from nnks.config.values import WHOLE_NUMBERS, Bounds, Rule
from nnks.registry import InputError

WHOLE = Rule(int, 300, bounds=Bounds(-1000, 10**6))
REAL = Rule(float, 1e-3, bounds=Bounds(0, above=True))
SWITCH = Rule(bool, False)


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [(WHOLE, text, 1000) for text in ("1000", "1e3", "1E3", "+1000", " 1000 ", "1_000", "1000.0", "1d3", "0.1e4")]
    + [(REAL, text, 1e-3) for text in ("1e-3", "1d-3", "1D-3", ".001", "0.001", "+1e-3", "1E-03")]
    + [(SWITCH, text, True) for text in ("true", "True", "YES", "on", "1")]
    + [(SWITCH, text, False) for text in ("false", "FALSE", "no", "Off", "0")]
    + [(WHOLE, "-5", -5), (REAL, "5", 5.0), (REAL, "5.", 5.0)]
    + [(Rule(tuple, (8, 8), bounds=WHOLE_NUMBERS), text, (32, 16)) for text in ("32,16", "(32, 16)", "[32,16,]")]
    + [(Rule(tuple, ()), "a, 'b'", ("a", "b")), (Rule(list, [1.0]), "", []), (Rule(object, None, True), "x", "x")]
    + [
        (Rule(object, None, True), text, value)
        for text, value in (("5", 5), ("1.5", 1.5), ("true", True), ("1,2", "1,2"))
    ],
)
def test_a_text_is_read_in_the_type_of_its_key(rule, text, value):
    read = rule.read(text, "key")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (WHOLE, text)
        for text in (
            "",
            "many",
            "1.5",
            "1e-3",
            "0x10",
            "1e999999999999",
            "1e" + "9" * 30,
            "٥",
            "1__0",
            "_1",
            "1_",
            "true",
            "nan",
        )
    ]
    + [(WHOLE, "9" * 10_000), (WHOLE, "-" + "9" * 20), (WHOLE, "1e6 1"), (REAL, "9" * 10_000)]
    + [
        (REAL, text)
        for text in ("", ".", "e3", "1e", "nan", "inf", "-Infinity", "1e999", "0", "-1", "1e-999", "1,5", "1 2", "--1")
    ]
    + [(SWITCH, text) for text in ("", "2", "maybe", "t", "None", "nan", "01", "truetrue")]
    + [(Rule(tuple, (8, 8)), text) for text in ("a,b", "1.5,2", "((1,2),3)", "9" * 30, "1,,2", "None")],
)
def test_a_text_that_is_no_value_is_refused_with_what_the_key_takes(rule, text):
    with pytest.raises(InputError) as caught:
        rule.read(text, "key")
    sentence = str(caught.value)
    assert sentence.startswith("config.key is ")
    assert "it must be" in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize("number", [np.int64(7), np.float64(7.0), np.int8(7), np.array(7), 7.0])
def test_numbers_of_other_libraries_become_python_numbers(number):
    assert type(WHOLE.check(number, "key")) is int
    assert type(REAL.check(number, "key")) is float
    assert SWITCH.check(np.bool_(True), "key") is True


def test_a_sentence_says_what_the_key_takes():
    assert str(WHOLE) == "a whole number from -1,000 to 1,000,000, such as 300"
    assert (
        str(Rule(float, None, True, Bounds(0, 10, "s", above=True))) == "a number above 0 and at most 10 [s], or None"
    )
    assert str(Rule(float, 0.5, bounds=Bounds(0, 1, below=True))) == "a number of at least 0 and below 1, such as 0.5"
    assert str(Rule(str, "a", choices=("a", "b", ""), empty="none")) == 'one of a, b, or "" for none'
    assert str(Rule(bool, None, True)) == "true or false, or None"


def test_a_field_of_a_users_own_holds_what_json_can_store():
    rule = Rule(object, None, True)
    assert rule.check({"a": (1, [2.0, "x"])}, "key") == {"a": (1, [2.0, "x"])}
    for value in (object(), math.nan, 2**70, {"a": math.sin}, "a\x00b"):
        with pytest.raises(InputError, match="it must be a number, a text"):
            rule.check(value, "key")


def test_a_basis_for_each_element_is_a_text():
    rule = Rule(str, "6-31g", by_element=True)
    assert rule.check({"O": "cc-pvdz", "H": "sto-3g"}, "system.basis") == "H:sto-3g,O:cc-pvdz"
    for value in ({}, {"O": 3}, {8: "cc-pvdz"}):
        with pytest.raises(InputError, match="must be a text"):
            rule.check(value, "system.basis")
