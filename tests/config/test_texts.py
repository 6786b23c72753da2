"""Names of folders, labels and projects that a file system, a report or a shell cannot hold are refused."""

import pytest

from nnks.config import default_config, override
from nnks.registry import InputError

BAD_NAMES = (
    "", " ", "../../x", "a/b", "/a", "~", "~root", ".", "..", ".hidden", "-x", "--yes", "a.", "a ", " a", "a\\b", "C:",
    "a:b", "a*", "a?", "a\x00b", "\ud800", "a\nb", "a\tb", "\x1b[31m", "a\u202eb", "a\u2028b", "a\ufeff", "x" * 101,
    "😀" * 64, "con", "NUL", "aux.txt", "com1", "references", "<script>", 'a"b', "a|b",
)  # fmt: skip
GOOD_NAMES = (
    "water",
    "table 1",
    "été",
    "水",
    "a.b",
    "v1.2-x_y",
    "x" * 100,
    "a'b",
    "(1)",
    "%20",
    "$HOME",
    "constant",
    "a&b",
    "#1",
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_an_experiment_is_the_name_of_one_folder(name):
    with pytest.raises(InputError, match=r"^config\.experiment is "):
        override(default_config(), {"experiment": name})


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_an_experiment_may_be_called_anything_that_a_folder_may(name, tmp_path):
    config = override(default_config(), {"experiment": name})
    (tmp_path / config.experiment).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\ud800", "x" * 201, "\x1b[2J", "a\u202eb"])
@pytest.mark.parametrize("key", ["label", "tracking.project"])
def test_labels_and_projects_are_one_printable_line(key, text):
    with pytest.raises(InputError, match=f"^config.{key} is "):
        override(default_config(), {key: text})


@pytest.mark.parametrize("text", ["", " ", "a/b", "a\\b", "a#b", "a?b", "a%b", "a:b"])
def test_a_project_is_one_that_wandb_takes(text):
    with pytest.raises(InputError, match=r"Weights & Biases"):
        override(default_config(), {"tracking.project": text})


@pytest.mark.parametrize(
    "key", ["system.molecule", "system.basis", "functional.auxiliary", "reference.large_basis", "functional.xc"]
)
def test_no_text_holds_what_a_file_cannot(key):
    for text in ("a\x00b", "\ud800", "a\x1bb", "x" * 5_000_001):
        with pytest.raises(InputError, match=f"^config.{key} is "):
            override(default_config(), {key: text})


@pytest.mark.parametrize("key", ["system.basis", "functional.auxiliary", "evaluation.auxiliary"])
def test_a_basis_has_a_name(key):
    for text in ("", " ", "\n"):
        with pytest.raises(InputError, match="it must be the name of a basis set"):
            override(default_config(), {key: text})


def test_a_molecule_may_have_lines():
    text = "2\ncomment\nH 0 0 0\nH 0 0 0.74\n"
    assert override(default_config(), {"system.molecule": text}).system.molecule == text
