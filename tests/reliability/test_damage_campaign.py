"""Benchmarks/damage.py in small: a damage of each kind.

After it the sweep, its report and its listing are as they were, or say why not.
"""

import random

import pytest

from benchmarks import damage

pytestmark = pytest.mark.slow  # sweeps that are repeated; tests/reliability/test_damage.py has the parts

CASES = [
    ("interrupted", "checkpoint", "flipped"),
    ("interrupted", "metrics", "cut"),
    ("interrupted", "config", "binary"),
    ("interrupted", "reference", "nested"),
    ("finished", "metrics", "emptied"),
    ("finished", "summary", "deleted"),
    ("finished", "experiment", "a list"),
    ("finished", "environment", "a number"),
    ("finished", "config", "null"),
    ("finished", "slice", "a folder"),
]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return damage.make_stores(tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize(("state", "what", "kind"), CASES)
def test_a_damage_costs_no_number_and_ends_in_no_traceback(stores, state, what, kind, tmp_path):
    chance, truth = random.Random(f"{what} {kind}"), damage.stored(stores["finished"])
    assert len(truth) == 3
    file = damage.choose(stores[state], what, chance)
    trial = damage.attempt(stores[state], tmp_path, file, kind, truth, chance)
    assert trial.outcome in ("recovered", "refused"), f"{trial.why}\n{trial.said}"


def test_every_kind_of_damage_is_tried():
    assert {kind for _, _, kind in CASES} == set(damage.KINDS)


def test_a_number_that_differs_is_not_overlooked():
    truth = {"adam": ({0: {"energy": -1.0}}, {"total": -1.0})}
    trial = damage.Trial("finished", "study/run/metrics.jsonl", "flipped")
    for numbers in (
        {"adam": ({0: {"energy": -1.5}}, {"total": -1.0})},
        {"adam": (truth["adam"][0], {"total": -1.5})},
        {},
    ):
        assert damage.judge([(0, "")], numbers, truth, trial)[0] == "wrong"
    assert damage.judge([(0, "")], truth, truth, trial) == ("recovered", "")
    assert damage.judge([("Traceback: ValueError", "")], truth, truth, trial)[0] == "traceback"
