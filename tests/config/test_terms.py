"""Terms that a config adds to the energy: a section of sections, made when it is named."""

import json

import pytest

from nnks.cli import main
from nnks.config import default_config, from_dict, load_config, override, to_dict
from nnks.registry import InputError

NAMED = [
    {"functional.terms.field.z": 0.5},
    {"functional.terms.field": {"z": 0.5}},
    {"functional.terms": {"field": {"z": 0.5}}},
    {"functional": {"terms": {"field": {"z": 0.5}}}},
]


@pytest.mark.parametrize("changes", NAMED, ids=str)
def test_naming_a_field_of_a_term_adds_the_term(changes):
    config = override(default_config(), changes)
    assert config.functional.terms.to_dict() == {"field": {"x": 0.0, "y": 0.0, "z": 0.5}}
    assert default_config().functional.terms.to_dict() == {}
    assert to_dict(from_dict(json.loads(json.dumps(to_dict(config))))) == to_dict(config)


def test_a_config_file_names_terms(tmp_path):
    file = tmp_path / "mine.py"
    lines = ["from nnks.config import default_config", "def get_config():", "    c = default_config()"]
    file.write_text("\n".join([*lines, "    c.functional.terms = {'field': {'y': 1}}", "    return c", ""]))
    assert load_config(file).functional.terms.to_dict() == {"field": {"x": 0.0, "y": 1.0, "z": 0.0}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"functional.terms.feild.z": 1}, "did you mean 'field'?"),
        ({"functional.terms.field.w": 1}, "choose one of: x, y, z"),
        ({"functional.terms.field.z": "strong"}, "must be a number of at least -10"),
        ({"functional.terms.field": 3}, "is a section"),
        ({"functional.terms": 3}, "is a section"),
        ({"functional.terms.kinetic": {}}, "which every energy has"),
        ({"functional.terms.field.z.deep": 1}, "is a value, not a section"),
        ({"functional.terms": {"field": None}}, "is a section"),
    ],
    ids=str,
)
def test_what_is_no_term_is_refused_in_one_sentence(changes, words):
    with pytest.raises(InputError) as refusal:
        override(default_config(), changes)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_command_line_names_terms(capsys):
    line = [
        "run",
        "--config=gaussian",
        "--config.system.molecule=H2",
        "--dry-run",
        "--config.functional.terms.field.z=1e-3",
    ]
    assert main(line) == 0
    assert '"z": 0.001' in capsys.readouterr().out
    assert main([*line[:-1], "--config.functional.terms.field.z=strong"]) == 2
    assert main([*line[:-1], "--config.functional.terms.felid.z=1"]) == 2
    assert "did you mean 'field'?" in capsys.readouterr().err
