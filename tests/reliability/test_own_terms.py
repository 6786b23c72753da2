"""Terms of a user's own in config files: what is wrong with them is one sentence, and changed code is not believed."""

import json
import os
import subprocess
import sys

import pytest

from nnks.cli import main

FILE = '''
import dataclasses
import jax.numpy as jnp
import numpy as np
from nnks.config import default_config, override
from nnks.functional import TERMS
from nnks.types import record, static


def strength():
    return {strength}


@TERMS.register("{name}")
@dataclasses.dataclass(frozen=True)
class Trap:
    """A harmonic trap."""

    k: float = 0.1

    def on(self, d):
        {on}
        return TrapEnergy(jnp.asarray(self.k * strength()))

    def in_pyscf(self, mole):
        {in_pyscf}
        with mole.with_common_orig((0.0, 0.0, 0.0)):
            return 0.5 * self.k * strength() * mole.intor_symmetric("int1e_r2"), 0.0


@record
class TrapEnergy:
    k: jnp.ndarray
    name: str = static(default="{name}")
    order: int = static(default=0)
    linear = True

    def __call__(self, x, y):
        square = jnp.sum(x.quadrature.points**2, axis=1)
        return {factor} * x.quadrature.integrate(x.density().total * 0.5 * self.k * square)


def get_config():
    changes = {{"system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": 0, "reference.large_basis": ""}}
    quiet = {{"tracking.wandb": "disabled", "tracking.console": False}}
    return override(default_config(), changes | quiet | {{"functional.terms": {{"{name}": {{}}}}}})
'''


@pytest.fixture(autouse=True)
def _nothing_stays_registered(monkeypatch):
    """Other tests list what is registered."""
    from nnks.functional import TERMS

    monkeypatch.setattr(TERMS, "_entries", dict(TERMS._entries))


def written(folder, name, *, strength="1.0", on="pass", in_pyscf="pass", factor="1.0"):
    file = folder / f"{name}.py"
    file.write_text(FILE.format(name=name, strength=strength, on=on, in_pyscf=in_pyscf, factor=factor))
    return file


@pytest.mark.parametrize(
    ("name", "parts", "words"),
    [
        ("trap_number", {"in_pyscf": "return 5"}, "returned 5 from `in_pyscf`"),
        ("trap_shape", {"in_pyscf": "return np.zeros((7, 7)), 0.0"}, "expected a symmetric, finite matrix"),
        ("trap_text", {"in_pyscf": "return np.zeros((2, 2)), 'a'"}, "expected a symmetric, finite matrix"),
        ("trap_nan", {"in_pyscf": "return np.full((2, 2), np.nan), 0.0"}, "not finite"),
        ("trap_raises", {"in_pyscf": "raise ValueError('no')"}, "fails in `in_pyscf` with ValueError: no"),
        ("trap_exits", {"on": "raise SystemExit(7)"}, "fails in `on` with SystemExit: 7"),
        ("trap_none", {"on": "return None"}, "is a NoneType without"),
    ],
)
def test_what_is_wrong_with_a_term_is_one_sentence_before_anything_is_computed(name, parts, words, tmp_path, capsys):
    file = written(tmp_path, name, **parts)
    assert main(["run", f"--config={file}", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_sum_over_the_grid_beside_pyscfs_integrals_is_no_violation(tmp_path):
    import nnks

    summary = nnks.run(nnks.load_config(written(tmp_path, "trap_on_the_grid")), tmp_path / "results")
    same = summary.values["reference_terms"]["pyscf/sto-3g"]
    assert abs(summary.energies["trap_on_the_grid"] - same["trap_on_the_grid"]) > 1e-5  # the coarsest grid
    assert summary.values["violations"] == []


@pytest.mark.parametrize(
    ("factor", "what"), [("jnp.nan", "energy"), ("jnp.sqrt(jnp.sum(0.0 * x.density().total))", "derivative")]
)
def test_a_term_that_is_not_finite_is_named_before_the_run_starts(factor, what, tmp_path, capsys):
    file = written(tmp_path, f"trap_lost_{what}", factor=factor)
    assert main(["run", f"--config={file}", f"--results={tmp_path / 'results'}"]) == 2
    said = capsys.readouterr().err
    assert f"term 'trap_lost_{what}': its {what} is not finite (nan or infinite)" in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "results").glob("*/*"))


@pytest.mark.parametrize(
    "config", [{"functional": {"terms": {"trap_gone": {}}}}, {"ansatz": {"name": "mine"}}, {"optimizer": {"name": "m"}}]
)
def test_a_stored_run_of_members_that_no_file_registered_says_which_file_to_name(config, tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "environment.json").write_text(json.dumps({"command": "nnks run --config=trap.py --again"}))
    assert main(["run", f"--config={tmp_path / 'config.json'}", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "which does not exist" in said
    assert "name the Python file that registers it, nnks run --config=FILE.py" in said
    assert "(the run was started by 'nnks run --config=trap.py --again')" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("changed", ["strength", "class"])
def test_a_reference_of_changed_code_is_computed_anew_and_a_finished_run_says_so(changed, tmp_path):
    """In processes of their own: a name is registered once in each."""

    def run(**parts):
        file = written(tmp_path, "trap_changed", **parts)
        command = [sys.executable, "-m", "nnks.cli", "run", f"--config={file}", f"--results={tmp_path / 'results'}"]
        outcome = subprocess.run([*command, *again], capture_output=True, text=True, env=os.environ)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stderr

    from nnks.tracking import list_runs

    again = []
    assert "the code of" not in run()
    other = {"strength": "5.0"} if changed == "strength" else {"on": "self = dataclasses.replace(self, k=0.5)"}
    if changed == "class":
        other["in_pyscf"] = other["on"]
    assert "the code of term 'trap_changed' is not what" in run(**other)
    again = ["--again"]
    run(**other)
    first, second = (record.summary for record in sorted(list_runs(tmp_path / "results"), key=lambda r: len(r.name)))
    for summary in (first, second):
        energies = summary["energies"], summary["reference_terms"]["pyscf/sto-3g"]
        # the coarsest grid's error was measured as 2e-4 and 9e-4 Ha; a stale reference is 1 Ha off
        assert abs(energies[0]["total"] - energies[1]["total"]) < 2e-3
    assert second["energies"]["total"] > first["energies"]["total"] + 0.1


def test_a_run_that_goes_on_with_changed_code_says_so(tmp_path):
    changes = ["ansatz.name=residual", "functional.hartree=density_fitting", "optimizer.name=sgd"]
    changes += ["optimizer.learning_rate=1e200", "reference.pyscf=false"]  # it diverges, and goes on when repeated

    def run(strength):
        file = written(tmp_path, "trap_resumed", strength=strength)
        command = [sys.executable, "-m", "nnks.cli", "run", f"--config={file}", f"--results={tmp_path / 'results'}"]
        outcome = subprocess.run([*command, *(f"--config.{c}" for c in changes)], capture_output=True, text=True)
        assert outcome.returncode == 1, outcome.stderr
        assert "was not finite" in outcome.stderr
        return outcome.stderr

    assert "the code of" not in run("1.0")
    said = run("2.0")
    assert said.count("the code of term 'trap_resumed' is not what the stored steps were computed with") == 1
    assert len(list((tmp_path / "results").glob("*/*-s0"))) == 1
