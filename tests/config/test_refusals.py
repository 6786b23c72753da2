"""Every refusal that pages and `nnks list keys` declare is real, and belongs to a key that exists."""

import pytest

from nnks.config import default_config, override
from nnks.config.keys import all_keys
from nnks.config.refusals import REFUSALS, SMALL, refusals
from nnks.registry import InputError
from nnks.runs.plan import sketch

DECLARED = {f"{key}: {refusal.when}": (key, refusal) for key, several in REFUSALS.items() for refusal in several}
KEYS = {key.path: key for key in all_keys()}


def test_the_run_that_the_examples_change_is_taken():
    assert sketch(override(default_config(), SMALL)).config.system.molecule == "H2"


@pytest.mark.parametrize("declared", DECLARED)
def test_what_is_declared_is_refused_in_a_sentence_that_names_the_key(declared):
    key, refusal = DECLARED[declared]
    parts = key.split(".")
    name = f"{parts[0]}.{parts[-1]}" if len(parts) == 3 else key  # without the member between
    with pytest.raises(InputError) as caught:
        sketch(override(default_config(), {**SMALL, **refusal.changes}))
    assert (refusal.says or name) in str(caught.value)


def test_what_is_declared_is_shown_with_a_key():
    shown = {when for key in all_keys() for when in key.refused}
    assert shown == {refusal.when for several in REFUSALS.values() for refusal in several}


def test_a_reason_of_one_member_is_not_shown_for_another():
    assert refusals("optimizer.curvature", ["lbfgs"]) == ()
    assert [reason.when for reason in refusals("optimizer.curvature", ["handover"])] == [
        "optimizer.second is not lbfgs"
    ]
    assert KEYS["system.spin"].refused[0] == "the number of electrons cannot have it"
