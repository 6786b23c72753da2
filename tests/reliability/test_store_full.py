"""Results that cannot be written: one line and exit status 1 or 2.

The same command goes on afterwards, to the same energy.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])

ARGUMENTS = [
    "run",
    "--config=gaussian",
    "--config.system.molecule=H2",
    "--config.system.basis=6-31g",  # in STO-3G the orbital is known beforehand, and no step is taken
    "--config.ansatz.guess=core",
    "--config.quadrature.level=0",
    "--config.reference.pyscf=False",
    "--config.reference.large_basis=",
    "--config.tracking.wandb=disabled",
    "--config.tracking.console=off",
    "--config.tracking.log_steps=1",
    "--config.training.held_out_steps=0",
    "--config.optimizer.name=adam",
    "--config.training.energy_tolerance=1e-15",
    "--config.training.gradient_tolerance=1e-15",
    "--config.training.checkpoint_steps=5",
]
SHORT = [*ARGUMENTS, "--config.training.steps=20"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Programs that one process compiles for the next."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def run(capfd):
    """The command in this process; its status and standard error."""
    from nnks.cli import main

    def command(results, arguments=SHORT):
        capfd.readouterr()
        return main([*arguments, f"--results={results}"]), capfd.readouterr().err

    return command


def run_limited(results, bytes_a_file, cache):
    """The command in a process of its own, in which files may have this size; its status and standard error."""
    limited = (
        "import resource, sys; from nnks.cli import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_a_file}, {bytes_a_file})); sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *SHORT, f"--results={results}"],
        env=os.environ | {"PYTHONPATH": ROOT, "NNKS_CACHE": cache},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stderr


def energies(results):
    (summary,) = results.glob("gaussian/*/summary.json")
    return json.loads(summary.read_text())["energies"]


def is_a_sentence(status, said, *names):
    """One line that begins with the program's name, names what could not be written, and is no traceback."""
    assert status in (1, 2), said
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("nnks: ")]
    assert len(lines) == 1, said
    assert "internal error" not in said
    for name in names:
        assert name in lines[0], said


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    from nnks.cli import main

    results = tmp_path_factory.mktemp("truth") / "results"
    assert main([*SHORT, f"--results={results}"]) == 0
    return energies(results)


@pytest.mark.parametrize("most", [0, 3000])
def test_a_disk_that_is_full_is_a_sentence_and_the_command_goes_on_later(most, run, cache, truth, tmp_path):
    """At once, while the run's folder is made, and while metrics and checkpoints are written."""
    results = tmp_path / "results"
    status, said = run_limited(results, most, cache)
    is_a_sentence(status, said)
    status, said = run(results)
    assert status == 0, said
    assert energies(results) == truth


def test_results_that_are_removed_while_a_run_goes_on_are_a_sentence(run, truth, tmp_path):
    results = tmp_path / "results"

    def remove():
        until = time.monotonic() + 200
        while time.monotonic() < until:
            if any(path.stat().st_size for path in results.glob("gaussian/*/metrics.jsonl")):
                break
            time.sleep(0.01)
        shutil.rmtree(results, ignore_errors=True)  # the run makes files meanwhile
        shutil.rmtree(results, ignore_errors=True)

    thread = threading.Thread(target=remove)
    thread.start()
    status, said = run(results, [*ARGUMENTS, "--config.training.steps=1000000"])
    thread.join()
    is_a_sentence(status, said, "cannot be written")
    shutil.rmtree(results, ignore_errors=True)
    status, said = run(results)
    assert status == 0, said
    assert energies(results) == truth


def test_a_result_that_is_removed_as_soon_as_it_is_stored_is_no_success(quick, tmp_path, monkeypatch):
    import nnks
    from nnks.registry import StoreError
    from nnks.tracking.writers import JsonlWriter

    store = JsonlWriter.finish

    def finish(writer, summary):
        store(writer, summary)
        shutil.rmtree(writer.folder.path)

    monkeypatch.setattr(JsonlWriter, "finish", finish)
    with pytest.raises(StoreError, match="was written and is gone"):
        nnks.run(quick(system__molecule="H2", system__basis="sto-3g"), results=tmp_path)


@pytest.mark.parametrize("name", [".", "gaussian"])
def test_a_file_where_a_folder_belongs_is_a_sentence(name, run, truth, tmp_path):
    results = tmp_path / "results"
    blocked = results / name
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("not a folder")
    is_a_sentence(*run(results), str(results))
    assert blocked.read_text() == "not a folder"
    blocked.unlink()
    status, said = run(results)
    assert status == 0, said
    assert energies(results) == truth


@pytest.mark.parametrize("name", ["checkpoints", "metrics.jsonl", "summary.json"])
def test_what_stands_in_the_place_of_a_runs_files_is_moved_aside(name, run, truth, tmp_path):
    results = tmp_path / "results"
    assert run(results)[0] == 0
    (folder,) = results.glob("gaussian/*/")
    (folder / "summary.json").unlink()
    if name == "checkpoints":
        shutil.rmtree(folder / name)
        (folder / name).write_text("not a folder")
    else:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
    status, said = run(results)
    assert status == 0, said
    assert name in said
    assert energies(results) == truth


def test_a_checkpoint_of_nonsense_costs_one_line_and_no_more(run, truth, tmp_path):
    """The libraries that read it have much to say; the run says what it means."""
    results = tmp_path / "results"
    assert run(results)[0] == 0
    (folder,) = results.glob("gaussian/*/")
    (folder / "summary.json").unlink()
    for path in (folder / "checkpoints" / "20").rglob("*"):
        if path.is_file():
            path.write_text("x")
    status, said = run(results)
    assert status == 0
    (line,) = said.strip().splitlines()
    assert "no state can be restored from" in line
    assert "goes on from step 15" in line
    assert energies(results) == truth
