"""The documentation site builds, its generated page is current, and what the quick start says runs."""

import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nnks.cli import main
from nnks.config import default_config, flatten, registries
from nnks.config.keys import all_keys
from nnks.config.sections import section_rules

ROOT = Path(__file__).parents[1]
QUICK = (ROOT / "docs" / "quick-start.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", QUICK, re.MULTILINE | re.DOTALL)
EXAMPLE, ABLATION = [block for kind, block in BLOCKS if kind == "python"]
COMMANDS = [
    line
    for kind, block in BLOCKS
    if not kind
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith((".venv/bin/nnks ", "make "))
]
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
HOW_TO_COMMANDS = sorted(
    {
        line
        for page in HOW_TO
        for block in re.findall(r"^```\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if line.startswith("nnks ")
    }
)
MESSAGES = [
    row for row in re.findall(r"^\| `(.*?)` \|", (ROOT / "docs/how-to/troubleshooting.md").read_text(), re.MULTILINE)
]
LINK_OUT = '<a href="../results/benchmarks/README.md"'


def build(tmp_path, *options):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_site_builds_and_is_read_without_a_network(tmp_path):
    outcome = build(tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    site = tmp_path / "site"
    pages = {
        page.relative_to(site).with_suffix("").as_posix(): page.read_text("utf-8") for page in site.rglob("*.html")
    }
    assert {"index", "quick-start", "concepts", "keys", "theory", "decisions/index", "tutorials/ablation"} <= set(pages)
    assert "An interrupted run of it is continued" in pages["api/nnks"]
    for name, page in pages.items():
        assert not re.search(r'<(?:script|img|link)[^>]+(?:src|href)="https?://', page), name
        assert "arithmatex" not in page, name
    assert LINK_OUT in pages["index"]
    assert "<math" in pages["theory"]


@pytest.mark.skipif(not importlib.util.find_spec("mkdocs"), reason="the hooks of the site need it")
@pytest.mark.parametrize("target", ["nowhere.md", "../results/nowhere.png"])
def test_a_link_to_nowhere_ends_a_build(target, tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    for name in ("hooks.py", "style.css"):
        (pages / name).write_bytes((ROOT / "docs" / name).read_bytes())
    (pages / "index.md").write_text(f"# Page\n\nA [link]({target}), and `[code](not-a-link.md)`.\n")
    site = {"docs_dir": str(pages), "hooks": [str(pages / "hooks.py")], "nav": [{"Page": "index.md"}]}
    inherited = "\n".join(f"{key}: {value!r}" for key, value in site.items())
    (tmp_path / "mkdocs.yml").write_text(f"INHERIT: {ROOT / 'mkdocs.yml'}\n{inherited}\n")
    outcome = build(tmp_path, "--config-file", str(tmp_path / "mkdocs.yml"))
    assert outcome.returncode != 0
    assert f"index.md links to {target}" in outcome.stderr
    assert "not-a-link" not in outcome.stderr


def test_the_page_of_keys_is_current(capsys):
    assert main(["list", "keys", "--markdown"]) == 0
    written = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert written == capsys.readouterr().out, "nnks list keys --markdown > docs/keys.md"


def test_every_key_is_listed_with_what_it_does(capsys):
    assert main(["list", "keys"]) == 0
    out = capsys.readouterr().out
    paths = {path for path, _ in flatten(default_config().to_dict())}
    members = [(kind, name) for kind, registry in registries().items() for name in registry]
    paths |= {f"{kind}.{field}" for kind, name in members for field in section_rules(kind, name)}
    listed = {key.path for key in all_keys()}
    assert paths <= listed
    for path in listed:
        assert re.search(rf"^{re.escape(path)} = ", out, re.MULTILINE), path
    assert [key.path for key in all_keys() if not key.does] == []


def test_a_key_says_what_the_comment_beside_it_says():
    does = {key.path: key.does for key in all_keys()}
    assert does["tracking.log_steps"] == "steps between records"
    assert does["quadrature.memory"].startswith("gigabytes that a table")
    assert does["quadrature.memory"].endswith("None: half of what is free")
    assert does["evaluation.level"].endswith("two levels finer for others")
    assert does["training.checkpoint_steps"] == "steps between checkpoints"


def test_the_example_prints_what_the_quick_start_says(tmp_path, monkeypatch, capsys):
    said = next(after for (kind, _), (_, after) in itertools.pairwise(BLOCKS) if kind == "python")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLE, "quick-start.md", "exec"), {})
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_quick_start_is_understood(command, tmp_path, monkeypatch, capsys):
    program, *arguments = shlex.split(command)
    if program == "make":
        subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True, capture_output=True)
        return
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guess.py").write_text(ABLATION)
    if arguments[0] in ("run", "sweep"):
        assert main([*dict.fromkeys((*arguments, "--dry-run"))]) == 0
        assert capsys.readouterr().out
    elif arguments[0] == "list":
        assert main(arguments) == 0
        assert capsys.readouterr().out
    else:  # the next test and those of the quickstart run them
        assert arguments in (["quickstart"], ["report", "results/guess"])


@pytest.mark.parametrize("command", HOW_TO_COMMANDS)
def test_every_command_of_the_how_to_pages_is_understood(command, tmp_path, monkeypatch, capsys):
    _, *arguments = shlex.split(command)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guess.py").write_text(ABLATION)
    (tmp_path / "mine.xyz").write_text("2\ncharge=1 spin=1\nH 0 0 0\nH 0 0 1.1\n")
    if "--launcher" in command:  # submitit and Ray keep what they were given of a process
        dry = [sys.executable, "-m", "nnks.cli", *arguments, "--dry-run"]
        assert subprocess.run(dry, capture_output=True, check=True).stdout
    elif arguments[0] in ("run", "sweep"):
        assert main([*dict.fromkeys((*arguments, "--dry-run"))]) == 0
        assert capsys.readouterr().out
    else:
        assert arguments == ["report", "results/guess"]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_is_explained_is_one_of_the_code(message):
    """Its longest stretch of words, as the code has it; sentences there are broken over lines and hold values."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "nnks").rglob("*.py")))
    code = re.sub(r"\"\s*\n\s*f?\"", "", code)
    stretch = max((part.strip(" ;:,.'=") for part in message.split("...")), key=len)
    assert stretch in code


@pytest.mark.slow
def test_the_ablation_of_the_quick_start_is_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guess.py").write_text(ABLATION)
    assert main(["sweep", "--config=guess.py"]) == 0
    assert main(["report", "results/guess"]) == 0
    report = (tmp_path / "results" / "guess" / "report.md").read_text()
    assert report.count("| equal |") == 2
