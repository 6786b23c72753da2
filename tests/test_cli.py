"""The command line: bad input gets one sentence and exit status 2, before any compilation."""

import subprocess
import sys

import pytest

from nnks.cli import main

BAD = {
    "molecule": (["system.molecule=wter"], "water"),
    "basis": (["system.basis=6-31gg"], "no basis set is called"),
    "pseudopotential": (["system.molecule=Cu 0 0 0", "system.basis=lanl2dz"], "pseudopotential"),
    "xc": (["functional.xc=lda,vwm"], "lda,vwm"),
    "hybrid": (["functional.xc=b3lyp"], "b3lyp"),
    "ansatz": (["ansatz.name=lcgt"], "did you mean 'lcgto'"),
    "key": (["ansatz.widht=3"], "config.ansatz.widht does not exist"),
    "key of another member": (["ansatz.width=3"], "residual have it"),
    "type": (["training.steps=many"], "must be a whole number from 1 to 1,000,000,000, such as 300"),
    "spin": (["system.spin=1"], "spin 1"),
    "restricted open shell": (["system.molecule=O2", "system.restricted=true"], "no restricted open shells"),
    "coincident atoms": (["system.molecule=H 0 0 0; H 0 0 0.0001"], "H"),
    "batch": (["sampler.name=uniform", "sampler.batch_size=1000000", "optimizer.name=adam"], "1000000"),
    "minibatch with lbfgs": (["sampler.name=uniform", "sampler.batch_size=100"], "needs the same energy"),
    "learning rate": (["optimizer.name=adam", "optimizer.learning_rate=nan"], "learning_rate is nan"),
    "schedule": (["optimizer.name=adam", "optimizer.schedule=cosin"], "did you mean 'cosine'"),
    "grid level": (["quadrature.level=12"], "a whole number from 0 to 9"),
    "angular": (["quadrature.angular=100", "quadrature.radial=20"], "nearest is 110"),
    "hartree": (["functional.hartree=exakt"], "did you mean 'exact'"),
    "exact for neural": (
        ["ansatz.name=residual", "functional.hartree=exact"],
        "needs orbitals in a Gaussian basis",
    ),
    "learned basis too large": (
        ["ansatz.name=neural_basis", "ansatz.width=10000", "ansatz.envelopes=9"],
        "use a smaller ansatz.width",
    ),
    "gram": (["orthogonalizer.gram=exact"], "orthogonalizer.gram"),
    "negative weights": (["orthogonalizer.name=qr", "orthogonalizer.gram=batch"], "needs positive weights"),
    "guess": (["ansatz.guess=huckel"], "ansatz.guess is 'huckel'"),
    "precision": (["training.precision=float16"], "choose one of: float32, float64, mixed"),
    "solved in float32": (["ansatz.name=neural_basis", "training.precision=float32"], "use training.precision='mixed'"),
    "steps": (["training.steps=0"], "from 1 to"),
    "seconds": (["training.seconds=-1.0"], "training.seconds is -1.0"),
    "wandb": (["tracking.wandb=onlin"], "did you mean 'online'"),
    "large basis": (["reference.large_basis=cc-pvqqz"], "cc-pvqqz"),
    "auxiliary": (
        ["functional.hartree=density_fitting", "functional.auxiliary=foo"],
        "functional.auxiliary is 'foo'",
    ),
}


def refused(capsys, *arguments):
    status = main(arguments)
    err = capsys.readouterr().err
    assert status == 2, err
    assert err.startswith("nnks: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("case", BAD)
def test_bad_config(case, capsys, tmp_path):
    changes, words = BAD[case]
    folder = tmp_path / "results"
    error = refused(capsys, "run", "--config=gaussian", f"--results={folder}", *(f"--config.{c}" for c in changes))
    assert words in error
    assert not folder.exists() or not any(folder.iterdir())


def test_an_impossible_charge_is_refused_before_what_computes_is_imported():
    """PySCF and the run's own modules take longer than the rest."""
    told = "import sys; from nnks.cli import main; print(main(sys.argv[1:]), *sys.modules)"
    words = ["run", "--config=gaussian", "--config.system.molecule=H2", "--config.system.charge=7"]
    done = subprocess.run([sys.executable, "-c", told, *words], check=True, capture_output=True, text=True)
    status, *modules = done.stdout.split()
    assert status == "2"
    assert "use a system.charge of at most 1" in done.stderr
    assert "nnks.config" in modules
    assert not {"pyscf", "nnks.setup", "nnks.runs.experiment"} & set(modules)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "'fly' is no command"),
        (["run"], "no config was given"),
        (["run", "--config=gausian"], "did you mean 'gaussian'"),
        (["run", "--config=nowhere.py"], "does not exist"),
        (["run", "--config=gaussian", "config.training.seed=4"], "is not an option"),
        (["run", "--config=gaussian", "--result=x"], "--result is no option"),
        (["run", "--config=gaussian", "--config.training.seed"], "has no value"),
        (["run", "-config=gaussian"], "write --config=gaussian"),
        (["run", "gaussian"], "write --config=gaussian"),
        (["run", "--config=gaussian", "--dryrun"], "did you mean 'dry-run'"),
        (["run", "--config=gaussian", "--results=/dev/null", "--dry-run"], "is no folder"),
        (["run", "--config=/dev/null"], "neither a file nor a packaged config"),
        (["run", "--config=gaussian", "--config.system={}"], "config.system is a section; set a key of it"),
        (
            ["run", "--config=gaussian", "--config.ansatz=residual"],
            "config.ansatz is a section; set a key of it, such as --config.ansatz.name",
        ),
        (["run", "--config=gaussian", "--config.system.molecule.x=1"], "system.molecule is a value, not a section"),
        (["run", "--config=gaussian", "--config.=x"], "config. does not exist"),
        (["run", "--config=gaussian", "--config.a\nb\x1b[31m\ud800=x"], r"config.a\nb\x1b[31m\ud800 does not exist"),
        (["run", "--config=gaussian", "--config." + "x" * 10_000 + "=1"], "does not exist"),
        (["run", "--config=gaussian", "--config.label=" + "x" * 10_000], "it has 10,000 characters"),
        (["run", "--config=gaussian", "--config.label=a", "--config.label=b"], "--config.label is given twice"),
        (["run", "--config=gaussian", "--config=water"], "--config is given twice"),
        (["run", "--config="], "no config was given"),
        (["run", "--config=gaussian", "--results="], "--results is ''"),
        (["run", "--config=gaussian", "--results=a\0b"], "--results is"),
        (["sweep", "--config=gaussian", "--workers=1e30"], "--workers is 1000000000000000000"),
        (["sweep", "--config=gaussian", "--memory=nan"], "--memory is nan; it must be a number above 0"),
        (["a\nb"], r"'a\nb' is no command"),
        (["rates", "--config=water", "--config.training.control_steps=5"], "tested with plain gradients"),
        (["list", "ansatzes"], "nnks list takes one kind"),
        (["report", "no/such/folder"], "does not exist"),
        (["report"], "takes one folder"),
    ],
)
def test_bad_command(arguments, words, capsys):
    assert words in refused(capsys, *arguments)


def test_a_refusal_is_one_line_whatever_it_says(capsys, monkeypatch):
    import nnks.cli.run
    from nnks.registry import InputError

    def refuse(arguments):
        raise InputError("a\n\x1b[31m\ud800\0" + "x" * 100_000)

    monkeypatch.setattr(nnks.cli.run, "command", refuse)
    error = refused(capsys, "run", "--config=gaussian")
    assert len(error) < 620
    assert all(c.isprintable() for c in error.strip())


@pytest.mark.parametrize(
    "raised", [KeyError("key"), OSError(28, "No space left"), RecursionError("x\ny"), MemoryError()]
)
def test_an_error_that_nobody_foresaw_is_one_line_and_a_traceback_with_debug(raised, capsys, monkeypatch):
    import nnks.cli.run

    def fail(arguments):
        raise raised

    monkeypatch.setattr(nnks.cli.run, "command", fail)
    assert main(["run", "--config=gaussian"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("nnks: ")
    assert type(raised).__name__ in error
    assert "--debug" in error
    assert main(["run", "--config=gaussian", "--debug"]) == 1
    shown = capsys.readouterr().err
    assert shown.endswith(error)
    assert "in fail" in shown


def test_malformed_xyz(capsys, tmp_path):
    file = tmp_path / "broken.xyz"
    file.write_text("2\ncomment\nH 0 0 0\n")
    refused(capsys, "run", "--config=gaussian", f"--config.system.molecule={file}")


def test_unwritable_results(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert "cannot be written" in refused(capsys, "run", "--config=gaussian", f"--results={file}/results")


def test_config_file_with_an_error(capsys, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text(
        "from nnks.config import default_config\ndef get_config():\n    c = default_config()\n    c.sytem.basis = "
        "'x'\n    return c\n"
    )
    assert "system" in refused(capsys, "run", f"--config={file}")
    file.write_text("x = 1\n")
    assert "has no function get_config" in refused(capsys, "run", f"--config={file}")


def test_config_file_imports_its_neighbor(capsys, tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "neighbor_of_config.py").write_text("MOLECULE = 'LiH'\n")
    file = tmp_path / "uses_neighbor.py"
    file.write_text(
        "import neighbor_of_config\nfrom nnks.config import default_config\n"
        "def get_config():\n    c = default_config()\n    c.system.molecule = neighbor_of_config.MOLECULE\n    return "
        "c\n"
    )
    assert main(["run", f"--config={file}", "--config.quadrature.level=0", "--dry-run"]) == 0
    assert "HLi" in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind", ["ansatz", "orthogonalizer", "sampler", "xc", "hartree", "optimizer", "molecule", "config"]
)
def test_list(kind, capsys):
    assert main(["list", kind]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 4


def test_help_teaches(capsys):
    assert main(["--help"]) == 0
    assert "nnks run" in capsys.readouterr().out


def test_dry_run_prints_the_plan(capsys, tmp_path):
    folder = tmp_path / "results"
    assert main(["run", "--config=neural", "--config.system.molecule=He", f"--results={folder}", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "parameters:" in out
    assert '"neural_basis"' in out
    assert not folder.exists()


def test_a_finished_run_is_shown_and_computed_again_only_if_asked(capsys, tmp_path):
    words = ["run", "--config=gaussian", "--config.system.molecule=He", "--config.system.basis=sto-3g"]
    words += ["--config.quadrature.level=0", "--config.tracking.wandb=disabled", "--config.reference.pyscf=false"]
    words += ["--config.reference.large_basis=", f"--results={tmp_path}"]
    assert main(words) == 0
    capsys.readouterr()
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "it is not computed again" in shown
    assert "E = " in shown
    assert main([*words, "--dry-run"]) == 0
    assert "finished, and not computed again without --again" in capsys.readouterr().out
    assert len(list(tmp_path.glob("gaussian/*"))) == 1
    assert main([*words, "--again"]) == 0
    assert "not computed again" not in capsys.readouterr().out
    assert len(list(tmp_path.glob("gaussian/*"))) == 2


@pytest.mark.parametrize("name", ["accuracy", "gaussian", "limit", "neural", "quickstart", "water"])
def test_packaged_configs_load_and_sweep(name):
    from nnks.sweep import load_sweep

    sweep = load_sweep(name, {"training.steps": 2})
    assert sweep.title
    assert all(config.training.steps == 2 for config in sweep.configs)
