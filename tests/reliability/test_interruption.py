"""Signals: the state is saved, and one line says how to go on.

What goes on is what had not been interrupted, bit for bit.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import types

import pytest

STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))

STUDY = '''"""Helium by first-order steps, too many to come to their end by chance."""
from nnks.config import default_config, override
COMMON = {{
    "system.molecule": "He", "system.basis": "6-31g", "quadrature.level": 0, "ansatz.guess": "core",
    "reference.pyscf": False, "reference.large_basis": "", "tracking.wandb": "disabled", "tracking.console": False,
    "optimizer.name": "adam", "optimizer.learning_rate": 1e-4, "training.energy_tolerance": 1e-15,
    "training.gradient_tolerance": 1e-15, "training.checkpoint_steps": 50, "tracking.log_steps": 7,
}}
def get_config():
    return override(default_config(), COMMON | {changes})
def sweep():
    return [{{"label": f"run {{n}}", **each}} for n, each in enumerate({runs})]
'''
ALONE = [{}]
TOGETHER = [{"optimizer.b1": b1} for b1 in (0.7, 0.8, 0.9)]
APART = [{"system.basis": "sto-3g"}, {"system.basis": "6-31g"}]
ENDLESS = {"sampler.name": "uniform", "sampler.batch_size": 50, "functional.one_electron": "quadrature",
           "functional.hartree": "density_fitting", "functional.fitting": "quadrature"}  # fmt: skip


@pytest.fixture(autouse=True)
def own_handlers():
    """Those of the test run, after a signal that a command has taken."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def study(tmp_path):
    def write(runs, **changes):
        file = tmp_path / "study.py"
        changes = {"training.steps": 300} | {key.replace("__", "."): value for key, value in changes.items()}
        file.write_text(STUDY.format(changes=changes, runs=runs))
        return file

    return write


def sweep(file, results, *options):
    from nnks.cli import main

    return main(["sweep", f"--config={file}", f"--results={results}", *options])


def signal_when_recorded(results, name, runs=1, process=None):
    """A thread that sends a signal, to this process if to no other, as soon as runs have recorded steps."""

    def wait():
        until = time.monotonic() + 120
        while time.monotonic() < until:
            files = list(results.glob("study/*/metrics.jsonl"))
            if sum(file.stat().st_size > 0 for file in files) >= runs:
                break
            time.sleep(0.002)
        os.kill(os.getpid() if process is None else process.pid, signal.Signals[name])

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def stored(results):
    """All that runs have stored of their numbers, by label."""
    from nnks.tracking import list_runs

    return {
        run.config["label"]: (
            [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.metrics],
            {key: run.summary[key] for key in ("energies", "steps", "stopped", "evaluations", "status")},
        )
        for run in list_runs(results)
    }


def files(results):
    return {path.relative_to(results).as_posix() for path in results.glob("study/*/*") if path.name != "checkpoints"}


@pytest.mark.parametrize(
    ("name", "runs"),
    [("SIGTERM", ALONE), ("SIGINT", ALONE), ("SIGHUP", ALONE), ("SIGTERM", TOGETHER)],
    ids=["SIGTERM", "SIGINT", "SIGHUP", "SIGTERM, together"],
)
def test_a_signal_saves_the_state_and_says_how_to_go_on(name, runs, study, tmp_path, capfd):
    file, results = study(runs), tmp_path / "results"
    assert sweep(file, tmp_path / "unbroken") == 0
    capfd.readouterr()
    thread = signal_when_recorded(results, name, len(runs))
    assert sweep(file, results) == STATUS[name]
    thread.join()
    said = capfd.readouterr().err
    form = rf"nnks: interrupted by {name} at step (\d+); the state is saved; the same command continues\.\n"
    step = int(re.fullmatch(form, said)[1])
    assert 0 < step < 300
    saved = {int(path.name) for path in results.glob("study/*/checkpoints/*")}
    assert step in saved
    assert len(list(results.glob(f"study/*/checkpoints/{step}"))) == len(runs)
    assert not list(results.glob("study/*/.*"))
    assert sweep(file, results) == 0
    assert stored(results) == stored(tmp_path / "unbroken")
    assert {path.partition("/")[2] for path in files(results)} == {
        path.partition("/")[2] for path in files(tmp_path / "unbroken")
    }
    assert len(list(results.glob("study/*/"))) == len(runs)


def test_a_signal_at_the_final_evaluation_leaves_that_alone_to_do(study, tmp_path, capfd, monkeypatch):
    from nnks.runs import experiment

    file, results = study(ALONE, training__steps=9), tmp_path / "results"
    assert sweep(file, tmp_path / "unbroken") == 0
    real, evaluate = experiment.iterate, experiment.evaluate

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(*arguments)

    monkeypatch.setattr(experiment, "evaluate", interrupted)
    assert sweep(file, results) == 143
    assert "at step 9; the state is saved" in capfd.readouterr().err
    monkeypatch.setattr(experiment, "evaluate", evaluate)
    taken = []

    def counted(*arguments, **options):
        for progress in real(*arguments, **options):
            taken.append(progress.step)
            yield progress

    monkeypatch.setattr(experiment, "iterate", counted)
    assert sweep(file, results) == 0
    assert taken == []
    assert stored(results) == stored(tmp_path / "unbroken")


def test_ctrl_c_in_a_notebook_saves_the_state(quick, tmp_path, monkeypatch):
    """No command stands at the door there: Python's own error, in the middle of anything."""
    import nnks
    from nnks.runs import recorder

    config = quick(optimizer__name="adam", training__steps=12, training__checkpoint_steps=100)
    unbroken = nnks.run(config, tmp_path / "a")
    written = []

    def interrupted(self, step, metrics):
        written.append(step)
        if step == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(recorder.WriterGroup, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nnks.run(config, tmp_path / "b")
    assert [path.name for path in tmp_path.glob("b/default/*/checkpoints/*")] == ["7"]  # the last step that was whole
    monkeypatch.undo()
    resumed = nnks.run(config, tmp_path / "b")
    assert resumed.path == next(tmp_path.glob("b/default/*"))
    assert dict(resumed.energies) == dict(unbroken.energies)


@pytest.mark.parametrize("command", ["report", "ls"])
def test_commands_that_keep_nothing_end_with_a_line(command, folder_of_runs, monkeypatch, capfd):
    import nnks.cli.ls
    import nnks.cli.report
    from nnks.cli import main

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.setattr(nnks.cli.report, "write_report", interrupted)
    monkeypatch.setattr(nnks.cli.ls, "stored_runs", interrupted)
    assert main([command, str(folder_of_runs)]) == 130
    assert capfd.readouterr().err == "nnks: interrupted by SIGINT; the same command starts again.\n"


@pytest.fixture
def folder_of_runs(tmp_path):
    return tmp_path


DOOR = """
import sys, time
from nnks.interruption import Interrupted, check, handled, whole
try:
    with handled():
        with whole():
            print("ready", flush=True)
            {work}
        check()
except Interrupted as stop:
    sys.exit(stop.status)
"""
WORK = {
    "Python": "time.sleep(60)",
    "a long call of C": "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
}


@pytest.mark.parametrize("work", WORK)
def test_a_second_signal_ends_at_once(work):
    """Also where Python runs nothing in between, as in a compilation."""
    command = [sys.executable, "-c", DOOR.format(work=WORK[work])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)  # at the same time: a wrapper passes on what its group has got
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        assert process.stderr.read() == "nnks: ended at once by a second SIGTERM; what was saved before is kept.\n"


def test_what_a_process_is_told_to_ignore_stays_ignored():
    """By `nohup`, or by a shell that starts it in the background."""
    from nnks.interruption import handled

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handled():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


@pytest.mark.parametrize(
    ("name", "module", "file"),
    [
        ("_xla_gc_callback", "elsewhere", "elsewhere.py"),
        ("check", "nnks.training.loop", "<@beartype(nnks.training.loop.read) at 0x1>"),
    ],
    ids=["collection", "check"],
)
def test_a_signal_where_errors_are_lost_is_raised_after_it(name, module, file):
    from nnks.interruption import Interrupted, handled

    def strike():
        signal.raise_signal(signal.SIGTERM)
        return "returned"

    code = strike.__code__.replace(co_name=name, co_filename=file)

    def endless():
        with handled():
            assert types.FunctionType(code, {"__name__": module, "signal": signal})() == "returned"
            for _ in range(200):
                time.sleep(0.1)

    with pytest.raises(Interrupted) as stop:
        endless()
    assert stop.value.status == 143


JOBS = ["--launcher=slurm", "--cluster=local"]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("SIGTERM", []),
        pytest.param("SIGKILL", [], marks=pytest.mark.slow),
        pytest.param("SIGTERM", JOBS, marks=pytest.mark.slow),
    ],
    ids=["SIGTERM", "SIGKILL", "SIGTERM, jobs"],
)
def test_workers_end_with_the_main_process(name, where, study, tmp_path):
    """With a signal to the main process alone they save their states; when it is killed they end."""
    import psutil

    if where:
        pytest.importorskip("submitit")

    from nnks.tracking import list_runs

    file, results = study([each | ENDLESS for each in APART], training__steps=10**6), tmp_path / "results"
    command = [
        sys.executable,
        "-m",
        "nnks.cli",
        "sweep",
        f"--config={file}",
        f"--results={results}",
        "--workers=2",
        *where,
    ]
    environment = os.environ | {"PYTHONPATH": ROOT}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as main:
        until = time.monotonic() + 120
        while sum(file.stat().st_size > 0 for file in results.glob("study/*/metrics.jsonl")) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        workers = psutil.Process(main.pid).children(recursive=True)
        assert len(workers) >= 2
        main.send_signal(signal.Signals[name])
        status = main.wait(60)
        said = main.stderr.read()
    assert not psutil.wait_procs(workers, 20)[1]
    runs = list_runs(results)
    assert [run.status for run in runs] == ["interrupted"] * 2
    if name == "SIGTERM":
        assert status == 143
        saved = "" if where else "; what its workers have reached is saved"
        assert said == f"nnks: interrupted by SIGTERM{saved}; the same command continues.\n"
        for run in runs:
            assert max(int(path.name) for path in run.path.glob("checkpoints/*")) >= run.metrics[-1]["step"]


def test_a_job_that_is_asked_to_end_says_that_its_state_is_saved(study, tmp_path):
    """Submitit ignores the signal that SLURM sends before it kills."""
    from nnks.launch.slurm import perform_job
    from nnks.sweep import load_sweep, make_tasks

    loaded, results = load_sweep(str(study(ALONE))), tmp_path / "results"
    (task,) = make_tasks(loaded, loaded.configs, results, None, None)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    thread = signal_when_recorded(results, "SIGTERM")
    (outcome,) = perform_job(task)
    thread.join()
    assert re.fullmatch(r"interrupted by SIGTERM at step \d+; the state is saved; .* continues it", outcome.left)
    assert not outcome.reason
    (run,) = results.glob("study/*")
    assert not (run / "summary.json").exists()


def test_a_run_that_another_process_has_is_left_to_it(study, tmp_path, capfd):
    """Two sweeps over one file share its runs; `nnks run` refuses; nothing is written twice."""
    from nnks.cli import main
    from nnks.runs.experiment import AlreadyFinished, folder_of
    from nnks.sweep import load_sweep
    from nnks.tracking.lock import release

    file, results = study(APART, training__steps=3), tmp_path / "results"
    first = load_sweep(str(file)).configs[0]
    folder = folder_of(first, results)  # by another thread or process, which is all the same to a lock
    before = files(results)
    assert sweep(file, results) == 1
    out = capfd.readouterr().out
    assert f"is left: the run '{folder.path}' is being written by process {os.getpid()}" in " ".join(out.split())
    assert "1 runs done, 0 kept, 0 failed, 1 left as said above; the same command continues." in out
    one = [f"--config={file}", f"--results={results}", "--config.experiment=study", "--config.label=run 0"]
    assert main(["run", *one, "--config.system.basis=sto-3g"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert {path for path in files(results) if path.startswith(f"study/{folder.path.name}/")} == before
    release(folder.path)
    assert sweep(file, results) == 0
    assert len(list(results.glob("study/*/"))) == 2
    with pytest.raises(AlreadyFinished):  # the other sweep comes to it later
        folder_of(first, results, again=False)


def test_members_of_a_batch_stay_together_however_it_was_interrupted(study, tmp_path):
    """How many are trained by one program decides how it rounds.

    Neither what is finished nor the number of workers may change that.
    """
    from nnks.runs.experiment import folder_of
    from nnks.runs.members import batches, begun_in, mark_batch, unmark_batch
    from nnks.sweep import load_sweep
    from nnks.tracking.lock import release

    configs = load_sweep(str(study(TOGETHER * 2))).configs
    configs = [c for n, c in enumerate(configs) for c.training.seed in [n]]
    folders = [folder_of(config, tmp_path) for config in configs]
    assert batches(configs, 2, begun_in(configs, tmp_path)) == [[0, 1, 2], [3, 4, 5]]
    mark_batch(folders[:4])
    (folders[3].path / "batch.json").unlink()  # killed before it was noted there
    assert batches(configs, 3, begun_in(configs, tmp_path)) == [[0, 1, 2, 3], [4], [5]]
    folders[0].write_json("summary.json", {"status": "finished"})
    unmark_batch(folders[0])
    rest = configs[1:]
    assert batches(rest, 3, begun_in(rest, tmp_path)) == [[0, 1, 2], [3], [4]]
    for folder in folders:
        release(folder.path)


def test_a_reader_that_has_enough_is_no_error(tmp_path):
    """`nnks list molecule | head -1`."""
    command = f"{sys.executable} -m nnks.cli list molecule | head -1"
    done = subprocess.run(["sh", "-c", command], env=os.environ | {"PYTHONPATH": ROOT}, capture_output=True, text=True)
    assert done.stderr == ""
