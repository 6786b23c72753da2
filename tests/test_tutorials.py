"""The code of the tutorials runs, and prints what they say."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "tutorials").glob("*.md"))
SLOW = {"gaussian-and-neural", "minibatches"}
SPEC = importlib.util.spec_from_file_location("execute", DOCS / "execute.py")
execute = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(execute)


def page(name):
    return pytest.param(name, marks=[pytest.mark.slow] if name.stem in SLOW else [], id=name.stem)


@pytest.mark.parametrize("path", [page(path) for path in PAGES])
def test_a_tutorial_prints_what_it_says(path):
    command = [sys.executable, str(DOCS / "execute.py"), "--check", str(path)]
    outcome = subprocess.run(command, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr[-2000:]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_tutorial_asks_a_question_states_its_tolerance_and_ends_in_what_to_try(path):
    text = path.read_text(encoding="utf-8")
    assert "**The question:**" in text
    assert execute.TOLERANCE.search(text)
    assert "## What to try next" in text
    pictures = execute.PICTURE.findall(text)
    assert pictures
    for picture in pictures:
        assert (path.parent / picture).stat().st_size < 60_000
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert max(map(len, prose.splitlines())) <= 160


@pytest.mark.parametrize(
    ("stored", "output", "equal"),
    [
        ("E = -1.13268 Ha", "E = -1.13269 Ha", True),
        ("E = -1.13268 Ha", "E = -1.13288 Ha", False),
        ("bias 45.0 mHa", "bias 45.8 mHa", True),
        ("bias 45.0 mHa", "bias 47.0 mHa", False),
        ("8 steps", "9 steps", False),
        ("8 steps", "8 points", False),
        ("in 20261128-7c839843-s0", "in 20270101-00000000-s0", True),
        ("in 20261128-7c839843-s0", "in 20261128-7c839843-s1", False),
        ("+0.0000  ───", "-0.0000 ─────", True),
    ],
)
def test_outputs_are_compared_by_words_and_by_numbers_within_a_tolerance(stored, output, equal):
    assert execute.same(stored, output, 0.02) is equal


def test_a_page_is_written_with_what_its_code_prints_and_its_pictures(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(
        '```python title="a.py"\nX = 3\n```\n\n```python\nimport a\n\nprint(a.X)\n```\n\n```text\n2\n```\n\nAfter.\n'
    )
    (tmp_path / "empty").mkdir()
    sys.path.insert(0, str(tmp_path / "empty"))
    try:
        written = execute.execute(path, tmp_path / "empty")
        assert "```text\n3\n```\n\nAfter." in written
        path.write_text("![A](a.png)\n\n```sh\necho one | tr o 0\n```\n")
        with pytest.raises(execute.Differs, match=r"a\.png"):
            execute.execute(path, tmp_path / "empty")
    finally:
        sys.path.remove(str(tmp_path / "empty"))
