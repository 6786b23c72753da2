"""Stored runs as tables for other programs: what is read back is what was stored."""

import json
import shutil

import pandas
import pytest

from nnks.cli import main


@pytest.fixture
def study(store, filled):
    shutil.copytree(filled.results, store.results)
    config = {"system": {"molecule": 'He, "four"\nlines', "spin": None}, "ansatz": {"widths": [3, 4], "depth": 2}}
    store.add(config=config, label='a, "b"\nc', references={}, same=None, large=None, energy=-2.5, steps=3)
    return store


def read(path):
    return pandas.read_parquet(path) if path.suffix == ".parquet" else pandas.read_csv(path)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_runs_are_read_back(ending, study, tmp_path, capsys):
    target = tmp_path / f"runs.{ending}"
    assert main(["export", str(study.results), f"--to={target}"]) == 0
    assert "12 runs" in capsys.readouterr().out
    frame = read(target).set_index("path")
    from nnks.tracking.store import list_runs

    assert len(frame) == 12
    for record in list_runs(study.results):
        row = frame.loc[str(record.path)]
        assert row["config.system.molecule"] == record.config["system"]["molecule"]
        assert row["seed"] == record.seed
        assert row["status"] == record.status
        if record.status == "finished":
            assert row["summary.energies.total"] == record.summary["energies"]["total"]
            assert row["energy_total"] == record.summary["energies"]["total"]
            assert row["summary.label"] == record.summary["label"]
    odd = frame[frame["config.ansatz.depth"] == 2].iloc[0]
    assert json.loads(odd["config.ansatz.widths"]) == [3, 4]
    assert pandas.isna(odd["config.system.basis"])
    water = frame[frame["summary.reference.exact"].notna()]
    assert set(water["config.system.molecule"]) == {"water"}
    assert water["error_best_mHa"].to_numpy() == pytest.approx(1e3 * (water["energy_total"] + 75.9133).to_numpy())


def test_types_survive(study, tmp_path):
    main(["export", str(study.results), f"--to={tmp_path / 'runs.parquet'}"])
    frame = read(tmp_path / "runs.parquet")
    assert frame["config.ansatz.depth"].dtype == "Int64"  # only one run has it
    assert frame["config.training.seed"].dtype == "Int64"
    assert frame["summary.converged"].dtype == "boolean"
    assert frame["summary.energies.total"].dtype == "float64"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_steps_are_read_back(ending, study, tmp_path):
    target = tmp_path / f"runs.{ending}"
    assert main(["export", str(study.results), f"--to={target}", "--metrics", "--where", "status=failed"]) == 0
    assert len(read(target)) == 1
    steps = read(tmp_path / f"runs-metrics.{ending}")
    from nnks.tracking.record import RunRecord

    path = read(target)["path"].iloc[0]
    assert set(steps["path"]) == {path}
    record = RunRecord(study.results / path.split("results/")[-1])
    assert len(record.metrics) == 12
    for name in ("step", "energy/total", "grad/norm", "time/elapsed_s"):
        assert steps[name].tolist() == [line[name] for line in record.metrics]


def test_runs_without_steps(store, tmp_path):
    store.add(metrics=False)
    assert main(["export", str(store.results), f"--to={tmp_path / 'a.csv'}", "--metrics"]) == 0
    assert len(read(tmp_path / "a-metrics.csv")) == 0


@pytest.mark.parametrize(
    ("target", "where", "words"),
    [
        ("runs.xlsx", [], "ends in .csv or .parquet"),
        ("no/such/runs.csv", [], "does not exist"),
        ("runs.csv", ["--where", "molecule=nothing"], "no run of"),
    ],
)
def test_mistakes_get_a_sentence(target, where, words, store, tmp_path, capsys):
    store.add()
    assert main(["export", str(store.results), f"--to={tmp_path / target}", *where]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / target).exists()


def test_a_broken_write_leaves_the_old_table(store, tmp_path, monkeypatch):
    from nnks.analysis.export import runs_frame, write_frame
    from nnks.analysis.listing import stored_runs
    from nnks.registry import InputError

    store.add()
    target = tmp_path / "runs.csv"
    target.write_text("old")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pandas.DataFrame, "to_csv", full)
    with pytest.raises(InputError, match="No space left"):
        write_frame(runs_frame(stored_runs(store.results)), target)
    assert target.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"runs.csv", "results"}
