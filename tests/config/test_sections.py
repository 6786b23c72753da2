"""A config that was edited in Python is asked the same as one from a file or a command line."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from nnks.config import complete, default_config, override, to_dict
from nnks.registry import InputError
from nnks.runs.plan import sketch

EDITED = {
    "training.steps": [
        (None, "is None; it must be a whole number"),
        (True, "is True"),
        (0, "is 0"),
        (1.5, "is 1.5"),
        ("5", "is '5'"),
    ],
    "training.seed": [(2**70, "is 1180591620717411303424"), (-1, "is -1"), (object(), "is <object object")],
    "training.seconds": [(float("nan"), "is nan"), (-1.0, "is -1.0")],
    "reference.pyscf": [(None, "is None; it must be true or false"), (0, "is 0"), ("yes", "is 'yes'")],
    "system.molecule": [(None, "is None"), (b"H2", "is b'H2'"), (["H2"], "is ['H2']"), ("\ud800", "is '\\ud800'")],
    "system.basis": [
        (5, "is 5; it must be a text"),
        ({}, "is {}"),
        ({"H": {"x": 1}}, "is {'H': {'x': 1}}"),
        ({"H": 5}, "is {'H': 5}"),
    ],
    "training": [(5, "is 5; it must be a section"), (ConfigDict(), "is missing")],
    "training.stesp": [(5, "does not exist; did you mean 'steps'?")],
    "ansatz": [("residual", "is 'residual'; it must be a section"), ({"width": 8}, "it must be a section with a name")],
    "ansatz.name": [(5, "ansatz is 5, which does not exist"), (["residual"], "which does not exist")],
    "optimizer": [
        ({"name": "adam", "learning_rate": 0.0}, "config.optimizer.learning_rate is 0.0; it must be a number above 0")
    ],
    "orthogonalizer.decay": [(1.0, "is 1.0; it must be a number of at least 0 and below 1")],
    "quadrature.level": [(10, "is 10; it must be a whole number from 0 to 9")],
}


def edited(path, value):
    config = default_config()
    *parents, key = path.split(".")
    section = config
    for parent in parents:
        section = section[parent]
    with config.unlocked(), config.ignore_type():
        section[key] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "words"), [(path, *case) for path, cases in EDITED.items() for case in cases]
)
def test_an_edited_config_is_refused_where_a_run_would_start(path, value, words):
    with pytest.raises(InputError) as caught:
        sketch(edited(path, value))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_of_other_libraries_and_whole_floats_are_brought_into_the_type_of_their_key():
    for path, value in (
        ("training.steps", np.int64(7)),
        ("training.steps", 7.0),
        ("training.seconds", 7),
        ("training.seed", np.uint8(7)),
    ):
        config = complete(edited(path, value))
        section, key = path.split(".")
        assert config[section][key] == 7
        assert type(config[section][key]) is (float if key == "seconds" else int)
    assert complete(edited("reference.pyscf", np.bool_(False))).reference.pyscf is False


def test_a_key_that_refers_to_another_follows_it():
    config = default_config()
    config.label = config.get_ref("experiment")
    assert override(config, {"experiment": "water"}).label == "water"
    assert to_dict(complete(config))["label"] == "default"


def test_changes_leave_the_config_that_they_are_made_to_alone():
    config = default_config()
    override(config, {"training.steps": 5, "ansatz.name": "residual"})
    assert to_dict(config) == to_dict(default_config())
