"""Packed sweeps: what comes out is what went in, and a table that someone else made is judged before it is used."""

import os

import pyarrow
import pytest
from pyarrow import parquet

from nnks.tracking.packed import RUNS, STEPS
from nnks.tracking.record import RunRecord
from nnks.tracking.store import RunFolder, list_runs
from nnks.tracking.writers import JsonlWriter

CONFIG = {"experiment": "study", "system": {"molecule": "H2", "basis": "6-31g"}, "training": {"steps": 9, "seed": 0}}


@pytest.fixture
def sweep(tmp_path):
    """A finished run and one that was cut off, as folders."""
    for seed in (0, 1):
        folder = RunFolder.create(tmp_path / "results", "study", CONFIG, seed)
        writer = JsonlWriter(folder, {"label": "H2", "parameters": 2})
        for step in range(3):
            writer.write(
                step, {"energy/total": -1.0 - step / 7, "line_search/evaluations": 2, "grad/norm": float("nan")}
            )
        if seed == 0:
            writer.finish({"energies": {"total": -1.13}, "steps": 3, "seconds": 1.0, "reference": {"exact": -1.1375}})
    return tmp_path / "results" / "study"


@pytest.fixture
def packed(sweep, tmp_path):
    from nnks.analysis.packing import pack

    pack(sweep, tmp_path / "stored" / "study")
    return tmp_path / "stored" / "study"


def test_a_packed_run_reads_as_its_folder_did(sweep, packed):
    folders, runs = list_runs(sweep), list_runs(packed)
    assert [run.name for run in runs] == [folder.name for folder in folders]
    for folder, run in zip(folders, runs, strict=True):
        for name in ("config", "environment", "summary", "status", "seed", "config_hash"):
            assert getattr(run, name) == getattr(folder, name), name
        assert repr(run.metrics) == repr(folder.metrics)  # nan is nan
        assert run.course.total.tolist() == folder.course.total.tolist()
        assert not run.path.exists()


def test_a_folder_stands_for_its_packed_copy(packed):
    first = list_runs(packed)[0]
    (first.path).mkdir()
    (first.path / "config.json").write_text('{"label": "again"}')
    assert type(list_runs(packed)[0]) is RunRecord
    assert len(list_runs(packed)) == 2


def test_runs_that_are_stored_again_without_steps_lose_those_of_before(sweep, packed):
    from nnks.analysis.packing import pack

    for run in list_runs(sweep):
        (run.path / "metrics.jsonl").unlink()
    pack(sweep, packed)
    assert not (packed / STEPS).exists()
    assert [run.metrics for run in list_runs(packed)] == [[], []]


def change(path, edit):
    table = parquet.read_table(path)
    parquet.write_table(edit(table), path)


def with_runs(*paths):
    return lambda table: table.set_column(0, "run", pyarrow.array(paths))


@pytest.mark.parametrize("paths", [("../out", "/etc"), ("", "."), ("a/../../b", "a//b"), ("a\nb", "a\x1b[2J")])
def test_runs_cannot_be_anywhere_else(paths, packed, capfd):
    change(packed / RUNS, with_runs(*paths))
    assert list_runs(packed) == []
    assert "is not a path that a run has" in capfd.readouterr().err


def test_two_runs_of_one_path_are_one(packed):
    change(packed / RUNS, with_runs("same", "same"))
    assert [run.name for run in list_runs(packed)] == ["same"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("../config.json", pyarrow.array(["{}", "{}"])),
        ("summary.py", pyarrow.array(["{}", "{}"])),
        ("batch.json", pyarrow.array([1.0, 2.0])),
        ("slice.npz", pyarrow.array(["a", "b"])),
        ("other.json", pyarrow.array([{"a": 1}, {"a": 2}])),
    ],
)
def test_a_column_that_is_no_file_is_refused(column, values, packed, capfd):
    change(packed / RUNS, lambda table: table.append_column(column, values))
    assert list_runs(packed) == []
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "is none of a packed sweep" in said[0]


def test_a_table_that_unpacks_to_too_much_is_refused(packed, capfd):
    column = pyarrow.repeat(1, 250_000)
    steps = {"run": pyarrow.repeat("a", len(column)), "step": column} | {f"x{n}": column for n in range(150)}
    parquet.write_table(pyarrow.table(steps), packed / STEPS)
    assert (packed / STEPS).stat().st_size < 1_000_000
    assert list_runs(packed)[0].metrics == []
    assert "too large" in capfd.readouterr().err


@pytest.mark.parametrize("name", [RUNS, STEPS])
@pytest.mark.parametrize("damage", ["cut", "flip", "text", "link", "folder", "empty"])
def test_a_damaged_table_is_said_in_a_sentence(name, damage, packed, tmp_path, capfd):
    path = packed / name
    raw = path.read_bytes()
    if damage in ("cut", "flip", "text", "empty"):
        flipped = raw[:40] + bytes([raw[40] ^ 255]) + raw[41:]
        path.write_bytes({"cut": raw[: len(raw) // 2], "flip": flipped, "text": b"{}" * 99, "empty": b""}[damage])
    else:
        path.rename(tmp_path / "elsewhere")
        path.mkdir() if damage == "folder" else os.symlink(tmp_path / "elsewhere", path)
    if name == RUNS:
        assert list_runs(packed) == []
    else:
        assert [run.metrics for run in list_runs(packed)] == [[], []]
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert f"{name}' is damaged (" in said[0]


def test_a_damaged_file_in_a_table_costs_itself_alone(packed, capfd):
    def edit(table):
        column = table.column_names.index("config.json")
        first = table.column("config.json")[0].as_py().replace("6-31g", "cc-pvqz")
        return table.set_column(column, "config.json", pyarrow.array([first, "[1]"]))

    change(packed / RUNS, edit)
    one, other = list_runs(packed)
    assert one.config == {}  # the summary knows what was run
    assert other.config == {}
    assert one.summary["energies"]["total"] == -1.13
    assert capfd.readouterr().err.count("is damaged") == 2


def test_steps_out_of_order_end_a_run(packed, capfd):
    def edit(table):
        return table.set_column(table.column_names.index("step"), "step", pyarrow.array([0, 2, 1, 0, 1, 2]))

    change(packed / STEPS, edit)
    assert [len(run.metrics) for run in list_runs(packed)] == [2, 3]
    assert "out of order" in capfd.readouterr().err
