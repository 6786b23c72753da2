"""Items from declared runs to pages, with tiny settings: stored, resumed, surviving what fails."""

import json

import pytest

TINY = {
    "system.basis": "6-31g",
    "quadrature.level": 0,
    "training.steps": 12,
    "tracking.wandb": "disabled",
    "tracking.console": False,
}


@pytest.fixture
def declared(monkeypatch):
    """Items whose config files declare hydrogen alone."""
    from nnks.config import load_module

    monkeypatch.setattr(load_module("paper/table1"), "MOLECULES", ("H2",))
    monkeypatch.setattr(load_module("paper/table1"), "SMALL", ("H2",))
    monkeypatch.setattr(load_module("paper/expressivity"), "SYSTEMS", (("H2", 0),))


def test_table_1_of_hydrogen_from_runs_to_files(declared, tmp_path):
    from nnks_paper import reproduce

    said = []
    assert reproduce("table1", tmp_path, quick=True, changes=TINY, notify=said.append)
    assert "2 of 2 runs missing" in said[0]
    folder = tmp_path / "reproduction"
    assert (folder / "table1.png").stat().st_size > 5000
    stored = json.loads((folder / "table1.json").read_text())
    assert stored["quick"]
    (agreement,) = (f for f in stored["findings"] if f["claim"] == "reparameterization")
    assert agreement["verdict"] == "better"
    energies, batches = stored["tables"]
    direct = next(row for row in energies["rows"] if row[1] == "nnks, direct")
    assert abs(float(direct[-1])) < 1e-2  # mHa from PySCF on the same grid
    (row,) = batches["rows"]
    estimate, exact, gap = float(row[2]), float(row[4]), float(row[5])
    assert gap == pytest.approx(1e3 * (estimate - exact), abs=2e-3)
    assert float(row[6]) > 0  # by exact integrals no orbitals are below the minimum
    text = (folder / "table1.md").read_text()
    assert "paper: D4FT [V]" in text
    assert "Quick version" in text

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "table1").glob("*/summary.json")}
    said.clear()
    assert reproduce("table1", tmp_path, quick=True, changes=TINY, notify=said.append)
    assert "0 of 2 runs missing" in said[0]
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "table1").glob("*/summary.json")}


@pytest.mark.slow
def test_minimizers_are_stationary_and_scf_stays(declared, tmp_path):
    from nnks_paper import reproduce

    assert reproduce("expressivity", tmp_path, quick=True, changes=TINY, notify=lambda _: None)
    stored = json.loads((tmp_path / "reproduction" / "expressivity.json").read_text())
    assert [f["verdict"] for f in stored["findings"]] == ["reproduced"]
    (path,) = (tmp_path / "expressivity").glob("*/stationary.json")
    written = json.loads(path.read_text())
    assert 0 < written["residual_Ha"] < 1e-5
    assert written["scf_converged"]


@pytest.mark.slow
def test_seeds_whose_seconds_are_compared_are_trained_one_by_one(monkeypatch, tmp_path):
    from nnks.config import load_module
    from nnks.tracking.store import list_runs
    from nnks_paper import reproduce

    batch = {"system.molecule": "H2", "sampler.name": "uniform", "sampler.batch_size": 64, "label": "1/4"}
    monkeypatch.setitem(load_module("paper/fig3").POINTS, "H2", 2000)
    monkeypatch.setattr(load_module("paper/fig3"), "sweep", lambda: [batch | {"training.seed": s} for s in (0, 1)])
    reproduce("fig3", tmp_path, changes=TINY, notify=lambda _: None)
    assert [run.summary["members"] for run in list_runs(tmp_path / "fig3")] == [1, 1]


def test_a_failed_run_is_named_and_the_rest_goes_on(declared, tmp_path, monkeypatch):
    from nnks.config import load_module
    from nnks_paper import reproduce

    broken = {
        "label": "minibatch",
        "optimizer.name": "sgd",
        "optimizer.learning_rate": 1e200,
        "sampler.name": "uniform",
    }
    broken |= {"sampler.batch_size": 50, "functional.one_electron": "quadrature", "functional.hartree": "pairwise"}
    monkeypatch.setattr(load_module("paper/table1"), "ON_BATCHES", broken)
    assert not reproduce("table1", tmp_path, quick=True, changes=TINY, notify=lambda _: None)
    stored = json.loads((tmp_path / "reproduction" / "table1.json").read_text())
    assert len(stored["missing"]) == 1
    assert "not finite" in stored["missing"][0]
    assert stored["tables"][0]["rows"]  # direct minimization is there


def test_timings_are_processes_with_a_limit(quick, tmp_path):
    from nnks.config import override
    from nnks_paper.measure import Measurement, measure, read_measurement

    config = override(quick(system__molecule="H2", system__basis="sto-3g"), {"functional.hartree": "density_fitting"})
    short = Measurement("pyscf-df", config, 0.05)
    assert measure(short, tmp_path)["failed"] == "more than 0.05 s"
    assert short.stored(tmp_path)  # no longer than it was allowed
    longer = Measurement("pyscf-df", config, 120.0)
    assert not longer.stored(tmp_path)
    timing = measure(longer, tmp_path)
    assert timing["converged"]
    assert timing["functions"] == 2
    assert timing == read_measurement(longer, tmp_path)
    assert [seconds for seconds, _ in timing["history"]] == sorted(seconds for seconds, _ in timing["history"])
    assert longer.stored(tmp_path)


def test_own_timings_end_at_pyscfs_energy(quick, tmp_path):
    from nnks_paper import tasks

    changes = {"system__molecule": "H2", "functional__hartree": "density_fitting", "optimizer__name": "direct"}
    config, timing = quick(**changes), {}
    for method in ("nnks", "nnks-scf", "pyscf-df", "nnks-gradient"):
        tasks.TASKS[method](config, lambda values, method=method: timing.update({method: values}))
    ends = {method: timing[method]["history"][-1][1] for method in ("nnks", "nnks-scf", "pyscf-df")}
    # PySCF's own pruning of level 0 and its screening of the density are nnks's to 1e-6 Ha
    assert ends["nnks"] == pytest.approx(ends["pyscf-df"], abs=2e-6)
    assert ends["nnks-scf"] == pytest.approx(ends["nnks"], abs=1e-7)
    assert len(timing["nnks-gradient"]["seconds"]) == tasks.GRADIENTS


def test_a_quick_page_leaves_a_full_one_alone(tmp_path):
    from nnks_paper import page
    from nnks_paper.report import Finding, Report, Table

    finding = Finding("conclusions", "open", "x|y", "None.")
    report = Report("table2", "Two | states", False, [Table("t", ["a|b"], [["c|d"]])], [finding])
    figures, target = tmp_path / "reproduction", tmp_path / "docs" / "page.md"
    page.store(report, figures)
    assert page.stored(figures, ["table1", "table2"]) == [report]
    assert page.write_page([report], target, figures, quick=False) == target
    text = target.read_text()
    assert "c\\|d" in text
    assert "x\\|y" in text
    assert "nothing was run for it" in text  # the claims of other items
    assert page.write_page([report], target, figures, quick=True) == figures / "quick.md"
    assert target.read_text() == text


def test_a_claim_is_one_line_that_says_what_was_compared():
    from nnks_paper import page
    from nnks_paper.paper import CLAIMS
    from nnks_paper.report import Finding, Report

    same = Finding("scaling", "reproduced", "growth", "2.5.")
    reports = [
        Report("scaling", "", False, [], [same, Finding("scaling", "not reproduced", "growth beside PySCF's", "2.5.")]),
        Report("timing", "", False, [], [Finding("stability", "reproduced", "convergence", "Yes.")]),
        Report("fig2", "", False, [], [Finding("stability", "reproduced", "convergence", "Yes.")]),
    ]
    lines = page.verdicts(reports).splitlines()[2:]
    rows = {claim: next(line for line in lines if CLAIMS[claim] in line) for claim in CLAIMS}
    assert len(lines) == len(CLAIMS)
    assert (
        "| **in part** | reproduced: growth; not reproduced: growth beside PySCF's | [scaling](#scaling) |"
        in rows["scaling"]
    )
    assert "| **reproduced** | convergence | [timing](#timing), [fig2](#fig2) |" in rows["stability"]
    assert "| **open** | nothing was run for it |" in rows["neural"]


def test_reports_from_before_verdicts_said_what_they_compare_are_read():
    from nnks_paper.report import Finding, Report

    report = Report("scaling", "", False, [], [Finding("scaling", "reproduced", "growth", "2.5.")])
    stored = report.to_dict()
    del stored["findings"][0]["compared"]
    assert Report.from_dict(stored).findings == [Finding("scaling", "reproduced", "", "2.5.")]


@pytest.mark.parametrize(
    "arguments", [["tabel1"], ["table1", "table2"], ["table1", "--fast"], ["table1", "--config.system.basis=x"]]
)
def test_bad_input_is_one_sentence(arguments, capsys):
    from nnks.cli import main

    assert main(["reproduce", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_item_declares_runs(tmp_path):
    from nnks_paper import ITEMS
    from nnks_paper.study import load_study

    for name in ITEMS:
        full, short = (load_study(name, tmp_path, quick=quick) for quick in (False, True))
        assert full.configs
        assert short.configs
        assert short.seconds(short.missing()) <= full.seconds(full.missing())
        assert all(config.experiment == name for config in full.configs)
        for part in ("Expect:", "Run:", "Cost:"):
            assert part in full.module.__doc__


def test_a_checkpoint_that_means_other_orbitals_is_not_believed(quick, tmp_path):
    import jax
    import jax.numpy as jnp

    import nnks
    from nnks import setup
    from nnks.tracking.record import RunRecord
    from nnks_paper.expressivity import minimizer

    config = quick(system__molecule="H2", optimizer__name="direct")
    record = RunRecord(nnks.run(config, results=tmp_path).path)
    problem = setup.make_problem(setup.make_system(config))
    total = record.summary["energies"]["total"]
    for energy in (total, total + 1.0):  # the run's own, and one that its checkpoint does not have
        record.summary["energies"]["total"] = energy
        params = minimizer(config, record, problem)
        restored = problem.energies(params, jax.random.key(0), jnp.int32(0))["total"]
        assert float(restored) == pytest.approx(total, abs=1e-9)
