"""Weights & Biases beyond single rows: tags, groups, media, resumption, how to upload, and no server at all."""

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

    wandb.teardown()


def recordings(folder):
    """What W&B's own program reads in all recordings of a folder, in order: the records by kind."""
    found = []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append([json.loads(line) for line in text.splitlines()])
    return found


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
    place = folder.path.parent
    assert mirror_figures(place, figures, [folder.record]) == "disabled"  # W&B has not seen this run
    assert not (place / "wandb").exists()
    WandbWriter(folder, config, group="experiment").finish(summary)
    page = tmp_path / "report.html"
    page.write_text("<h1>a report</h1>")
    for _ in range(2):
        assert mirror_figures(place, figures, [folder.record], page=page) == "offline"
    first, second = recordings(place)
    assert identity(first)["run_id"] == identity(second)["run_id"] == "experiment-report"  # resumed, not doubled
    run = identity(first)
    assert (run["project"], run["run_group"], run["job_type"]) == ("a project", "experiment", "report")
    item = next(entry["history"]["item"] for entry in first if entry["type"] == "history")
    stored = next(place.glob("wandb/offline-run-*/files"))
    for name, path in figures.items():
        assert (stored / item[f"report/{name}.path"]).read_bytes() == path.read_bytes()
    assert "a report" in (stored / item["report/page.path"]).read_text()


def test_one_instruction_says_how_to_upload(tmp_path):
    from nnks.tracking import sync_instruction

    assert sync_instruction(tmp_path) == ""
    for place in ("e x/run 1/wandb/offline-run-1", "e x/run 2/wandb/offline-run-2", "e x/wandb/offline-run-3"):
        (tmp_path / place).mkdir(parents=True)
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
    figures = [f"report/{path.stem}.path" for path in (results / "small" / "figures").glob("*.png")]
    assert figures
    assert {name for name in item if name.endswith(".path")} == {*figures, "report/page.path"}
