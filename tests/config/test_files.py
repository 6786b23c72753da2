"""Config files that cannot be used: a sentence with the user's own error and line.

JSON that is none: a sentence with the file.
"""

import json
import os

import pytest

import nnks
from nnks.cli import main
from nnks.config import default_config, load_config, to_dict
from nnks.registry import InputError

HEAD = "from nnks.config import default_config\ndef get_config():\n"
TAIL = HEAD + "    return default_config()\n"
ABLATION = "from nnks.ablation import Ablation\n"

USERS = {
    "raises": (HEAD + "    raise ValueError('no\\nsuch thing')\n", "raises ValueError: no such thing (", 3),
    "raises while read": ("x = 1\n1 / 0\n", "reading it raises ZeroDivisionError: division by zero (", 2),
    "recurses": (HEAD + "    return get_config()\n", "get_config() raises RecursionError: maximum recursion", 3),
    "exits": (HEAD + "    import sys\n    sys.exit('bye')\n", "get_config() raises SystemExit: bye (", 4),
    "exits while read": ("exit(3)\n", "SystemExit: 3 (", 1),
    "syntax": ("def get_config(:\n", "SyntaxError: ", 1),
    "indentation": ("def f():\nx\n", "IndentationError: ", 2),
    "null byte": ("x = '\0'\n", "null bytes", None),
    "import": (
        "import no_such_package_of_anyone\n",
        "ModuleNotFoundError: No module named 'no_such_package_of_anyone' (",
        1,
    ),
    "misspelt section": (HEAD + "    c = default_config()\n    c.sytem.basis = 'x'\n", "AttributeError: ", 4),
    "misspelt key": (HEAD + "    c = default_config()\n    c.system.bassis = 'x'\n", "bassis", 4),
    "wrong type": (HEAD + "    c = default_config()\n    c.training.steps = 'x'\n", "TypeError: ", 4),
    "own refusal": (
        HEAD + "    from nnks.config import override\n    override(default_config(), {'a': 1})\n",
        "config.a does not exist",
        4,
    ),
    "needs arguments": ("def get_config(x): ...\n", "TypeError: ", None),
    "error without words": (HEAD + "    raise Exception\n", "get_config() raises Exception (", 3),
    "error that fails": (
        "class Odd(Exception):\n    def __str__(self):\n        raise Odd\ndef get_config():\n    raise Odd\n",
        "get_config() raises Odd (",
        5,
    ),
    "no exception of exceptions": (HEAD + "    raise BaseException('x')\n", "BaseException: x (", 3),
    "long words": (HEAD + "    raise ValueError('x' * 100_000)\n", "ValueError: xxx", 3),
    "returns nothing": (HEAD + "    default_config()\n", "returned None; it must return a ConfigDict", None),
    "returns a dictionary": (HEAD + "    return default_config().to_dict()\n", "it must return a ConfigDict", None),
    "returns an empty config": ("from ml_collections import ConfigDict as get_config\n", "config.ansatz is None", None),
    "returns a part": (
        HEAD + "    c = default_config()\n    with c.unlocked():\n        del c.training\n    return c\n",
        "config.training.checkpoint_steps is missing",
        None,
    ),
    "returns more": (
        HEAD + "    c = default_config()\n    with c.unlocked():\n        c.traning = 5\n    return c\n",
        "config.traning does not exist; did you mean 'training'?",
        None,
    ),
    "a value for a section": (
        HEAD + "    c = default_config()\n"
        "    with c.unlocked(), c.ignore_type():\n        c.ansatz = 'residual'\n    return c\n",
        "config.ansatz is 'residual'; it must be a section",
        None,
    ),
    "no function": ("x = 1\n", "has no function get_config", None),
    "no callable": ("get_config = 5\n", "has no function get_config", None),
}
SWEEPS = {
    "dictionary": ("def sweep(): return {'ansatz.width': 8}\n", "it must return a list of dictionaries"),
    "none": ("def sweep(): ...\n", "returned None; it must return a list"),
    "generator": ("def sweep():\n    yield {}\n", "it must return a list"),
    "texts": ("def sweep(): return ['ansatz.name']\n", "returned 'ansatz.name' as run 1"),
    "text": ("def sweep(): return 'ansatz.name'\n", "returned 'ansatz.name'; it must return a list"),
    "empty": ("def sweep(): return []\n", "no runs"),
    "no function": ("sweep = 5\n", "sweep() raises TypeError"),
    "numbers as keys": ("def sweep(): return [{1: 2}]\n", "1 is no key of a config"),
    "unknown key": ("def sweep(): return [{'ansatz.widht': 2}]\n", "config.ansatz.widht does not exist"),
    "error": ("def sweep():\n    return [1 / 0]\n", "sweep() raises ZeroDivisionError: division by zero ("),
    "ablation as a dictionary": ("ABLATION = {'axes': {}}\n", "ABLATION of"),
    "ablation as its class": (ABLATION + "ABLATION = Ablation\n", "ABLATION of"),
    "axis of a number": (
        ABLATION + "ABLATION = Ablation('x', {'ansatz.name': 5})\n",
        "cannot be used",
    ),
    "axes of a list": (ABLATION + "ABLATION = Ablation('x', ['ansatz.name'])\n", "raises"),
    "ablation as a switch": ("ABLATION = True\n", "ABLATION of"),
    "ablation as nothing": ("ABLATION = 0\n", "is 0; it must be made by"),
    "claim of a number": ("CLAIM = 5\n", "CLAIM of"),
    "claim of a switch": ("CLAIM = False\n", "is False; it must be a text"),
    "claim of bytes": ("CLAIM = b'less'\n", "it must be a text"),
    "expectation of a number": ("EXPECT = 5\n", "EXPECT of"),
    "expectation of a switch": ("EXPECT = True\n", "is True (expect is no dictionary"),
    "expectation of nothing": ("EXPECT = None\n", "EXPECT of"),
    "expectation of numbers": ("EXPECT = {5: ('same', 1.0)}\n", "no dictionary by ansatz"),
    "endless expectation": ("EXPECT = {'lcgto': ('same', float('inf'))}\n", "EXPECT of"),
    "expectation of an unknown ansatz": ("EXPECT = {'lcgo': ('same', 1.0)}\n", "names 'lcgo', which is no ansatz; did"),
    "sweep as a switch": ("sweep = True\n", "sweep() raises TypeError"),
    "settings of texts": (ABLATION + "ABLATION = Ablation('x', {'a': {'b': 'c'}})\n", "cannot be used"),
    "seeds of texts": (
        ABLATION + "ABLATION = Ablation('x', {'ansatz.name': ('lcgto',)}, seeds='abc')\n",
        "cannot be used",
    ),
}


def refused(capsys, *arguments):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("nnks: ")
    assert error.count("\n") == 1
    assert len(error) < 700
    return error


@pytest.mark.parametrize("case", USERS)
def test_a_config_file_that_fails_is_one_sentence_with_its_line(case, capsys, tmp_path):
    text, words, line = USERS[case]
    file = tmp_path / "mine.py"
    file.write_text(text)
    error = refused(capsys, "run", f"--config={file}", f"--results={tmp_path}/results")
    assert words in error
    assert str(file) in error
    if line is not None:
        assert f"({file}:{line})" in error
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("case", SWEEPS)
def test_a_sweep_of_another_type_is_one_sentence(case, capsys, tmp_path):
    text, words = SWEEPS[case]
    file = tmp_path / "mine.py"
    file.write_text(TAIL + text)
    assert words in refused(capsys, "sweep", f"--config={file}", f"--results={tmp_path}/results")
    assert not (tmp_path / "results").exists()


def test_debug_shows_the_users_code_and_nothing_of_nnks(capsys, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + "    return helper()\ndef helper():\n    return {}['key']\n")
    assert main(["run", f"--config={file}", "--debug"]) == 2
    error = capsys.readouterr().err
    assert f'File "{file}", line 3, in get_config' in error
    assert "return {}['key']" in error
    assert "KeyError: key" in error
    assert "nnks/config/files.py" not in error
    assert error.splitlines()[-1].startswith("nnks: config file ")


def test_an_error_in_a_neighbor_of_the_file_names_the_neighbor(capsys, tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "neighbor_that_fails.py").write_text("\n\nraise OSError('gone')\n")
    file = tmp_path / "mine.py"
    file.write_text("import neighbor_that_fails\n")
    error = refused(capsys, "run", f"--config={file}")
    assert f"OSError: gone ({tmp_path / 'neighbor_that_fails.py'}:3)" in error


def test_ctrl_c_in_a_config_file_is_no_error_of_it(capfd, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + "    raise KeyboardInterrupt\n")
    assert main(["run", f"--config={file}"]) == 130
    assert "interrupted" in capfd.readouterr().err


def changed(**sections):
    """The text of a config that differs in some values of its sections."""
    return json.dumps(
        {
            key: value | sections.get(key, {}) if isinstance(value, dict) else value
            for key, value in to_dict(default_config()).items()
        }
    )


JSON = {
    "list": ("[]", "holds []; expected a dictionary"),
    "brace": ("{", "cannot be read as JSON"),
    "empty": ("", "cannot be read as JSON"),
    "number": ("5", "holds 5; expected a dictionary"),
    "null": ("null", "holds None; expected a dictionary"),
    "text": ('"water"', "holds 'water'; expected a dictionary"),
    "binary": (bytes(range(256)) * 10, "cannot be read as JSON"),
    "utf-16": (changed().encode("utf-16"), "cannot be read as JSON"),
    "deep list": ("[" * 100_000, "nested too deep"),
    "deep dictionary": ('{"a":' * 100_000, "nested too deep"),
    "deep section": ('{"system":' + '{"a":' * 900 + "1" + "}" * 901, "config.system.a does not exist"),
    "deep value": ('{"experiment":' + "[" * 900 + "]" * 900 + "}", "config.experiment is ["),
    "huge number": ('{"training": {"seed": ' + "9" * 5000 + "}}", "cannot be read as JSON"),
    "large number": (
        '{"training": {"seed": ' + "9" * 500 + "}}",
        "config.training.seed is an integer of about 500 digits",
    ),
    "infinite": ('{"training": {"seconds": 1e999}}', "config.training.seconds is inf"),
    "nan": ('{"training": {"seconds": NaN}}', "config.training.seconds is nan"),
    "twice": ('{"training": {"seed": 1, "seed": 2}}', "the key 'seed' is given twice"),
    "unknown key": ('{"training": {"sed": 1}}', "config.training.sed does not exist; did you mean 'seed'?"),
    "unknown section": ('{"trainig": {"seed": 1}}', "config.trainig does not exist"),
    "text for a section": ('{"system": "water"}', "config.system is a section"),
    "list for a section": ('{"optimizer": []}', "config.optimizer is a section"),
    "null for a section": ('{"ansatz": null}', "config.ansatz is a section"),
    "section for a value": ('{"experiment": {"a": 1}}', "config.experiment is {'a': 1}; it must be a text"),
    "text for a number": (changed(training={"steps": "5"}), "config.training.steps is '5'; it must be a whole number"),
    "bool for a number": (
        changed(training={"steps": True}),
        "config.training.steps is True; it must be a whole number",
    ),
    "number for a bool": (changed(reference={"pyscf": 1}), "config.reference.pyscf is 1; it must be true or false"),
    "null for a number": (
        changed(training={"steps": None}),
        "config.training.steps is None; it must be a whole number",
    ),
    "unknown member": ('{"ansatz": {"name": "rezidual"}}', "did you mean 'residual'?"),
    "member of another type": ('{"ansatz": {"name": ["residual"]}}', "ansatz is ['residual'], which does not exist"),
    "field of another member": ('{"ansatz": {"width": 3}}', "config.ansatz.width does not exist for ansatz 'lcgto'"),
    "lone surrogate": ('{"label": "\\ud800"}', "config.label is '\\ud800'"),
    "dotted key twice": ('{"training.seed": 1, "training": {"seed": 2}}', "config.training.seed is given twice"),
    "path": ('{"experiment": "../../x"}', "config.experiment is '../../x'"),
    "empty key": ('{"": 1}', "config. does not exist"),
}


@pytest.mark.parametrize("case", JSON)
def test_json_that_is_no_config_is_one_sentence_with_the_file(case, capsys, tmp_path):
    content, words = JSON[case]
    file = tmp_path / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refused(capsys, "run", f"--config={file}", f"--results={tmp_path}/results")
    assert words in error
    assert str(file) in error
    assert not (tmp_path / "results").exists()


def test_json_of_a_run_is_read_with_its_nulls_and_whole_numbers(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(
        "\ufeff" + changed(training={"seconds": None, "energy_tolerance": 1}, system={"spin": None}), encoding="utf-8"
    )
    config = nnks.load_config(file)
    assert config.training.seconds is None
    assert type(config.training.energy_tolerance) is float
    assert to_dict(nnks.load_config(str(file))) == to_dict(config)


def test_a_sweep_of_json_says_what_takes_it(capsys, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(changed())
    assert "use nnks run --config=" in refused(capsys, "sweep", f"--config={file}")


@pytest.mark.parametrize(
    "name", ["", "a\0b", "x" * 5000, "x" * 5000 + ".py", "\ud800", "\ud800.json", "a\nb.py", "..", "."]
)
def test_a_config_that_no_file_system_can_hold_does_not_exist(name):
    with pytest.raises(InputError, match=r"does not exist|neither a file") as caught:
        load_config(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [None, 5, b"gaussian", ["gaussian"], {}, default_config()])
def test_a_name_of_another_type_is_refused(name):
    with pytest.raises(InputError, match="the name of a config is"):
        load_config(name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (5, "changes of a config are 5"),
        ("ansatz.name", "changes of a config are 'ansatz.name'"),
        ([("ansatz.name", "residual")], "changes of a config are"),
        ({5: 1}, "5 is no key"),
        ({None: 1}, "None is no key"),
        ({"system": 5}, "config.system is a section"),
        ({"ansatz.name": None}, "ansatz is None, which does not exist"),
        ({"ansatz.name": ["residual"]}, "ansatz is"),
        ({"ansatz.name": 5}, "ansatz is 5"),
        ({"ansatz": {"name": "residual", "width": "3"}}, "config.ansatz.width is '3'"),
        ({"ansatz": {5: 3}}, "config.ansatz.5 does not exist"),
        ({"system.molecule": b"CO"}, "config.system.molecule is b'CO'"),
        ({"system.molecule": ["CO"]}, "config.system.molecule is ['CO']"),
        ({"": 1}, "config. does not exist"),
        ({"a\nb" * 1000: 1}, "does not exist"),
        ({"training.steps": lambda: 5}, "config.training.steps is <function"),
    ],
)
def test_changes_of_any_type_are_refused_in_one_sentence(changes, words):
    with pytest.raises(InputError) as caught:
        nnks.load_config("gaussian", changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_section_may_be_changed_by_a_dictionary():
    config = nnks.load_config("gaussian", {"ansatz": {"width": 8, "name": "residual"}, "system.molecule": "CO"})
    assert (config.ansatz.name, config.ansatz.width, config.system.molecule) == ("residual", 8, "CO")
    assert (
        nnks.load_config("gaussian", {"system.basis": {"O": "6-31g", "H": "sto-3g"}}).system.basis == "H:sto-3g,O:6-31g"
    )


def test_a_basis_for_each_element_is_written_in_a_config_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        HEAD + "    c = default_config()\n    c.system.basis = {'O': '6-31g', 'H': 'sto-3g'}\n    return c\n"
    )
    assert load_config(str(file)).system.basis == "H:sto-3g,O:6-31g"
    stored = tmp_path / "config.json"
    stored.write_text(changed(system={"basis": {"O": "6-31g", "H": "sto-3g"}}))
    assert load_config(stored).system.basis == "H:sto-3g,O:6-31g"


@pytest.mark.parametrize("config", [5, None, "gaussian", {"system": {"molecule": "H2"}}])
def test_what_is_no_config_is_refused(config):
    from nnks.config import resolved
    from nnks.registry import InputError

    with pytest.raises(InputError, match="expected a ConfigDict"):
        resolved(config)


def test_a_stored_config_that_lacks_keys_says_which_take_their_defaults(capsys, tmp_path):
    file = tmp_path / "cut.json"
    whole = to_dict(default_config())
    file.write_text(json.dumps(whole))
    load_config(file)
    assert capsys.readouterr().err == ""
    del whole["training"]["seed"]
    del whole["functional"]["xc"]
    file.write_text(json.dumps(whole))
    assert load_config(file) == default_config()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cut.json" in said
    assert "config.training.seed=0" in said
    assert "config.functional.xc='lda,vwn'" in said


def test_a_config_that_changes_the_working_folder_is_refused_and_the_folder_is_as_before(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "away").mkdir()
    text = (
        "import os\nfrom nnks.config import default_config\n{}\n"
        "def get_config():\n    {}\n    return default_config()\n"
    )
    for number, lines in enumerate([("os.chdir('away')", "pass"), ("", "os.chdir('away')")]):
        (tmp_path / f"mine{number}.py").write_text(text.format(*lines))
        assert main(["run", f"--config=mine{number}.py", "--dry-run"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "changes the working folder to" in said
        assert os.getcwd() == str(tmp_path)
