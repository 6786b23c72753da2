"""Weights & Biases beyond single rows: tags, groups, media, resumption, how to upload, and no server at all."""

import contextlib
import gc
import json
import subprocess
import sys

import pytest


@pytest.fixture
def session(monkeypatch, tmp_path):
    """W&B without this machine's settings, and stopped at the end."""
    from nnks.tracking.wandb_session import WandbSession

    for name in ("WANDB_MODE", "WANDB_DIR", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(WandbSession, "unreachable", False)
    yield
    import wandb

    with contextlib.suppress(ConnectionError):  # of a service that the test has ended
        wandb.teardown()


def recordings(folder):
    """What W&B's own program reads in all recordings of a folder, in order: the records by kind."""
    listed = []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        listed.append([json.loads(line) for line in text.splitlines()])
    return listed


def identity(recording):
    return next(entry["run"] for entry in recording if entry["type"] == "run")


def picture(path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    figure.savefig(path)
    return path


def test_a_run_is_found_by_group_and_tags(folder, config, summary, session):
    from nnks.tracking import WandbWriter, run_tags

    config |= {"sampler": {"name": "full"}, "functional": {"xc": "lda,vwn"}, "orthogonalizer": {"name": "full"}}
    writer = WandbWriter(folder, config, group="ablations/sampler", tags=run_tags(config, "H2O"))
    writer.finish(summary)
    (recording,) = recordings(folder.path)
    run = identity(recording)
    assert run["tags"] == ["H2O", "residual", "natural", "full", "6-31g", "lda,vwn"]  # each once
    assert (run["run_group"], run["job_type"], run["display_name"]) == ("ablations/sampler", "run", folder.name)
    assert run["config"]["update"]["optimizer"] == config["optimizer"]


def test_tags_are_what_wandb_takes(config):
    from nnks.tracking import run_tags

    config["system"]["molecule"] = "H 0 0 0; " * 30
    tags = run_tags(config)
    assert all(0 < len(tag) <= 64 for tag in tags)
    assert run_tags({}) == ()


def test_a_report_shows_its_figures(folder, config, summary, session, tmp_path):
    from nnks.tracking import WandbWriter, mirror_figures

    config |= {"experiment": "experiment", "tracking": {"wandb": "offline", "project": "a project"}}
    folder.write_json("config.json", config)
    figures = {"final_errors": picture(tmp_path / "a.png"), "convergence": picture(tmp_path / "b.png")}
    parent = folder.path.parent
    assert mirror_figures(parent, figures, [folder.record]) == "disabled"  # W&B has not seen this run
    assert not (parent / "wandb").exists()
    WandbWriter(folder, config, group="experiment").finish(summary)
    page = tmp_path / "report.html"
    page.write_text("<h1>a report</h1>")
    for _ in range(2):
        assert mirror_figures(parent, figures, [folder.record], page=page) == "offline"
    (recording,) = recordings(parent)  # that of the first report is set aside
    run = identity(recording)
    assert run["run_id"] == "experiment-report"
    assert (run["project"], run["run_group"], run["job_type"]) == ("a project", "experiment", "report")
    item = next(entry["history"]["item"] for entry in recording if entry["type"] == "history")
    stored = next(parent.glob("wandb/offline-run-*/files"))
    for name, path in figures.items():
        assert (stored / item[f"report/{name}.path"]).read_bytes() == path.read_bytes()
    assert "a report" in (stored / item["report/page.path"]).read_text()


ROWS = [{"energy/total": -1.0 - 0.1 * step, "grad/norm": 0.5**step} for step in range(8)]


def steps(recording):
    """The steps of a recording with their energies, in order."""
    items = [entry["history"]["item"] for entry in recording if entry["type"] == "history"]
    return [(item["step"], item["energy/total"]) for item in items if "step" in item]


EACH_ONCE = [(step, row["energy/total"]) for step, row in enumerate(ROWS)]


def followed(folder, config, first, last, make=None):
    """A process that records some steps of a run, and its writers."""
    from nnks.tracking import JsonlWriter, WandbWriter, WriterGroup

    group = WriterGroup(JsonlWriter(folder), (make or WandbWriter)(folder, config))
    for step in range(first, last):
        group.write(step, ROWS[step])
    return group


def end_service():
    """Kills W&B's service, which is a process of this one, and waits for its end as W&B does not."""
    for process in [each for each in gc.get_objects() if isinstance(each, subprocess.Popen)]:
        if process.poll() is None and "wandb-core" in str(process.args):
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("how", ["left", "killed"])
def test_what_waits_for_an_upload_has_every_step_once(how, folder, config, summary, session):
    """Interrupted at step 6, and resumed from the checkpoint at step 3: twice."""
    from nnks.tracking import sync_instruction

    for restored in (None, 3, 2):
        if restored is not None:
            folder.resume(restored)
        group = followed(folder, config, 0 if restored is None else restored + 1, 7)
        if how == "left":
            group.leave()
        else:
            end_service()
    folder.resume(3)
    followed(folder, config, 4, 8).finish(summary)
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE
    assert sync_instruction(folder.path).startswith("W&B: 1 recording waits")
    assert len(list(folder.path.glob("wandb/superseded/*/*.wandb"))) == 3


def test_members_of_a_batch_are_recorded_once(folder, config, summary, session):
    """W&B gets their steps at the end; a process that is killed in the middle of that leaves a part."""
    from nnks.tracking import Afterwards, WandbWriter

    followed(folder, config, 0, 8)  # a recording without an end
    end_service()
    folder.resume(7)
    followed(folder, config, 8, 8, lambda *arguments: Afterwards(lambda: WandbWriter(*arguments))).finish(summary)
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE


@pytest.mark.parametrize("end", ["finish", "fail", "leave"])
@pytest.mark.parametrize("at", [4, 8])
def test_a_service_that_is_killed_costs_no_step(end, at, folder, config, summary, session, capsys):
    """It is killed before the fourth step, or after the last one."""
    from nnks.tracking import sync_instruction

    group = followed(folder, config, 0, at)
    end_service()
    for step in range(at, 8):
        group.write(step, ROWS[step])
    {"finish": lambda: group.finish(summary), "fail": lambda: group.fail("broken"), "leave": group.leave}[end]()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == (at < 8)
    assert all(line.startswith("W&B's service is gone") for line in said)
    if end == "leave":  # the next process records it from the beginning
        assert sync_instruction(folder.path) == ""
        return
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE
    assert any(entry["type"] == "exit" for entry in recording)


def test_the_next_run_has_a_service_again(folder, config, summary, session, capsys, tmp_path):
    from nnks.tracking.store import RunFolder

    followed(folder, config, 0, 2)
    end_service()
    other = RunFolder.create(tmp_path, "another", config, 1)
    followed(other, config, 0, 8).finish(summary)
    (recording,) = recordings(other.path)
    assert steps(recording) == EACH_ONCE
    assert capsys.readouterr().err == ""


def test_online_goes_on_after_what_the_server_has(folder, config, session, monkeypatch):
    """The server has steps 0 to 5 of a run that goes on from step 3: it gets 6 and 7, and nothing a second time."""
    import wandb

    from nnks.tracking import wandb_session

    class Resumed:
        resumed, summary, sent = True, {"step": 5}, []

        def define_metric(self, *arguments, **options): ...

        def log(self, row):
            self.sent.append(row["step"])

    monkeypatch.setattr(wandb_session, "_init", lambda *arguments: Resumed())
    for step in range(4):
        folder.append_metrics(step, ROWS[step])

    def online(*arguments):
        from nnks.tracking import WandbWriter

        return WandbWriter(*arguments, mode="online")

    followed(folder, config, 4, 8, online)
    assert Resumed.sent == [6, 7]
    assert wandb.__name__  # the package is there: nothing but its start was replaced


def test_one_instruction_says_how_to_upload(tmp_path):
    from nnks.tracking import sync_instruction

    assert sync_instruction(tmp_path) == ""
    for recording in ("e x/run 1/wandb/offline-run-1", "e x/run 2/wandb/offline-run-2", "e x/wandb/offline-run-3"):
        (tmp_path / recording).mkdir(parents=True)
    text = sync_instruction(tmp_path / "e x")
    assert text.count("\n") == 0
    assert text.startswith("W&B: 3 recordings wait")
    # the shell makes of it what W&B needs: every recording, with the space in its path
    command = text.partition("upload with: ")[2].replace("wandb sync", "printf '%s\\n'")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(str(path) for path in (tmp_path / "e x").rglob("offline-run-*"))
    (tmp_path / "e x/run 1/wandb/offline-run-1/run-1.wandb.synced").touch()  # W&B's mark of an upload
    (tmp_path / "e x/wandb/offline-run-3/run-3.wandb.synced").touch()
    assert sync_instruction(tmp_path / "e x").startswith("W&B: 1 recording waits")


def test_a_service_that_does_not_start_does_not_stop_a_run(folder, config, summary, session, capsys, monkeypatch):
    import wandb

    from nnks.tracking import WandbWriter

    def broken(**options):
        raise RuntimeError("no room for a socket\nand more")

    monkeypatch.setattr(wandb, "init", broken)
    writer = WandbWriter(folder, config, mode="online")
    assert writer.mode == "disabled"
    writer.write(0, {"energy/total": -1.0})
    writer.finish(summary)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in said] == ["W&B cannot be reached", "W&B does not start"]


def test_without_the_package_the_run_goes_on(folder, config, summary, capsys, monkeypatch):
    from nnks.tracking import WandbWriter

    monkeypatch.setitem(sys.modules, "wandb", None)
    writer = WandbWriter(folder, config)
    writer.write(0, {"energy/total": -1.0})
    writer.finish(summary)
    assert "pip install wandb" in capsys.readouterr().err


def test_a_server_that_does_not_answer_does_not_stop_a_sweep(tmp_path, session, capsys, monkeypatch):
    from nnks.cli import main
    from nnks.tracking import list_runs, wandb_session

    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setattr(wandb_session, "INIT_TIMEOUT", 2.0)
    file = tmp_path / "small.py"
    file.write_text(
        '"""Two seeds of helium."""\n'
        "from nnks.config import default_config, override\n"
        "def get_config():\n"
        "    return override(default_config(), {\n"
        "        'system.molecule': 'He', 'system.basis': 'sto-3g', 'quadrature.level': 0, 'tracking.console': False,\n"
        "        'reference.pyscf': False, 'reference.large_basis': '', 'training.held_out_steps': 0,\n"
        "        'tracking.wandb': 'online'})\n"
        "def sweep():\n"
        "    return [{'training.seed': 0}, {'training.seed': 1}]\n"
    )
    results = tmp_path / "results"
    assert main(["sweep", f"--config={file}", f"--results={results}"]) == 0
    out, err = capsys.readouterr()
    assert err.count("W&B cannot be reached") == 1  # the second run does not wait and does not repeat it
    assert "recorded offline" in err
    assert out.count("wandb sync") == 1
    assert f"2 recordings wait on this machine; upload with: wandb sync {results}/small/*/wandb/offline-run-*" in out
    runs = list_runs(results)
    assert [run.status for run in runs] == ["finished", "finished"]
    for run in runs:
        (recording,) = recordings(run.path)
        steps = [entry["history"]["item"] for entry in recording if entry["type"] == "history"]
        assert [step["energy/total"] for step in steps] == [line["energy/total"] for line in run.metrics]
        assert {name for name in steps[-1] if not name.startswith("_")} == set(run.metrics[-1])

    assert main(["report", str(results / "small")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("W&B: 3 recordings wait")
    (recording,) = recordings(results / "small")
    item = next(entry["history"]["item"] for entry in recording if entry["type"] == "history")
    figures = list((results / "small" / "figures").glob("*.png"))
    assert figures
    pictures = {name for name in item if name.endswith(".path")} - {"report/page.path"}
    assert {"report/final_errors.path", "report/page.path"} <= set(item)
    assert len(pictures) == len(figures)


# A recording by a process of its own holds what one in the run's process does, however either of them ends.


def beside(started):
    """What makes writers of a run by a process of their own."""
    from nnks.tracking import WandbProcess

    started.append(WandbProcess())
    return started[-1].begin


@pytest.fixture
def started():
    """Processes of the test, none of which outlives it."""
    processes = []
    yield processes
    for process in processes:
        process.close()


def with_options(begin):
    return lambda folder, config: begin(
        folder, config, mode="offline", project="nnks", group="experiment", tags=("H2O", "residual")
    )


def test_it_records_every_step_once(folder, config, summary, session, started):
    followed(folder, config, 0, 8, with_options(beside(started))).finish(summary)
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE
    run = next(entry["run"] for entry in recording if entry["type"] == "run")
    assert run["tags"] == ["H2O", "residual"]
    assert any(entry["type"] == "exit" for entry in recording)


def test_a_run_that_is_left_goes_on_in_another_process(folder, config, summary, session, started):
    followed(folder, config, 0, 5, with_options(beside(started))).leave()
    folder.resume(3)
    followed(folder, config, 4, 8, with_options(beside(started))).finish(summary)
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE


def test_one_that_is_killed_costs_no_step(folder, config, summary, session, started, capfd):
    group = followed(folder, config, 0, 4, with_options(beside(started)))
    started[0]._process.kill()
    started[0]._process.wait()
    for step in range(4, 8):
        group.write(step, ROWS[step])
    group.finish(summary)
    (recording,) = recordings(folder.path)
    assert steps(recording) == EACH_ONCE
    assert capfd.readouterr().err == ""


def test_one_that_is_told_no_run_ends(started):
    beside(started)
    started[0].close()
    assert started[0]._process.returncode is not None
