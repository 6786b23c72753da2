"""Every run of a sweep is checked before the first starts, and named where it cannot be run."""

import pytest

from nnks.registry import InputError

STUDY = '''"""A sweep of helium."""
from nnks.config import default_config

def get_config():
    c = default_config()
    c.system.molecule, c.system.basis, c.quadrature.level = "He", "sto-3g", 0
    c.reference.pyscf, c.reference.large_basis = False, ""
    c.tracking.wandb, c.tracking.console = "disabled", False
    return c

def sweep():
    return {runs}
'''
WRONG = [
    ("[{'system.spin': s} for s in (0, 1)]", "run 2 of 2 (system.spin=1): ", "cannot have spin 1"),
    (
        "[{'ansatz.name': 'residual', 'ansatz.width': w, 'ansatz.guess': g} for w in (2, 3) for g in ('core', 'moon')]",
        "run 2 of 4 (ansatz.width=2, ansatz.guess='moon'): ",
        "ansatz.guess is 'moon'",
    ),
    (
        "[{'functional.hartree': h, 'training.seed': s} for h in ('auto', 'exakt') for s in range(3)]",
        "run 4 of 6 (functional.hartree='exakt', training.seed=0): ",
        "functional.hartree is 'exakt'",
    ),
    (
        "[{'optimizer.name': 'adam', 'training.control_steps': n} for n in (0, 50)]",
        "run 2 of 2 (training.control_steps=50): ",
        "the whole grid leaves no variance",
    ),
    ("[{'evaluation.level': n} for n in (1, 11)]", "run 2 of 2 (evaluation.level=11): ", "level is 11"),
    ("[{'tracking.log_steps': n} for n in (1, 0)]", "run 2 of 2 (tracking.log_steps=0): ", "from 1 to"),
]


def study(folder, runs):
    file = folder / "study.py"
    file.write_text(STUDY.format(runs=runs))
    return file


@pytest.mark.parametrize(("runs", "which", "said"), WRONG)
@pytest.mark.parametrize("dry", [True, False])
def test_a_sweep_names_the_run_that_cannot_be_run(runs, which, said, dry, tmp_path, capsys):
    from nnks.cli import main

    results = tmp_path / "results"
    words = ["sweep", f"--config={study(tmp_path, runs)}", f"--results={results}", *(["--dry-run"] if dry else [])]
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith(f"nnks: {which}")
    assert said in error
    assert "\n" not in error
    assert not list(results.rglob("config.json"))


def test_a_sentence_about_a_run_of_a_sweep_is_that_of_the_run_alone(tmp_path):
    from nnks.config import load_config, override
    from nnks.runs.plan import sketch
    from nnks.sweep import check_runs, load_sweep

    file = str(study(tmp_path, "[{'system.spin': 0}, {'system.spin': 3}]"))
    with pytest.raises(InputError) as alone:
        sketch(override(load_config(file), {"system.spin": 3}))
    with pytest.raises(InputError) as together:
        check_runs(load_sweep(file), tmp_path)
    assert str(together.value) == f"run 2 of 2 (system.spin=3): {alone.value}"


def test_what_is_finished_is_not_checked(tmp_path, monkeypatch):
    """A stored run stays what it is, also where it could no longer be run."""
    from nnks.sweep import load_sweep, running

    loaded = load_sweep(str(study(tmp_path, "[{'training.seed': s} for s in range(3)]")))
    assert len(running.check_runs(loaded, tmp_path)) == 3
    monkeypatch.setattr(running, "is_finished", lambda config, results: config.training.seed != 2)
    assert [config.training.seed for config in running.check_runs(loaded, tmp_path)] == [2]


def test_a_dry_run_of_a_right_sweep_shows_its_runs(tmp_path, capsys):
    from nnks.cli import main

    file = study(tmp_path, "[{'functional.xc': xc} for xc in ('pbe', 'lda')]")
    assert main(["sweep", f"--config={file}", f"--results={tmp_path / 'results'}", "--dry-run"]) == 0
    assert "to do" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(
    "declared",
    [
        "def sweep():\n    return [{'training.seed': s} for s in range(300_000)]",
        "from nnks.ablation import Ablation\n"
        "ABLATION = Ablation('?', {'training.steps': (1, 2, 3)}, seeds=range(100_000))",
    ],
)
def test_so_many_runs_that_nobody_means_them_are_refused_with_their_number(declared, dry, tmp_path, capsys):
    from nnks.cli import main

    file, results = study(tmp_path, "[]"), tmp_path / "results"
    file.write_text(file.read_text().partition("def sweep")[0] + declared)
    assert main(["sweep", f"--config={file}", f"--results={results}", *(["--dry-run"] if dry else [])]) == 2
    error = capsys.readouterr().err
    assert "makes 300,000 runs" in error
    assert "if more than 1,000 are meant, add --yes" in error
    assert error.count("\n") == 1
    assert not results.exists()


def test_many_runs_are_made_where_they_are_meant_and_said_before_they_are_checked(tmp_path, monkeypatch, capsys):
    from nnks.cli import main
    from nnks.sweep import declared

    monkeypatch.setattr(declared, "MANY", 1)
    file = study(tmp_path, "[{'training.seed': s} for s in range(3)]")
    words = ["sweep", f"--config={file}", f"--results={tmp_path / 'results'}", "--dry-run"]
    assert main(words) == 2
    assert "makes 3 runs; if more than 1 are meant" in capsys.readouterr().err
    assert main([*words, "--yes"]) == 0
    said = capsys.readouterr()
    assert "3 runs are checked before the first starts." in said.err
    assert "3 runs, 3 to do." in said.out


def test_a_run_says_how_many_come_after_it_and_in_what_time(tmp_path, monkeypatch):
    """The time only where finished runs of the same configs tell it."""
    from nnks.runs import estimate
    from nnks.sweep import load_sweep, make_tasks
    from nnks.tracking import config_hash

    sweep = load_sweep(
        str(study(tmp_path, "[{'ansatz.guess': g, 'training.seed': s} for g in ('core', 'minao') for s in (0, 1)]"))
    )
    assert make_tasks(sweep, sweep.configs, tmp_path, None, None)[0].position == (1, 4, None)
    known = [
        (config_hash(config.to_dict()), {}, seconds)
        for config, seconds in zip(sweep.configs, (3.0, 3.0, 5.0, 5.0), strict=True)
    ]
    monkeypatch.setattr(estimate.Stored, "__init__", lambda self, folder: vars(self).update(_runs=known))
    tasks = make_tasks(sweep, sweep.configs, tmp_path, None, None)
    assert [task.position for task in tasks] == [(1, 4, 13.0), (2, 4, 10.0), (3, 4, 5.0), (4, 4, None)]
