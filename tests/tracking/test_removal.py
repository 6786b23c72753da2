"""Removing runs: shown first, done with --yes, and nothing that is not a run of the results folder."""

import json
import os
import time

import pytest

from nnks.cli import main


@pytest.fixture
def run(folder, summary):
    folder.write_json("summary.json", summary)
    (folder.checkpoints / "state").write_text("x" * 1000)
    return folder.path


def rm(results, *arguments):
    return main(["rm", *map(str, arguments), f"--results={results}"])


def test_nothing_goes_without_yes(run, tmp_path, capsys):
    assert rm(tmp_path, run) == 0
    out = capsys.readouterr().out
    assert run.name in out
    assert "1 run, 0.0 MB would be removed; the same command with --yes does it." in out
    assert (run / "checkpoints" / "state").exists()


def test_yes_removes_the_run_and_nothing_else(run, config, tmp_path, capsys):
    from nnks.tracking.store import RunFolder, list_runs

    other = RunFolder.create(tmp_path, "experiment", config, 1)
    (tmp_path / "kept").write_text("kept")
    (run / "link").symlink_to(tmp_path / "kept")
    (run / "links").symlink_to(tmp_path)
    assert rm(tmp_path, run, "--yes") == 0
    assert "1 run, 0.0 MB removed." in capsys.readouterr().out
    assert not run.exists()
    assert (tmp_path / "kept").read_text() == "kept"
    assert [record.path for record in list_runs(tmp_path)] == [other.path]


def test_by_condition(run, config, tmp_path, capsys):
    from nnks.tracking.store import RunFolder, list_runs

    failed = RunFolder.create(tmp_path, "experiment", config, 1)
    failed.write_json("summary.json", {"status": "failed", "reason": "nan"})
    assert rm(tmp_path, tmp_path, "--where", "status=failed", "--yes") == 0
    assert [record.path for record in list_runs(tmp_path)] == [run]
    assert rm(tmp_path, "--where", "status=failed", "--yes") == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_what_is_not_a_run_is_refused(run, tmp_path, capsys):
    results = tmp_path / "experiment"
    named = results / "20261124-0079abc1-s0"  # the name alone makes no run
    named.mkdir()
    strange = results / "keep"  # nor does the file
    strange.mkdir()
    (strange / "config.json").write_text(json.dumps({"a": 1}))
    outside = tmp_path / "outside" / run.name
    outside.mkdir(parents=True)
    (outside / "config.json").write_text((run / "config.json").read_text())
    link = results / "20261124-0079abc1-s1"
    link.symlink_to(run)
    away = results / "20261124-0079abc1-s2"
    away.symlink_to(outside)
    cases = {
        results: "not inside",
        named: "is not a run",
        strange: "is not a run",
        run / "checkpoints": "is not a run",
        outside: "is not inside the results folder",
        results / ".." / "outside" / run.name: "is not inside",
        link: "is a link",
        away: "is not inside",
        results / "nothing": "does not exist",
    }
    before = sorted(path for path in tmp_path.rglob("*"))
    for path, words in cases.items():
        assert rm(results, path, "--yes") == 2
        assert words in capsys.readouterr().err, path
    assert rm(results, run, outside, "--yes") == 2  # one that may go does not go with one that may not
    assert rm(results, tmp_path / "outside", "--where", "run=*", "--yes") == 2
    assert rm(results) == 2
    assert rm(results, run, strange, "--where", "run=*") == 2
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_folder_of_runs_needs_a_condition(run, tmp_path, capsys):
    assert rm(tmp_path, run.parent, "--yes") == 2
    assert "choose runs of a folder with --where" in capsys.readouterr().err
    assert run.exists()


@pytest.mark.parametrize("moved", [0, -3600, 3600], ids=["clock", "clock ahead", "clock behind"])
def test_a_run_that_goes_on_is_kept(moved, folder, tmp_path, capsys):
    """A process is what keeps it: not the time of its last step, which a clock that is moved makes old or future."""
    from nnks.tracking.lock import hold, release

    hold(folder.path)
    folder.append_metrics(0, {"energy/total": -1.0})
    os.utime(folder.path / "metrics.jsonl", (time.time() + moved,) * 2)
    assert rm(tmp_path, folder.path, "--yes") == 0
    assert "a process is writing" in capsys.readouterr().out
    assert folder.path.exists()
    release(folder.path)
    assert rm(tmp_path, folder.path, "--yes") == 0
    assert not folder.path.exists()


def test_a_removal_that_was_cut_off_can_be_repeated(run, tmp_path, monkeypatch):
    import shutil

    from nnks.tracking.removal import removable, remove

    def cut(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", cut)
    with pytest.raises(KeyboardInterrupt):
        remove(removable(run, tmp_path))
    monkeypatch.undo()
    assert (run / "config.json").is_file()
    remove(removable(run, tmp_path))
    assert not run.exists()
