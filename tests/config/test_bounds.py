"""Every key of every config has a type and bounds, and every way into a config asks for them."""

import math

import pytest

import nnks
from nnks.config import complete, default_config, override, registries, to_dict
from nnks.config.bounds import BOUNDS, choices
from nnks.config.sections import rules_of
from nnks.config.values import FINITE, WHOLE_NUMBERS
from nnks.registry import InputError

MEMBERS = [(kind, name) for kind, registry in registries().items() for name in registry]
CONFIGS = {f"{kind}={name}": override(default_config(), {f"{kind}.name": name}) for kind, name in MEMBERS}
BEYOND = (-(10**30), math.nan, math.inf, -math.inf, 10**400)


def own_rules(name, config):
    """The keys that a member brings; those that every config has belong to the first."""
    kind = name.partition("=")[0]
    whole = name == next(iter(CONFIGS))
    return {path: rule for path, rule in rules_of(config).items() if whole or path.startswith(f"{kind}.")}


KEYS = {(path, name): rule for name, config in CONFIGS.items() for path, rule in own_rules(name, config).items()}


def refused(action):
    """The sentence of a refusal, which is one line of a bearable length."""
    with pytest.raises(InputError) as caught:
        action()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert "such as None" not in sentence
    assert "'None'?" not in sentence
    return sentence


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_key_has_a_rule_that_its_default_meets(config):
    values = {path: value for path, value in flat(config).items() if not path.endswith(".name")}
    rules = rules_of(config)
    assert set(values) == set(rules)
    for path, value in values.items():
        assert rules[path].check(value, path) == value
        assert rules[path].kind in (int, float, bool, str)


def flat(config):
    from nnks.config import flatten

    return dict(flatten(to_dict(config)))


@pytest.mark.parametrize("name", CONFIGS)
def test_no_key_takes_another_type_or_a_number_out_of_bounds(name):
    wrong = {
        int: (True, "3", 1.5, [1], {}, 2**63, 10**30),
        float: (True, "3", [1.0], 1j),
        bool: (1, "true", 0.0, []),
        str: (3, True, [], b"a"),
    }
    for path, rule in own_rules(name, CONFIGS[name]).items():
        values = [*wrong[rule.kind], object(), ([[]] * 3,), *([] if rule.optional or rule.empty else [None])]
        if rule.kind in (int, float):
            assert rule.bounds is not WHOLE_NUMBERS
            assert rule.bounds is not FINITE
            around = (rule.bounds.lowest - 1, rule.bounds.highest + 1)
            values += [*BEYOND, *filter(math.isfinite, around)]
        for value in values:
            sentence = refused(lambda value=value, rule=rule, path=path: rule.check(value, path))
            assert sentence.startswith(f"config.{path} is ")


@pytest.mark.parametrize("name", CONFIGS)
def test_none_on_the_command_line_sets_optional_keys_and_no_others(name):
    for path, rule in own_rules(name, CONFIGS[name]).items():
        for word in ("None", "none", " NONE "):
            if rule.optional:
                assert rule.read(word, path) is None
            elif rule.empty:  # an empty text is its word for none
                assert rule.read(word, path) == rule.check("", path) == ""
            else:
                sentence = refused(lambda word=word, rule=rule, path=path: rule.read(word, path))
                assert f"config.{path} is None; it must be" in sentence


def test_the_table_knows_no_key_that_does_not_exist():
    from nnks.config.keys import all_keys

    known = {path for path, _ in KEYS}
    known |= {f"{kind}.{name.partition('=')[2]}.{key}" for path, name in KEYS for kind, _, key in [path.partition(".")]}
    known |= {key.path for key in all_keys()}  # fields of terms, which the default config does not have
    assert set(BOUNDS) | set(choices()) <= known


@pytest.mark.parametrize("path", choices())
def test_a_closed_set_is_asked_for_even_where_the_value_is_not_used(path):
    """The default config has exact Hartree energies and no networks: most of these are not used by it."""
    name = next(name for key, name in KEYS if key == path)
    for choice in KEYS[path, name].choices:
        assert flat(override(CONFIGS[name], {path: choice}))[path] == choice
    sentence = refused(lambda: override(CONFIGS[name], {path: "misspelt"}))
    assert sentence.startswith(f"config.{path} is 'misspelt'; choose ")


@pytest.mark.parametrize("section", ["functional", "evaluation"])
def test_a_fitting_set_that_does_not_exist_is_refused_beside_exact_integrals(section):
    from nnks.runs.plan import plan

    config = override(default_config(), {"system.molecule": "H2", "quadrature.level": 0, f"{section}.auxiliary": "foo"})
    assert refused(lambda: plan(config)).startswith(f"{section}.auxiliary is 'foo', which no basis set is called")


CASES = {
    "tracking.exact_steps": -1,
    "training.steps": 10**18,
    "training.seed": 2**64,
    "quadrature.angular": 10**30,
    "training.seconds": math.nan,
    "experiment": "",
    "functional.fitting": "gird",
    "label": "a\nb",
}


@pytest.mark.parametrize("path", CASES)
def test_every_way_into_a_config_refuses_the_same(path, tmp_path, capsys):
    import json

    from nnks.cli import main
    from nnks.runs.plan import plan
    from nnks.sweep import load_sweep

    value = CASES[path]
    sentence = refused(lambda: override(default_config(), {path: value}))
    assert refused(lambda: nnks.load_config("gaussian", {path: value})) == sentence
    edited = default_config()
    *parents, key = path.split(".")
    with edited.ignore_type():
        section = edited[parents[0]] if parents else edited
        section[key] = value
    assert refused(lambda: complete(edited)) == sentence
    assert refused(lambda: plan(edited)) == sentence
    assert refused(lambda: nnks.run(edited, results=tmp_path / "results")) == sentence
    file = tmp_path / "config.json"
    file.write_text(
        json.dumps({**to_dict(default_config()), **({parents[0]: {key: value}} if parents else {key: value})})
    )
    assert refused(lambda: nnks.load_config(str(file))).endswith(sentence)
    swept = tmp_path / "swept.py"
    swept.write_text(
        "from math import nan\nfrom nnks.config import default_config as get_config\n"
        f"def sweep():\n    return [{{}}, {{{path!r}: {value!r}}}]\n"
    )
    if path != "experiment":  # of a sweep it is its file's
        assert refused(lambda: load_sweep(str(swept))).endswith(f": {sentence}")
    if "\n" not in str(value):
        assert main(["run", "--config=gaussian", f"--config.{path}={value}", f"--results={tmp_path}/results"]) == 2
        assert capsys.readouterr().err == f"nnks: {sentence}\n"
    assert not (tmp_path / "results").exists() or not any((tmp_path / "results").iterdir())


def test_the_largest_values_are_taken():
    config = override(default_config(), {"training.seed": 2**63 - 1, "training.steps": 1e9, "experiment": "ä" * 100})
    assert config.training.steps == 1_000_000_000
    assert type(config.training.steps) is int
