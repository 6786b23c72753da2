"""Declared ablations: the runs that they mean, what is refused, what reaches the report."""

import pytest

from nnks.ablation import Ablation, check_axes, check_kinds
from nnks.registry import InputError

AXES = {
    "optimizer.name": ("adam", "sgd"),
    "rate": {"fast": {"optimizer.learning_rate": 0.1}, "slow": {"optimizer.learning_rate": 0.01}},
}


def test_a_product_has_every_combination_of_every_seed():
    ablation = Ablation("?", AXES | {"system.molecule": ("H2", "He", "Li")}, seeds=(3, 4))
    runs = ablation.runs()
    assert len(runs) == ablation.count == 2 * 2 * 3 * 2
    assert [changes["training.seed"] for _, changes in runs[:12]] == [3] * 12
    point, changes = runs[0]
    assert point == {"optimizer.name": "adam", "rate": "fast", "system.molecule": "H2"}
    assert changes["optimizer.learning_rate"] == 0.1
    assert changes["label"] == "adam, fast"


def test_one_at_a_time_leaves_one_axis_from_the_baseline():
    ablation = Ablation(
        "?", AXES | {"system.molecule": ("H2", "He")}, combine="one_at_a_time", baseline={"rate": "slow"}, seeds=(0,)
    )
    points = [tuple(point.values()) for point, _ in ablation.runs()]
    for molecule in ("H2", "He"):
        here = {point[:2] for point in points if point[2] == molecule}
        assert here == {("adam", "slow"), ("sgd", "slow"), ("adam", "fast")}
    assert len(points) == len(set(points)) == ablation.count == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "energy"}, "metric is 'energy'"),
        ({"combine": "zip"}, "combine is 'zip'"),
        ({"axes": {}}, "at least one axis"),
        ({"seeds": ()}, "one seed"),
        ({"axes": {"optimizer.name": "adam"}}, "has no values"),
        ({"baseline": {"optimizer.nam": "adam"}}, "which is no axis"),
        ({"baseline": {"optimizer.name": "adm"}}, "is not on axis 'optimizer.name'; did you mean 'adam'"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        Ablation(**{"claim": "?", "axes": AXES} | changes)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"optimizer.name": iter(("adam", "sgd"))}, "has no values, it is <tuple_iterator"),
        ({"rate": {"fast": iter([("optimizer.learning_rate", 0.1)])}}, "'fast' on axis 'rate' .* is <list_iterator"),
    ],
)
def test_an_axis_that_can_be_read_only_once_is_refused(axes, words):
    with pytest.raises(InputError, match=words):
        check_axes(axes)


@pytest.mark.parametrize("field", ["seeds", "strata"])
def test_a_generator_is_no_list_of_seeds_or_strata(field):
    with pytest.raises(InputError, match=f"the ablation's {field} is <generator"):
        check_kinds({field: (value for value in ())})


def test_a_sweep_tells_the_report_which_run_is_where(tmp_path):
    from nnks.sweep import describe, load_sweep
    from nnks.tracking import config_hash

    path = tmp_path / "rates.py"
    path.write_text(
        '"""Rates."""\n'
        "from nnks.ablation import Ablation\nfrom nnks.config import default_config\n"
        "ABLATION = Ablation('Which rate?', {'rate': {'fast': {'optimizer.learning_rate': 0.1}, 'slow': {}}}, "
        "seeds=(0, 1))\n"
        "def get_config():\n    c = default_config()\n    c.optimizer = {'name': 'adam'}\n    return c\n"
    )
    sweep = load_sweep(str(path))
    about = describe(sweep, "")
    assert about["claim"] == "Which rate?"
    runs = about["ablation"]["runs"]
    assert [(run["point"]["rate"], run["seed"]) for run in runs] == [("fast", 0), ("slow", 0), ("fast", 1), ("slow", 1)]
    assert runs[0]["hash"] == runs[2]["hash"] != runs[1]["hash"]
    assert config_hash(sweep.configs[0].to_dict()) == runs[0]["hash"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("claim", 5), ("claim", True), ("axes", True), ("axes", {5: (1, 2)}), ("metric", 5), ("metric", [])),
        *(("baseline", 5), ("strata", "ansatz.width"), ("seeds", 3), ("seeds", (True,)), ("seeds", (0.5,))),
        *(("combine", None), ("resolution", "x"), ("resolution", -1), ("ratio", True), ("accuracy", "x")),
        *(("accuracy", float("nan")), ("expect", 5), ("expect", ("lower",))),
    ],
)
def test_a_field_of_another_kind_is_refused_by_name(field, value):
    with pytest.raises(InputError, match=f"the ablation's {field} is .*; it must be "):
        check_kinds({field: value})


def test_strata_that_are_no_axis_are_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"'ansatz.widht', which is no axis; did you mean 'ansatz.width'"):
        Ablation("x", {"ansatz.width": (4, 8)}, strata=("ansatz.widht",))
