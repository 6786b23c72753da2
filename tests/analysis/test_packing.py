"""A sweep that is kept as two tables: the same report comes out of it, and a reader of runs finds them."""

import numpy as np
import pytest

from nnks.analysis import write_report
from nnks.cli import main
from nnks.tracking.packed import RUNS, STEPS
from nnks.tracking.slices import Slice, read_slice
from nnks.tracking.store import list_runs


@pytest.fixture
def study(store):
    axis = np.linspace(-2, 2, 8)
    density = np.exp(-np.hypot(axis[None, :], axis[:, None]))
    for ansatz, energy, steps in (("lcgto", -75.8179063, 9), ("residual", -75.9131, 1700)):
        for seed in (0, 1):
            record = store.add(ansatz=ansatz, energy=energy, seed=seed, steps=steps, quadrature_error=2e-6).record
            Slice(axis, axis, density, density, 0.0, np.zeros((1, 3)), np.ones(1)).save(record.path)
    return store


def test_a_kept_sweep_has_the_same_report(study, tmp_path, capsys):
    before = write_report(study.study)
    assert main(["store", str(study.study), f"--to={tmp_path / 'kept'}"]) == 0
    kept = tmp_path / "kept" / "study"
    assert f"{kept}: 4 runs in" in capsys.readouterr().out
    assert (kept / "report.md").read_text() == before.markdown.read_text()
    for path in before.figures.values():
        assert (kept / "figures" / path.name).read_bytes() == path.read_bytes(), path.name
    assert "summary.json" not in (kept / "report.html").read_text()  # there are none to link to
    assert {path.name for path in kept.iterdir()} == {RUNS, STEPS, "report.md", "report.html", "figures"}


def test_only_what_a_report_shows_is_kept_of_steps_and_slices(study, tmp_path):
    from nnks.analysis.packing import MOST_STEPS, pack

    pack(study.study, tmp_path / "kept")
    raw, kept = list_runs(study.study), list_runs(tmp_path / "kept")
    assert {len(run.metrics) for run in kept} == {9, MOST_STEPS}
    for one, other in zip(raw, kept, strict=True):
        assert [other.metrics[0], other.metrics[-1]] == [one.metrics[0], one.metrics[-1]]
    shown = [run for run in kept if read_slice(run) is not None]
    assert len(shown) == 2  # one of each method
    assert all(run.seed == 0 for run in shown)


def test_commands_read_a_kept_sweep(study, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["store", str(study.study), "--to=kept"]) == 0
    runs = list_runs("kept")
    capsys.readouterr()
    assert main(["ls", "kept", "--where", "ansatz.name=residual"]) == 0
    assert "2 of 4 runs" in capsys.readouterr().out
    assert main(["compare", str(runs[0].path), runs[1].name, "--results=kept"]) == 0
    assert main(["export", "kept", "--to=runs.csv", "--metrics"]) == 0
    assert (tmp_path / "runs-metrics.csv").read_text().count("\n") > 3000
    capsys.readouterr()
    assert main(["rm", str(runs[0].path), "--results=kept"]) == 2
    assert "is a row in the tables of a stored sweep" in capsys.readouterr().err
    assert main(["store", "kept/study", "--to=kept"]) == 2
    assert "is stored already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "words"),
    [("nowhere", "does not exist"), ("", "holds no runs"), ("run", "is a run; give the folder of a sweep")],
)
def test_what_cannot_be_kept_is_told_and_leaves_nothing(folder, words, study, tmp_path, capsys):
    where = {"run": list_runs(study.study)[0].path, "": tmp_path / "empty", "nowhere": tmp_path / "nowhere"}[folder]
    (tmp_path / "empty").mkdir()
    assert main(["store", str(where), f"--to={tmp_path / 'kept'}"]) == 2
    assert words in capsys.readouterr().err
    assert not list((tmp_path / "kept").rglob("*.parquet"))


@pytest.mark.parametrize("path", [".", "results", "results/study/..", "results/study/../..", "results/study/../../.."])
def test_a_folder_above_a_sweep_is_refused_and_nothing_written(path, study, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(study.results.parent)
    for to in ("results/stored", str(tmp_path / "elsewhere" / "kept")):
        if to.startswith("results") or "../../.." not in path:
            assert main(["store", path, f"--to={to}"]) == 2
            error = capsys.readouterr().err
            assert error.count("\n") == 1
            assert "would be written" in error or "is above the folder of a sweep; give that itself" in error
    assert not list(tmp_path.rglob("*.parquet"))


def test_compiling_stands_apart_from_training_and_the_error_of_quadrature_beside_the_energy(store):
    for seed, first in enumerate((7.0, 0.1)):
        folder = store.add(seed=seed, metrics=False, steps=3, pace=(first + 0.2) / 3, quadrature_error=2e-6)
        from nnks.tracking.lines import metrics_line

        lines = [metrics_line(n, {"energy/total": -75.8, "time/step_s": first if n == 0 else 0.1}) for n in range(3)]
        (folder.path / "metrics.jsonl").write_text("".join(lines))
    page = write_report(store.study).markdown.read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| ")]
    heads, (method,) = rows[0], [row for row in rows if row[2] == "6-31G, Gaussian"]
    told = dict(zip(heads, method, strict=True))
    assert told["time without compiling [s]"] == "0.3"
    assert told["compiling [s]"] == "6.9"
    assert told["error of quadrature [mHa]"] == "0.002"
