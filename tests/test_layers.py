"""Imports point down the layers; PySCF stays behind its border."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "nnks"
FLOORS = (
    *("errors", "units", "energies", "compiler", "types", "sizes", "traces", "registry"),
    *("derivatives", "interruption", "textfiles"),
    *("ablation", "geometries", "molecule"),
    *("basis", "quadrature", "coulomb", "orthogonalize", "ansatz", "averaging"),
    *("density", "blocks", "orbitals", "functional", "scf", "objective"),
    *("tracking", "training", "config", "analysis", "interop"),
    *("setup", "runs", "launch", "sweep", "cli"),
    "testing",
)
"""From the ground up, one package or module a floor."""
LEVEL = {name: level for level, name in enumerate(FLOORS)}
APART = [("training", "tracking"), ("functional", "training"), ("analysis", "interop"), ("config", "interop")]
FILES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT or p.stem != "__init__")


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = package_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "nnks" and len(parts) > 1 and parts[1] in LEVEL:
            below = LEVEL[parts[1]] < LEVEL[here]
            assert below or parts[1] == here, f"{path.name} imports {name}, which is not below it"
            assert (here, parts[1]) not in APART, f"{here} must not know of {parts[1]}"
        if parts[0] == "pyscf":
            assert here == "interop", f"{path.name} imports PySCF; only nnks/interop may"


def test_only_the_door_and_what_is_above_it_reads_a_config():
    """Below `setup` there are objects; reports and stores know configs as the files that they are."""
    for path in FILES:
        here = package_of(path)
        if LEVEL[here] < LEVEL["setup"] and here not in ("config", "tracking", "analysis"):
            assert not any(name.startswith("nnks.config") for name in imports(path)), f"{path} knows configs"


def test_every_module_has_a_layer():
    assert {package_of(path) for path in FILES} <= set(LEVEL)


def test_batteries_work_without_pytest():
    """They are for users' own projects, whose tests may use something else."""
    for path in (ROOT / "testing").glob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"pytest", "beartype", "hypothesis"}


def test_solvers_and_optimizers_know_the_sum_of_terms_alone():
    """A term that they knew by its type would be one that no user can add."""
    allowed = {"nnks.functional", "nnks.functional.Functional", "nnks.functional.Rotations"}
    allowed |= {"nnks.functional.Term"}
    for path in [*(ROOT / "training").glob("*.py"), *(ROOT / "scf").glob("*.py")]:
        known = {name for name in imports(path) if name.startswith("nnks.functional")}
        assert known <= allowed, f"{path.name} knows {known - allowed}"


def test_who_uses_the_hartree_term_does_not_know_its_operator():
    """An operator of a user's own is another one for the term, and for nobody else."""
    for path in [*(ROOT / "training").glob("*.py"), *(ROOT / "orbitals").glob("*.py"), *(ROOT / "scf").glob("*.py")]:
        assert not any(name.startswith("nnks.coulomb") for name in imports(path)), f"{path.name} knows operators"
    for path in [*(ROOT / "setup").glob("*.py"), *(ROOT / "functional").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "isinstance":
                assert "Coulomb" not in ast.unparse(call), f"{path.name} asks for the type of an operator"


def test_the_experiments_use_nnks_and_only_their_command_knows_them():
    for path in FILES:
        if any(name.split(".")[0] == "nnks_paper" for name in imports(path)):
            assert path == ROOT / "cli" / "reproduce.py"
