"""What sentences repeat of a user's values, and the choices that they name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnks.errors import SHOWN, InputError, shown, suggest
from nnks.registry import Registry

NAMES = [f"basis-{n}" for n in range(40)]


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


class Tall:
    def __repr__(self):
        return "first\nsecond\x1b[31m\ud800\u202e"


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def check_shown(value):
    text = shown(value)
    assert 0 < len(text) <= SHOWN
    assert text.isprintable()
    text.encode("utf-8")


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(max_size=200), st.integers(), st.binary(), st.recursive(st.none() | st.text(), st.lists)))
def test_any_value_is_shown_on_one_short_line(value):
    check_shown(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        10**5000,
        [10**5000] * 9,
        nested(100_000),
        {"a": {"b": ["\n" * 100] * 100}},
        Rude(),
        Tall(),
        "\ud800\u202e\r\n\x00\x85\u2028" * 5,
    ],
    ids=[*("long", "large", "large within", "deep", "wide", "raising", "of several lines", "controls")],
)
def test_hostile_values_are_shown_on_one_short_line(value):
    check_shown(value)


def test_short_values_are_shown_as_they_are_written():
    assert [shown(v) for v in ("water", 1.5, None, True, -3)] == ["'water'", "1.5", "None", "True", "-3"]
    assert shown("a\nb") == r"'a\nb'"
    assert shown("begin" + "x" * 500 + "end").startswith("'beginx")
    assert shown("begin" + "x" * 500 + "end").endswith("xend'")


def test_few_choices_are_listed_and_of_many_the_nearest():
    assert suggest("lbgfs", ["adam", "lbfgs"]) == "did you mean 'lbfgs'? choose one of: adam, lbfgs"
    assert suggest("LBFGS", ["adam", "lbfgs"]).startswith("did you mean 'lbfgs'? ")
    assert suggest("adam", ["adam", "lbfgs"]) == "choose one of: adam, lbfgs"  # it exists, and lacks something else
    text = suggest("basis-17x", NAMES)
    assert text.startswith("did you mean 'basis-17'? choose for example one of: basis-17, ")
    assert text.endswith("(35 others exist)")
    assert text.count(",") == 4


@pytest.mark.parametrize("name", ["x" * 1_000_000, 10**5000, None, ["adam"], 1.5, "", "\ud800\n"], ids=shown)
@pytest.mark.parametrize("choices", [["adam", "lbfgs"], NAMES, []])
def test_choices_are_named_whatever_was_given(name, choices):
    text = suggest(name, choices)
    assert "choose" in text
    assert len(text) < 300
    assert text.isprintable()


def test_a_registry_refuses_what_is_no_name_of_it():
    registry = Registry("optimizer")
    registry.register("lbfgs", "a summary")(dict)
    with pytest.raises(InputError, match=r"optimizer is 'lbgfs\\n', which does not exist; did you mean 'lbfgs'\? "):
        registry["lbgfs\n"]
    assert [name in registry for name in ("lbfgs", "lbgfs", 7, None, ["lbfgs"])] == [True] + 4 * [False]
