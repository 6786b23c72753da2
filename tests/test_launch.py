"""Sweeps in processes, by Ray and by submitit: the numbers of this process.

What fails is recorded, and the rest goes on.
"""

import os
import signal
import types

import pytest

STUDY = '''"""Two bases of helium, and a run that fails."""
from nnks.config import default_config
def get_config():
    c = default_config()
    c.system.molecule, c.quadrature.level = "He", 0
    c.training.steps = 4
    c.reference.pyscf, c.reference.large_basis = False, ""
    c.tracking.wandb, c.tracking.console = "disabled", False
    return c
def sweep():
    return [
        {"system.basis": "sto-3g"},
        {"optimizer.name": "sgd", "optimizer.learning_rate": 1e200, "label": "too long a step"},
        {"system.basis": "6-31g"},
    ]
'''

KILLER = '''"""Ends every process but the test's own."""
import multiprocessing, os, signal
if multiprocessing.parent_process() is not None:
    os.kill(os.getpid(), signal.SIGKILL)
def get_config(): ...
'''


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    file = tmp_path_factory.mktemp("study") / "helium.py"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def expected(study, tmp_path_factory):
    """The energies that this process finds."""
    results = tmp_path_factory.mktemp("here")
    sweep(study, results)
    return energies(results)


def sweep(study, results, **how):
    from nnks.sweep import load_sweep, run_sweep

    lines = []
    outcome = run_sweep(load_sweep(str(study)), results, notify=lines.append, **how)
    assert outcome.finished == 2
    ((label, reason),) = outcome.failed
    assert label == "too long a step"
    assert "was not finite" in reason
    return lines


def energies(results):
    from nnks.tracking.store import list_runs

    runs = {run.config["system"]["basis"] + run.status: run for run in list_runs(results)}
    failed = [run for run in runs.values() if run.status == "failed"]
    assert "was not finite" in failed[0].summary["reason"]
    assert len(runs) == 3
    return {name: run.summary["energies"] for name, run in runs.items() if run.status == "finished"}


def test_processes_of_this_machine(study, expected, tmp_path, monkeypatch):
    from nnks.launch import make_launcher

    hostile = tmp_path / "downloaded"  # a new interpreter would import these in place of Python's own
    hostile.mkdir()
    for module in ("multiprocessing", "json", "random"):
        (hostile / f"{module}.py").write_text("open('pwned', 'w').close()\n")
    monkeypatch.chdir(hostile)
    lines = sweep(study, tmp_path, launcher=make_launcher("local", 2))
    assert not (hostile / "pwned").exists()
    assert "PYTHONSAFEPATH" not in os.environ
    assert energies(tmp_path) == {name: pytest.approx(each, abs=1e-12) for name, each in expected.items()}
    assert any("done: He / lcgto / sto-3g" in line for line in lines)
    sweep_again = sweep_finished(study, tmp_path)
    assert sweep_again.skipped == 2  # what failed is tried again


def sweep_finished(study, results):
    from nnks.sweep import load_sweep, run_sweep

    return run_sweep(load_sweep(str(study)), results, notify=lambda line: None)


@pytest.mark.slow
def test_ray(study, expected, tmp_path):
    pytest.importorskip("ray")
    from nnks.launch import make_launcher

    sweep(study, tmp_path, launcher=make_launcher("ray", 1))
    assert energies(tmp_path) == {name: pytest.approx(each, abs=1e-12) for name, each in expected.items()}


def test_submitit(study, expected, tmp_path):
    pytest.importorskip("submitit")
    from nnks.launch import make_launcher

    sweep(study, tmp_path, launcher=make_launcher("slurm", 2, cluster="local"))
    assert energies(tmp_path) == {name: pytest.approx(each, abs=1e-12) for name, each in expected.items()}


def test_a_process_that_dies_is_recorded(quick, tmp_path):
    from nnks.config import to_dict
    from nnks.launch import Task
    from nnks.launch.local import Processes
    from nnks.tracking.store import list_runs

    file = tmp_path / "killer.py"
    file.write_text(KILLER)
    task = Task(str(file), (to_dict(quick(label="doomed")),), str(tmp_path / "results"), (1, 1))
    ((position, (end,)),) = Processes(1).run([task])
    assert (position, end.label) == (0, "doomed")
    assert "SIGKILL" in end.reason
    (run,) = list_runs(tmp_path / "results")
    assert run.status == "failed"
    assert run.summary["reason"] == end.reason


def test_a_task_ends_after_its_minutes(quick, tmp_path):
    from nnks.config import to_dict
    from nnks.launch import Task
    from nnks.launch.task import perform
    from nnks.tracking.store import list_runs

    endless = quick(training__steps=10**9, optimizer__name="sgd", optimizer__learning_rate=1e-9)
    (end,) = perform(Task("", (to_dict(endless),), str(tmp_path), (1, 1), minutes=0.05))
    assert "longer than --minutes=0.05" in end.reason
    (run,) = list_runs(tmp_path)
    assert run.status == "failed"
    assert "longer than" in run.summary["reason"]


@pytest.mark.parametrize(
    ("name", "module", "file"),
    [
        ("_xla_gc_callback", "elsewhere", "elsewhere.py"),
        ("check", "beartype.door", "door.py"),
        ("check", "nnks.training.loop", "<@beartype(nnks.training.loop.read) at 0x1>"),
    ],
    ids=["collection", "check", "generated check"],
)
def test_a_limit_that_falls_where_errors_are_lost_is_not_lost(name, module, file):
    """Python only prints an error of JAX's callback there, and a type check makes it one of types.

    The limit waits until they have returned.
    """
    import threading

    from nnks.launch.task import limit

    def strike():
        signal.raise_signal(signal.SIGALRM)
        return "returned"

    code = strike.__code__.replace(co_name=name, co_filename=file)

    def endless():
        with limit(60.0):
            assert types.FunctionType(code, {"__name__": module, "signal": signal})() == "returned"
            threading.Event().wait(20)  # cut short by the next alarm

    with pytest.raises(TimeoutError, match="longer than"):
        endless()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--launcher=dask"], "choose one of: local, ray, slurm"),
        (["--workers=0"], "--workers is 0"),
        (["--workers=two"], "a whole number from 1 to"),
        (["--memory=4"], "--launcher=local cannot keep"),
        (["--cluster=local"], "--launcher=local has none"),
        (["--launcher=slurm", "--cluster=here"], "choose one of: local, slurm"),
        (["--cpus=0"], "--cpus is 0"),
        (["--minutes=-1"], "--minutes is -1"),
        (["--batch=always"], "auto or off"),
        (["--worker=2"], "--worker is no option"),
    ],
)
def test_bad_options(arguments, words, study, tmp_path, capsys):
    from nnks.cli import main

    assert main(["sweep", f"--config={study}", f"--results={tmp_path / 'r'}", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_missing_package_is_one_sentence(monkeypatch):
    import sys

    from nnks.launch import make_launcher
    from nnks.registry import InputError

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'nnks\[ray\]'"):
        make_launcher("ray", 2)


def test_workers_share_the_cores(monkeypatch):
    import os

    from nnks.launch.local import cores_of, gpus_of

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {2, 3, 4, 5, 7})
    assert [cores_of(n, 2, None) for n in range(2)] == [[2, 3], [4, 5]]
    assert [cores_of(n, 3, 2) for n in range(3)] == [[2, 3], [4, 5], [2, 7]]
    assert cores_of(0, 9, None) == [2]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert [gpus_of(n, 1) for n in range(3)] == ["4", "6", "4"]
    assert gpus_of(0, 0) is None


def test_the_plan_says_how_long(quick, tmp_path):
    import nnks
    from nnks.runs.estimate import estimates, total

    config = quick(training__steps=2)
    assert estimates([config], tmp_path, "default") == [None]
    spent = nnks.run(config, tmp_path).values["wall_seconds"]
    others = [
        quick(training__steps=2, training__seed=1),
        quick(training__steps=6),
        quick(training__steps=2, experiment="another", optimizer__name="adam"),
        quick(system__molecule="H2"),
    ]
    assert estimates(others, tmp_path, "default") == [pytest.approx(spent), pytest.approx(3 * spent), spent, None]
    assert total([1.0, 5.0, None, 2.0], workers=2) == (5.0, 1)
