"""Runs: stored, resumed bit for bit, read back, swept, stopped when a number breaks."""

import json

import jax
import numpy as np
import pytest

STOCHASTIC = {
    "optimizer__name": "adam",
    "sampler__name": "uniform",
    "sampler__batch_size": 200,
    "functional__one_electron": "quadrature",
    "functional__hartree": "density_fitting",
    "functional__fitting": "quadrature",
    "training__checkpoint_steps": 3,
    "training__steps": 8,
}


def totals(summary):
    from nnks.tracking.record import RunRecord

    return [row["energy/total"] for row in RunRecord(summary.path).metrics]


def test_a_run_stores_what_the_design_says(quick, tmp_path):
    import nnks

    summary = nnks.run(quick(reference__pyscf=True, reference__scf=True), results=tmp_path)
    names = {path.name for path in summary.path.iterdir()}
    assert {"config.json", "environment.json", "metrics.jsonl", "summary.json", "checkpoints"} <= names
    stored = json.loads((summary.path / "summary.json").read_text())
    assert set(stored["energies"]) == {"total", "kinetic", "external", "hartree", "xc", "nuclear"}
    for key in ("converged", "steps", "seconds", "electrons", "reference", "config_hash", "seed"):
        assert key in stored
    assert summary.converged
    assert stored["electrons"] == pytest.approx(2, abs=5e-3)  # a level-0 grid integrates helium to 1.9984
    assert sum(summary.energies[n] for n in summary.energies if n != "total") == pytest.approx(
        summary.energies["total"]
    )
    assert summary.energies["total"] == pytest.approx(summary.reference["pyscf/6-31g"], abs=1e-8)
    assert summary.energies["total"] == pytest.approx(summary.reference["scf"], abs=1e-8)
    assert stored["violations"] == []


INTERRUPTED = {
    "stochastic": STOCHASTIC | {"orthogonalizer__gram": "ema"},
    "full grid": {"training__checkpoint_steps": 2, "ansatz__guess": "core"},
    "rarely recorded": {"training__checkpoint_steps": 3, "ansatz__guess": "core", "tracking__log_steps": 50},
}


@pytest.mark.parametrize("case", INTERRUPTED)
def test_an_interrupted_run_continues_to_identical_numbers(case, quick, tmp_path, monkeypatch):
    import nnks
    from nnks.runs import experiment

    changes = INTERRUPTED[case]
    unbroken = nnks.run(quick(**changes), results=tmp_path / "a")

    real = experiment.iterate

    def interrupted(*args, **kwargs):
        for progress in real(*args, **kwargs):
            if progress.step == 4:
                raise KeyboardInterrupt
            yield progress

    monkeypatch.setattr(experiment, "iterate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nnks.run(quick(**changes), results=tmp_path / "b")
    monkeypatch.undo()
    resumed = nnks.run(quick(**changes), results=tmp_path / "b")
    assert totals(resumed) == totals(unbroken)
    assert dict(resumed.energies) == dict(unbroken.energies)
    assert len(list((tmp_path / "b" / "default").iterdir())) == 1


def test_a_finished_run_is_returned_as_it_is_stored(quick, tmp_path, capsys):
    import nnks

    config = quick(tracking__console=True)
    first = nnks.run(config, results=tmp_path)
    capsys.readouterr()
    kept = nnks.run(config, results=tmp_path)
    said = capsys.readouterr().out
    assert (kept.path, dict(kept.values)) == (first.path, dict(first.values))
    assert said.startswith(f"this run is finished and stored in {first.path}; it is not computed again")
    assert f"{first.energies['total']:.7f}" in said
    assert nnks.run(config, results=tmp_path, quiet=True).path == first.path
    assert not capsys.readouterr().out
    assert len(list(first.path.parent.iterdir())) == 1


def test_a_finished_run_is_computed_again_where_that_is_asked_for(quick, tmp_path, monkeypatch):
    """Into a folder of its own, which an interruption leaves to be continued by the same call."""
    import nnks
    from nnks.runs import experiment

    config = quick(ansatz__guess="core", training__checkpoint_steps=1)
    first = nnks.run(config, results=tmp_path)
    real = experiment.iterate

    def interrupted(*args, **kwargs):
        for progress in real(*args, **kwargs):
            yield progress
            if progress.step == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "iterate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nnks.run(config, results=tmp_path, again=True)
    monkeypatch.undo()
    second = nnks.run(config, results=tmp_path, again=True)
    assert second.path.name == f"{first.path.name}-2"
    assert dict(second.energies) == dict(first.energies)
    assert len(list(first.path.parent.iterdir())) == 2
    assert nnks.run(config, results=tmp_path, again=True).path.name == f"{first.path.name}-3"


@pytest.mark.slow
def test_programs_are_dropped_only_when_memory_maps_run_short():
    import jax

    from nnks.runs.programs import release_programs

    double = jax.jit(lambda x: 2 * x)
    double(1.0)
    assert not release_programs(limit=10**9)
    assert double._cache_size() == 1
    if release_programs(limit=1):  # Linux
        assert double._cache_size() == 0


def test_a_run_ends_after_its_seconds(quick, tmp_path):
    """The first step compiles and does not count; the second is longer than a microsecond."""
    import nnks

    summary = nnks.run(quick(optimizer__name="adam", training__seconds=1e-6), results=tmp_path)
    assert summary.steps == 2
    assert not summary.converged


def test_a_config_read_back_gives_the_same_numbers(quick, tmp_path):
    import nnks

    first = nnks.run(quick(**STOCHASTIC), results=tmp_path / "a")
    again = nnks.run(nnks.load_config(str(first.path / "config.json")), results=tmp_path / "b")
    assert dict(again.energies) == dict(first.energies)
    assert totals(again) == totals(first)


def test_a_sweep_runs_only_what_is_missing(tmp_path, capsys):
    from nnks.cli import main

    file = tmp_path / "study.py"
    file.write_text(
        '"""Two bases of helium."""\n'
        "from nnks.config import default_config\n"
        "def get_config():\n"
        "    c = default_config()\n"
        "    c.system.molecule, c.quadrature.level = 'He', 0\n"
        "    c.reference.pyscf, c.reference.large_basis = False, ''\n"
        "    c.tracking.wandb, c.tracking.console = 'disabled', False\n"
        "    return c\n"
        "def sweep():\n"
        "    return [{'system.basis': b} for b in ('sto-3g', '6-31g')]\n"
    )
    arguments = ["sweep", f"--config={file}", f"--results={tmp_path / 'results'}"]
    assert main(arguments) == 0
    assert "2 runs done, 0 kept, 0 failed" in capsys.readouterr().out
    stored = sorted((tmp_path / "results" / "study").glob("*/summary.json"))
    times = [path.stat().st_mtime_ns for path in stored]
    stored[0].unlink()
    assert main(arguments) == 0
    assert "1 runs done, 1 kept, 0 failed" in capsys.readouterr().out
    again = sorted((tmp_path / "results" / "study").glob("*/summary.json"))
    assert again == stored
    assert again[1].stat().st_mtime_ns == times[1]
    assert main(["report", str(tmp_path / "results" / "study")]) == 0


def test_a_broken_number_stops_the_run_and_saves_the_last_good_state(quick, tmp_path):
    import nnks
    from nnks.tracking.store import list_runs
    from nnks.training import TrainingDiverged

    config = quick(
        ansatz__name="residual", ansatz__guess="minao", optimizer__name="sgd", optimizer__learning_rate=1e200,
        functional__hartree="density_fitting",
    )  # fmt: skip
    with pytest.raises(TrainingDiverged, match="was not finite") as caught:
        nnks.run(config, results=tmp_path)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(caught.value.state.params))
    (record,) = list_runs(tmp_path)
    assert record.status == "failed"
    assert "not finite" in record.summary["reason"]
    assert f"is saved in '{record.path / 'checkpoints'}'" in record.summary["reason"]
    assert any(record.path.joinpath("checkpoints").iterdir())


def test_float32_training_is_evaluated_in_float64(quick, tmp_path):
    import nnks

    double = nnks.run(quick(), results=tmp_path)
    single = nnks.run(
        quick(training__precision="float32", training__gradient_tolerance=1e-3, training__steps=20),
        results=tmp_path,
    )
    # the energy is quadratic in the orbitals' error, about 1e-3.5 where float32 energies stop falling
    assert single.energies["total"] == pytest.approx(double.energies["total"], abs=1e-5)
    assert single.energies["total"] >= double.energies["total"] - 1e-9


def test_summary_of_minibatches_is_no_minibatch_estimate(quick, tmp_path):
    import nnks

    summary = nnks.run(quick(**STOCHASTIC), results=tmp_path)
    assert not summary.converged
    assert summary.energies["total"] != totals(summary)[-1]
    assert summary.values["evaluation"]["hartree"] == "density_fitting"


def test_the_own_scf_reference_is_cached(quick, tmp_path, monkeypatch):
    import nnks
    from nnks import setup

    first = nnks.run(quick(reference__scf=True), results=tmp_path)
    monkeypatch.setattr(setup, "scf_baseline", lambda system: pytest.fail("solved again"))
    again = nnks.run(quick(reference__scf=True, training__seed=1), results=tmp_path)
    assert again.reference == first.reference
    assert first.reference["scf"] == pytest.approx(first.energies["total"], abs=1e-8)  # both converged to 1e-9


def test_an_energy_below_the_stable_minimum_is_an_error(quick, tmp_path, monkeypatch):
    """A reference that is too high stands for an integral that is wrong."""
    import nnks
    from nnks.runs import references
    from nnks.tracking import verdict

    real = references.reference

    def high(*arguments):
        outcome = real(*arguments)
        return outcome | {"energies": outcome["energies"] | {"total": outcome["energies"]["total"] + 2e-6}}

    monkeypatch.setattr(references, "reference", high)
    summary = nnks.run(quick(reference__pyscf=True), results=tmp_path)
    (sentence,) = summary.values["violations"]
    assert "below the stable PySCF minimum" in sentence
    assert "ERROR" in verdict(summary.values)


def test_canonical_says_what_it_drops(quick, tmp_path, capsys, monkeypatch):
    import flax.linen as nn
    import jax.numpy as jnp

    import nnks
    from nnks.ansatz import ANSATZE
    from nnks.registry import Entry

    class Doubled(nn.Module):
        """Every orbital is nearly the first one."""

        guess: str = "minao"

        @nn.compact
        def __call__(self, r, start):
            tilt = self.param("tilt", nn.initializers.constant(1e-7), (), r.dtype)
            orbitals = start.orbitals(r)
            return orbitals[:, :1] + tilt * orbitals * jnp.arange(orbitals.shape[1])[None, :]

    monkeypatch.setitem(ANSATZE._entries, "doubled", Entry(Doubled, "for this test"))
    changes = {"system__molecule": "LiH", "system__basis": "sto-3g", "training__steps": 1}
    nnks.run(quick(orthogonalizer__name="canonical", **changes), results=tmp_path)
    assert "drops" not in capsys.readouterr().err
    config = quick(ansatz__name="doubled", orthogonalizer__name="canonical", optimizer__name="sgd", **changes)
    nnks.run(config, results=tmp_path)
    assert "1 of 2 occupied orbitals are near-dependent at the start" in capsys.readouterr().err


def test_a_neural_run_states_its_quadrature_error_and_virial(quick, tmp_path):
    import nnks
    from nnks.tracking import verdict

    neural = quick(
        quadrature__level=1, ansatz__name="neural_basis", ansatz__width=12, training__steps=2,
        functional__auxiliary="even_tempered", functional__xc="lda,",
    )  # fmt: skip
    summary = nnks.run(neural, results=tmp_path)
    assert summary.values["evaluation"] == {"level": 3, "hartree": "poisson"}
    assert 0 < summary.values["quadrature_error"] < 1e-4  # level 3 against level 2
    assert summary.values["virial"] == pytest.approx(2, abs=1e-3)  # exact at the limit: exchange scales
    assert "quadrature error is about" in verdict(summary.values)
    gaussian = nnks.run(quick(), results=tmp_path)
    assert gaussian.values["quadrature_error"] is None
    assert gaussian.values["virial"] != pytest.approx(2, abs=1e-3)  # 6-31G is not scaled
