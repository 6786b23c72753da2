"""What fields of a user's own ansatz take follows from their defaults and annotations."""

from collections.abc import Callable

import flax.linen as nn
import pytest

from nnks.ansatz import ANSATZE
from nnks.config import default_config, from_dict, override, read_texts, to_dict
from nnks.registry import Entry, InputError


class Own(nn.Module):
    """Has fields of every kind."""

    guess: str = "minao"
    width: int = 0  # of nnks's own members at least 1
    scale: float | None = None
    count: int | None = 3
    layers: tuple = (8, 8)
    activation: Callable = nn.tanh
    anything: object = None
    label: str = "a"


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setitem(ANSATZE._entries, "own", Entry(Own, "for this test"))
    return override(default_config(), {"ansatz.name": "own"})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("width", "-5", -5),
        ("width", "1e15", 10**15),
        ("scale", "1d-3", 1e-3),
        ("scale", "None", None),
        ("count", "none", None),
        ("layers", "16,4,2", (16, 4, 2)),
        ("layers", "()", ()),
        ("anything", "2.5", 2.5),
        ("anything", "moon", "moon"),
    ],
)
def test_a_field_is_read_in_the_type_of_its_default(config, key, text, value):
    config = override(config, read_texts(config, {f"ansatz.{key}": text}))
    assert config.ansatz[key] == value
    assert to_dict(from_dict(to_dict(config))) == to_dict(config)
    assert type(Own(**{key: config.ansatz[key]})) is Own


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("width", "1e19"),
        ("width", "1.5"),
        ("width", "None"),
        ("scale", "nan"),
        ("scale", "x"),
        ("count", "2.5"),
        ("layers", "a"),
        ("layers", "1e30"),
        ("layers", "None"),
        ("label", "a\nb"),
        ("label", "x" * 1001),
        ("guess", "None"),
        ("anything", "\0"),
        ("activation", "tanh"),
    ],
)
def test_what_a_field_cannot_be_is_refused(config, key, text):
    with pytest.raises(InputError, match=rf"^config\.ansatz\.{key} "):
        read_texts(config, {f"ansatz.{key}": text})


def test_a_field_that_no_config_can_store_keeps_its_default(config):
    assert "activation" not in config.ansatz
    with pytest.raises(InputError, match=r"config\.ansatz\.activation does not exist"):
        override(config, {"ansatz.activation": "tanh"})
