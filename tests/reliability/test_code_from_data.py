"""Nothing that a config or a store says is evaluated, and nothing in the package could."""

import ast
import importlib
import json
import os
import runpy
from pathlib import Path

import numpy as np
import pytest

from nnks.cli import main

ROOT = Path(__file__).parents[2] / "nnks"

COMMAND = "__import__('os').system('touch pwned')"

TEXTS = {
    "exponent": f"H S\n {COMMAND} 1.0\n",
    "coefficient": f"H S\n 1.0 {COMMAND}\n",
    "degree": f"H {COMMAND}\n 1.0 1.0\n",
    "symbol": f"{COMMAND} S\n 1.0 1.0\n",
    "framed": f'BASIS "ao basis" SPHERICAL PRINT\nH S\n {COMMAND} 1.0\nEND\n',
    "gaussian": f"****\nH 0\nS 1 1.00\n {COMMAND} 1.0\n****\n",
    "cp2k": f"H GTH-MINE\n 1\n 1 0 0 1 1\n {COMMAND} 1.0\n",
    "lambda": "H S\n (lambda: open('pwned','w').close())() 1.0\n",
    "json": json.dumps(
        {
            "elements": {
                "1": {"electron_shells": [{"angular_momentum": [0], "exponents": [COMMAND], "coefficients": [["1"]]}]}
            }
        }
    ),
}
NAMES = [COMMAND, f"6-31g@{COMMAND}", f"H:{COMMAND}", f"{COMMAND}:sto-3g", f"unc-{COMMAND}"]
KEYS = ["system.basis", "functional.auxiliary", "reference.large_basis"]

H2 = ["--config=gaussian", "--config.system.molecule=H2", "--config.system.basis=sto-3g", "--config.quadrature.level=0"]
FITTED = ["--config.functional.hartree=density_fitting"]


def refused(arguments, folder, capsys):
    """Runs a command that must be refused in one line without having executed anything."""
    before = set(os.listdir(folder))
    status = main([*arguments, f"--results={folder / 'results'}"])
    said = capsys.readouterr().err.strip()
    assert status == 2, said
    assert len(said.splitlines()) == 1, said
    assert "Traceback" not in said
    assert "pwned" not in os.listdir(folder)
    assert set(os.listdir(folder)) - before <= {"results"}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("text", [*TEXTS.values(), *NAMES], ids=[*TEXTS, *map(str, range(len(NAMES)))])
def test_a_command_in_a_basis_on_the_command_line_is_not_run(key, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    refused(["run", *H2, *FITTED, f"--config.{key}={text}", "--dry-run"], tmp_path, capsys)


@pytest.mark.parametrize("ending", [".nw", ".gbs", ".dat", ".json"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_command_in_a_basis_file_is_not_run(text, ending, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"mine{ending}").write_text(text)
    refused(["run", *H2, f"--config.system.basis=mine{ending}", "--dry-run"], tmp_path, capsys)


@pytest.mark.parametrize("key", KEYS)
def test_a_command_in_somebody_elses_config_is_not_run(key, tmp_path, monkeypatch, capsys):
    from nnks import load_config
    from nnks.config import to_dict

    monkeypatch.chdir(tmp_path)
    values = to_dict(
        load_config("gaussian", {"system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": 0})
    )
    values["functional"]["hartree"] = "density_fitting"
    section, _, name = key.partition(".")
    values[section][name] = TEXTS["exponent"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    refused(["run", "--config=config.json", "--dry-run"], tmp_path, capsys)


def starts():
    """What a run takes from PySCF's tables: its basis, the fitting set, and free atoms' densities, of both guesses."""
    from nnks.interop.basis_tables import load
    from nnks.interop.coulomb import auxiliary_mole
    from nnks.interop.pyscf import atomic_charges, guess_orbitals, make_mole
    from nnks.molecule import Molecule

    load.cache_clear()
    mole = make_mole(Molecule.from_spec("H2"), "STO-3G")
    charges = [each for atom in atomic_charges(mole) for each in atom]
    return [mole._env, auxiliary_mole(mole)._env, *guess_orbitals(mole, "minao"), *charges]


@pytest.mark.parametrize("text", [TEXTS["exponent"], "H S\n 5.0 1.0\n"], ids=["command", "other numbers"])
@pytest.mark.parametrize("name", ["sto-3g", "STO-3G", "ano", "def2-svp-jfit", "def2-universal-jkfit"])
def test_a_file_of_the_working_folder_with_a_basiss_name_is_not_read(name, text, tmp_path, monkeypatch):
    """PySCF would read it in place of its own table."""
    expected = starts()
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    for value, right in zip(starts(), expected, strict=True):
        np.testing.assert_array_equal(value, right)
    assert os.listdir(tmp_path) == [name]


def test_settings_of_pyscf_in_the_working_folder_are_not_run(tmp_path, monkeypatch):
    """PySCF runs `.pyscf_conf.py` at its import; here its loader alone, as if for the first time."""
    import pyscf.__config__

    import nnks.interop

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".pyscf_conf.py").write_text("open('pwned', 'w').close()")
    importlib.reload(nnks.interop)
    settings = runpy.run_path(pyscf.__config__.__file__)
    assert "pwned" not in os.listdir(tmp_path)
    assert settings["DISABLE_EVAL"] or os.path.isfile(os.path.expanduser("~/.pyscf_conf.py"))
    monkeypatch.setenv("PYSCF_CONFIG_FILE", str(tmp_path / "gone"))
    importlib.reload(nnks.interop)
    runpy.run_path(pyscf.__config__.__file__)
    assert "pwned" not in os.listdir(tmp_path)
    monkeypatch.delenv("PYSCF_CONFIG_FILE")
    runpy.run_path(pyscf.__config__.__file__)
    assert "pwned" in os.listdir(tmp_path)  # what would happen


FORBIDDEN = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_package_evaluates_nothing(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in FORBIDDEN, f"{path}:{node.lineno}"
            assert called not in ("os.system", "os.popen", "yaml.load", "subprocess.getoutput"), f"{path}:{node.lineno}"
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" or (keyword.arg == "shell" and called.startswith("subprocess")):
                    assert isinstance(keyword.value, ast.Constant), f"{path}:{node.lineno}"
                    assert keyword.value.value is False, f"{path}:{node.lineno}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {name.partition(".")[0] for name in names} & MODULES, f"{path}:{node.lineno}"
