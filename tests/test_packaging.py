"""What users install: metadata that agree, and distributions that run away from the repository."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
LARGEST_SOURCE = 5e6
"""Bytes of the source distribution; stored runs alone have several times as many."""


def test_the_license_of_the_metadata_is_the_one_that_ships():
    assert PROJECT["license"] == CITATION["license"] == "Apache-2.0"
    (file,) = PROJECT["license-files"]
    text = " ".join((ROOT / file).read_text().split())
    assert text.startswith("Apache License Version 2.0, January 2004")
    assert "9. Accepting Warranty or Additional Liability." in text  # the whole text


def test_the_version_is_the_same_everywhere():
    import nnks

    assert PROJECT["version"] == nnks.__version__ == str(CITATION["version"])


def test_the_newest_release_of_the_changelog_is_the_version():
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = sections[1:] if sections[0] == "Unreleased" else sections
    dated = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}", title) for title in released]
    assert all(dated), f"a section is 'Unreleased', which is the first, or '0.2.0 - 2026-11-28': {sections}"
    versions = [Version(match[1]) for match in dated if match]
    assert versions == sorted(set(versions), reverse=True)
    assert not versions or str(versions[0]) == PROJECT["version"]


def declared(*extras: str) -> set[str]:
    """Distributions that an installation brings, with these extras."""
    optional = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + [line for extra in extras for line in optional[extra]]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def imported_names(path: Path) -> set[str]:
    """Top-level packages that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


def test_every_package_that_nnks_imports_is_declared():
    others = {name: path.name for path in (ROOT / "nnks").rglob("*.py") for name in imported_names(path)}
    bases, extras = declared(), declared("ray", "slurm")
    for name in others.keys() - sys.stdlib_module_names - {"nnks", "nnks_paper"}:
        brought = canonicalize_name(name) in bases | extras or any(
            file.parts[0] == name for home in bases for file in importlib.metadata.files(home) or ()
        )
        assert brought, f"{others[name]} imports {name}, which pyproject.toml does not declare"


def test_public_ci_runs_the_bounds_of_the_metadata():
    matrix = WORKFLOW["jobs"]["test"]["strategy"]["matrix"]
    tested = [Version(python) for python in matrix["python"]]
    named = [
        Version(text[-1])
        for text in (line.split(" :: ") for line in PROJECT["classifiers"])
        if text[0] == "Programming Language" and "." in text[-1]
    ]
    assert (min(tested), max(tested)) == (min(named), max(named))
    assert PROJECT["requires-python"] == f">={min(tested)}"
    (jax,) = (Requirement(line).specifier for line in PROJECT["dependencies"] if Requirement(line).name == "jax")
    lowest, highest = (SpecifierSet(text) for text in matrix["jax"])
    bound = {part.operator: part.version for part in jax}
    assert bound[">="] in lowest
    assert {(part.operator, part.version) for part in highest} == {("<", bound["<"])}


def test_files_and_targets_that_the_guide_names_are_there():
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    for link in re.findall(r"\]\(([^)#]+)", guide):
        assert "://" in link or (ROOT / link).exists(), link
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`", guide):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The wheel and the source distribution; the wheel is built from the latter, as an installation of it does."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", f"--outdir={folder}", str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.mark.slow
def test_the_wheel_holds_the_package_its_data_and_its_configs(distributions):
    with zipfile.ZipFile(distributions[0]) as wheel:
        names = set(wheel.namelist())
        (metadata,) = (wheel.read(name).decode() for name in names if name.endswith("/METADATA"))
    info = f"nnks-{PROJECT['version']}.dist-info"
    paper = ROOT / "experiments" / "nnks_paper"
    sources = {"nnks": ROOT / "nnks", "nnks/configs": ROOT / "configs", "nnks_paper": paper}
    expected = {
        f"{prefix}/{path.relative_to(folder)}"
        for prefix, folder in sources.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "nnks/py.typed" in expected
    assert {name for name in names if not name.startswith(info)} == expected
    assert f"{info}/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0" in metadata.splitlines()


@pytest.mark.slow
def test_the_source_distribution_holds_no_stored_runs(distributions):
    with tarfile.open(distributions[1]) as source:
        tops = {name.split("/")[1] for name in source.getnames()}
    assert {"nnks", "configs", "tests", "docs", "LICENSE", "CITATION.cff", "CHANGELOG.md"} <= tops
    assert not tops & {"results", ".ci", ".venv", ".git"}
    assert distributions[1].stat().st_size < LARGEST_SOURCE


def empty_environment(folder: Path) -> Path:
    """The interpreter of a new environment that sees the dependencies of this one, but no editable nnks."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched, but its own .pth files, which editable installations are, are not read.
    homes = {str(Path(importlib.metadata.distribution(name).locate_file("")).resolve()) for name in ("jax", "pyscf")}
    (site / "dependencies.pth").write_text("\n".join(homes))
    return folder / "bin" / "python"


@pytest.fixture
def installed(tmp_path, distributions):
    """Installs a distribution in an empty environment; what comes back runs a program there, in an empty folder."""
    python = empty_environment(tmp_path / "environment")
    away = tmp_path / "away"
    away.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def output(program: str, *arguments: str) -> str:
        command = [str(python.parent / program), *arguments]
        return subprocess.run(command, cwd=away, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def install(archive: Path):
        pip = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--no-build-isolation", str(archive)], check=True)
        home = Path(output("python", "-c", "import nnks; print(nnks.__file__)").strip())
        assert home.is_relative_to(tmp_path / "environment")
        return away, output

    return install


@pytest.mark.slow
def test_an_installed_wheel_runs_away_from_the_repository(distributions, installed):
    away, output = installed(distributions[0])
    output("nnks", "run", "--config=gaussian", "--config.system.molecule=H2")
    (path,) = away.glob("results/*/*/summary.json")
    summary = json.loads(path.read_text())
    assert summary["status"] == "finished"
    same = summary["reference"][summary["reference_same"]]
    assert abs(summary["energies"]["total"] - same) < 1e-6  # Ha; both are converged to 1e-9, on the same grid


@pytest.mark.slow
def test_an_installed_source_distribution_finds_its_configs(distributions, installed):
    _, output = installed(distributions[1])
    assert "ablations/gram" in output("nnks", "list", "config")
    study = "from nnks_paper.study import load_study; print(len(load_study('table1', 'results', quick=False).configs))"
    assert int(output("python", "-c", study)) > 1  # `nnks reproduce` has its items and their configs
    assert '"molecule": "H2"' in output("nnks", "run", "--config=gaussian", "--config.system.molecule=H2", "--dry-run")
