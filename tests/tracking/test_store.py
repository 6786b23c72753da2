import copy
import json
import math
import re

import numpy as np
import pytest


def test_hash_ignores_what_does_not_change_the_result(config):
    from nnks.tracking.record import config_hash

    base = config_hash(config)
    assert re.fullmatch(r"[0-9a-f]{8}", base)
    other = copy.deepcopy(config)
    other["tracking"]["wandb"] = "online"
    other["results"] = "elsewhere"
    other["training"]["seed"] = 7
    other["ansatz"]["widths"] = [32, 32]
    other["system"]["charge"] = np.float64(0.0)
    assert config_hash(dict(reversed(other.items()))) == base


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("system", "molecule", "co"), ("training", "steps", 101), ("optimizer", "learning_rate", 1.0000001e-3)],
)
def test_hash_sees_what_changes_the_result(config, section, key, value):
    from nnks.tracking.record import config_hash

    other = copy.deepcopy(config)
    other[section][key] = value
    assert config_hash(other) != config_hash(config)


def test_hash_survives_the_file(folder, config):
    from nnks.tracking.record import config_hash

    config["optimizer"]["bound"] = math.inf
    folder.write_json("config.json", config)
    assert config_hash(folder.record.config) == config_hash(config)


def test_config_that_json_cannot_hold_is_named(config):
    from nnks.registry import InputError
    from nnks.tracking.record import config_hash

    config["ansatz"]["activation"] = math.tanh
    with pytest.raises(InputError, match=r"ansatz\.activation is a builtin_function_or_method.*try the name"):
        config_hash(config)


def test_a_new_run_holds_config_and_environment(folder, config, tmp_path):
    from nnks.tracking.record import config_hash

    assert re.fullmatch(rf"\d{{8}}-{config_hash(config)}-s0", folder.name)
    assert folder.path.parent == tmp_path / "experiment"
    assert folder.record.config["ansatz"]["widths"] == [32, 32]
    assert folder.record.environment["versions"]["jax"]
    assert folder.checkpoints.is_dir()
    assert not folder.finished
    assert folder.record.status == "interrupted"


def test_a_run_is_never_overwritten(folder, config, tmp_path):
    from nnks.tracking.record import config_hash
    from nnks.tracking.store import RunFolder, find_run

    folder.append_metrics(0, {"energy/total": -1.0})
    second = RunFolder.create(tmp_path, "experiment", config, 0)
    assert second.name == f"{folder.name}-2"
    assert folder.read_metrics()
    assert not second.read_metrics()
    stored = find_run(tmp_path, "experiment", config_hash(config), 0)
    assert stored is not None
    assert stored.path == second.path
    folder.write_json("summary.json", {"status": "finished"})
    stored = find_run(tmp_path, "experiment", config_hash(config), 0)
    assert stored is not None
    assert stored.path == folder.path
    assert stored.finished


def test_find_run_looks_at_hash_and_seed(folder, config, tmp_path):
    from nnks.tracking.record import config_hash
    from nnks.tracking.store import find_run

    assert find_run(tmp_path, "experiment", config_hash(config), 1) is None
    assert find_run(tmp_path, "experiment", "00000000", 0) is None
    assert find_run(tmp_path, "other", config_hash(config), 0) is None


def test_metrics_are_read_as_written(folder):
    folder.append_metrics(0, {"energy/total": np.float64(-75.1), "grad/norm": 0.1})
    folder.append_metrics(3, {"energy/total": math.nan})
    folder.append_metrics(3, {"grad/norm": 2})
    first, second = folder.read_metrics()
    assert first == {"step": 0, "energy/total": -75.1, "grad/norm": 0.1}
    assert second["step"] == 3
    assert second["grad/norm"] == 2
    assert math.isnan(second["energy/total"])


def test_every_line_is_strict_json(folder):
    folder.append_metrics(0, {"energy/total": math.inf})

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    text = (folder.path / "metrics.jsonl").read_text()
    line = json.loads(text, parse_constant=refuse)
    assert {name: line[name] for name in ("step", "energy/total")} == {"step": 0, "energy/total": None}


@pytest.mark.parametrize("half", ['{"step": 5, "energy/to', "\x00\x00\x00", "[1, 2]", '{"no": 1}', '{"step": 5'])
def test_a_killed_process_costs_at_most_its_last_line(folder, half):
    for step in range(5):
        folder.append_metrics(step, {"energy/total": -float(step)})
    with (folder.path / "metrics.jsonl").open("a") as stream:
        stream.write(half)
    assert [line["step"] for line in folder.read_metrics()] == [0, 1, 2, 3, 4]
    folder.resume(2)
    for step in (3, 4):
        folder.append_metrics(step, {"energy/total": -10.0 * step})
    assert [line["energy/total"] for line in folder.read_metrics()] == [0.0, -1.0, -2.0, -30.0, -40.0]


@pytest.mark.parametrize("lines", [0, 2, 2.5, None])
def test_a_run_that_goes_on_says_which_of_its_rows_are_missing(folder, lines, capsys):
    """A checkpoint knows how many steps were recorded, and the row of its own."""
    for step in (1, 2, 4, 5):
        folder.append_metrics(step, {"energy/total": -float(step)})
    path, row = folder.path / "metrics.jsonl", {"step": 4, "energy/total": -4.0}
    whole = path.read_bytes().splitlines(keepends=True)
    folder.resume(4, row, 3)
    assert not capsys.readouterr().err
    if lines is None:
        path.unlink()
    else:
        path.write_bytes(b"".join(whole[: int(lines)]) + whole[2][: 20 if lines % 1 else 0])
    folder.resume(4, row, 3)
    kept = min(int(lines or 0), 2)
    assert [entry["step"] for entry in folder.read_metrics()] == [*(1, 2)[:kept], 4]
    said = capsys.readouterr().err
    assert (f"{2 - kept} of the 3 steps that were recorded up to step 4 are missing" in said) == (kept < 2)


@pytest.mark.parametrize("lines", [0, 3, 3.5, None])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_finished_run_whose_metrics_lost_their_end_says_so(folder, lines, resumed, capsys):
    """A file cut between two lines or within one, emptied or deleted: what is left is read, and the loss is named."""
    from nnks.tracking.writers import JsonlWriter

    writer = JsonlWriter(folder)
    for step in range(5):
        writer.write(step, {"energy/total": -float(step)})
    writer = JsonlWriter(folder) if resumed else writer
    writer.finish({})
    assert len(folder.record.metrics) == 5
    assert not capsys.readouterr().err
    path = folder.path / "metrics.jsonl"
    if lines is None:
        path.unlink()
    else:
        whole = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(whole[: int(lines)]) + whole[3][: 20 if lines % 1 else 0])
    for read in ("metrics", "course"):
        getattr(folder.record, read)
        said = capsys.readouterr().err
        assert "the rest is missing" in said or not said  # a notice is given once
        assert read == "course" or said
    assert [row["step"] for row in folder.record.metrics] == list(range(int(lines or 0)))


def test_resuming_forgets_a_failure_but_keeps_a_result(folder):
    from nnks.registry import InputError

    folder.write_json("summary.json", {"status": "failed", "reason": "nan"})
    assert folder.record.status == "failed"
    assert not folder.finished
    folder.resume(-1)
    assert folder.record.status == "interrupted"
    folder.write_json("summary.json", {"status": "finished"})
    with pytest.raises(InputError, match="is finished"):
        folder.resume(0)


def test_a_broken_write_leaves_the_old_file_and_no_rest(folder, monkeypatch):
    import os

    from nnks.registry import StoreError

    folder.write_json("summary.json", {"status": "finished", "steps": 1})
    before = sorted(p.name for p in folder.path.iterdir())

    def fail(handle):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="no space"):
        folder.write_json("summary.json", {"status": "finished", "steps": 2})
    assert folder.record.summary["steps"] == 1
    assert sorted(p.name for p in folder.path.iterdir()) == before


def test_runs_are_listed_from_every_level(folder, config, tmp_path):
    from nnks.tracking.store import RunFolder, list_runs

    other = RunFolder.create(tmp_path, "ablations/sampler", config, 1)
    (folder.checkpoints / "config.json").write_text("{}")  # an inner file of that name is no run
    assert {run.path for run in list_runs(tmp_path)} == {folder.path, other.path}
    assert [run.path for run in list_runs(tmp_path / "experiment")] == [folder.path]
    assert [run.path for run in list_runs(folder.path)] == [folder.path]
    assert list_runs(tmp_path / "nothing") == []
    record = list_runs(other.path)[0]
    assert (record.experiment, record.seed, record.status) == ("sampler", 1, "interrupted")


def test_broken_files_are_no_reason_to_fail(folder):
    for name in ("config.json", "environment.json", "summary.json", "metrics.jsonl"):
        (folder.path / name).write_text('{"half": ')
    record = folder.record
    assert (record.config, record.environment, record.summary, record.metrics) == ({}, {}, None, [])


def test_unwritable_results_are_refused_before_anything(tmp_path, config):
    from nnks.registry import InputError
    from nnks.tracking.store import RunFolder, check_writable

    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written.*--results=DIR"):
        check_writable(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        RunFolder.create(tmp_path / "file", "experiment", config, 0)


def test_environment_works_without_git(monkeypatch, tmp_path):
    import importlib

    module = importlib.import_module("nnks.tracking.environment")  # the package exports the function by this name

    here = module.environment()
    assert here["cpus"] >= 1
    assert here["device"]
    assert here["python"]
    assert json.loads(json.dumps(here)) == here
    (tmp_path / "__init__.py").write_text("")
    assert module.source_state(tmp_path) == (None, None)  # outside a repository
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.source_state(tmp_path) == (None, None)  # no git program
