"""The README says little, and what it says runs."""

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from nnks.cli import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for kind, block in BLOCKS if not kind for line in block.splitlines()]
NNKS = [command for command in COMMANDS if command.startswith(".venv/bin/nnks ")]
WORDS = 450


def test_prose_is_short():
    prose = re.sub(r"^```.*?^```$", "", TEXT.split("## Where next")[0], flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "!", "#"))]
    words = re.sub(r"\]\([^)]*\)", "]", " ".join(lines)).split()
    assert len(words) <= WORDS
    for sentence in re.split(r"(?<=[.:])\s", " ".join(lines)):
        assert len(sentence.split()) <= 35, sentence


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    for link in links:
        if not link.startswith("https://"):
            assert (ROOT / link.partition("#")[0]).is_file(), link


@pytest.mark.parametrize("command", NNKS)
def test_every_command_is_understood(command, capsys):
    arguments = shlex.split(command)[1:]
    assert main([*arguments, "--dry-run"] if arguments[0] == "run" else arguments) == 0
    assert capsys.readouterr().out


def test_what_make_is_told_to_do_exists():
    targets = [command.split()[1] for command in COMMANDS if command.startswith("make ")]
    assert targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_the_example_prints_what_it_says(tmp_path, monkeypatch, capsys):
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    said = next(after for (kind, _), (_, after) in itertools.pairwise(BLOCKS) if kind == "python")
    monkeypatch.chdir(tmp_path)
    assert len(code.replace("\n\n", "\n").strip().splitlines()) <= 6
    exec(compile(code, "README.md", "exec"), {})
    assert said in capsys.readouterr().out
