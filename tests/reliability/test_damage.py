"""Damaged stores: nothing that was altered is used, what is sound is, and each damage is a line that names the file."""

import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.cli import main
from nnks.training.checkpoint import Checkpoints
from nnks.training.state import initial_state


def flipped(data):
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


KINDS = {
    "flipped": flipped,
    "cut": lambda data: data[: len(data) // 2],
    "emptied": lambda data: b"",
    "deleted": lambda data: None,
    "other JSON": lambda data: b"[]",
    "nested": lambda data: b"[" * 5000,
    "binary": lambda data: bytes(range(256)) * 3,
}


def damage(path, kind):
    data = KINDS[kind](path.read_bytes())
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def state_at(step):
    params = {"a": jnp.arange(5.0) + step, "b": {"c": jnp.full((2, 3), 0.1 * step)}}
    return dataclasses.replace(initial_state(params, {}, jax.random.key(7)), step=jnp.int32(step))


def same(one, other):
    return all(
        np.array_equal(np.asarray(x), np.asarray(y))
        for x, y in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True)
    )


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    folder.mkdir()
    manager = Checkpoints(folder)
    for step in (5, 10):
        manager.save(state_at(step))
    manager.close()
    return folder


def restored(folder, aside):
    def set_aside(path):
        aside.mkdir(exist_ok=True)
        shutil.move(path, aside / path.name)

    manager = Checkpoints(folder, set_aside)
    try:
        return manager.restore(state_at(0)), dict(manager.unusable)
    finally:
        manager.close()


# a read that fails leaves a coroutine of orbax behind, of which Python speaks when it collects it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["flipped", "cut", "emptied", "deleted"])
def test_a_damaged_checkpoint_is_never_used_and_the_one_before_it_is(checkpoints, kind, tmp_path):
    files = sorted(path.relative_to(checkpoints) for path in (checkpoints / "10").rglob("*") if path.is_file())
    assert len(files) > 3
    fell_back = 0
    for number, file in enumerate(files):
        folder = shutil.copytree(checkpoints, tmp_path / str(number) / "checkpoints")
        damage(folder / file, kind)
        state, unusable = restored(folder, folder.parent / "aside")
        assert state is not None, file
        assert int(state.step) in (5, 10), file
        assert same(state, state_at(int(state.step))), file  # what is restored is what was saved, bit for bit
        assert (int(state.step) == 5) == bool(unusable), file
        fell_back += int(state.step) == 5
    assert fell_back


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_a_sound_checkpoint_a_run_starts_over(checkpoints, tmp_path):
    folder = shutil.copytree(checkpoints, tmp_path / "checkpoints")
    for step in ("5", "10"):
        for path in (folder / step).rglob("*"):
            if path.is_file():
                damage(path, "emptied")
    state, unusable = restored(folder, tmp_path / "aside")
    assert state is None
    assert {path.name for path in unusable} == {"5", "10"}


def test_a_checkpoint_of_another_form_is_not_used(checkpoints, tmp_path):
    folder = shutil.copytree(checkpoints, tmp_path / "checkpoints")
    manager = Checkpoints(folder, shutil.rmtree)
    other = initial_state({"a": jnp.zeros(6)}, {}, jax.random.key(0))
    assert manager.restore(other) is None
    assert all("another form" in why for why in manager.unusable.values())
    manager.close()


H2 = ["--config=gaussian", "--config.system.molecule=H2", "--config.system.basis=sto-3g", "--config.quadrature.level=0"]
QUICK = ["--config.reference.large_basis=", "--config.tracking.wandb=disabled", "--config.tracking.console=off"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    results = tmp_path_factory.mktemp("store") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNKS_CACHE", str(results))  # references beside the runs, so that copies of the store have them
        assert main(["run", *H2, *QUICK, f"--results={results}"]) == 0
    return results


def files_of(results):
    (run,) = [path for path in (results / "gaussian").iterdir() if path.is_dir()]
    names = ("metrics.jsonl", "summary.json", "config.json", "environment.json", "slice.npz")
    (reference,) = (results / "references").iterdir()
    return {name: run / name for name in names} | {"reference": reference}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "summary.json", "config.json", "environment.json", "slice.npz", "reference"]
)
def test_listings_of_a_damaged_store_end_in_a_table_or_a_sentence(store, name, kind, tmp_path, capsys):
    results = shutil.copytree(store, tmp_path / "results")
    damage(files_of(results)[name], kind)
    capsys.readouterr()
    for command in (["ls", str(results)], ["export", str(results), f"--to={tmp_path / 'runs.csv'}", "--metrics"]):
        status = main(command)
        said = capsys.readouterr().err
        assert status in (0, 2), said
        assert "Traceback" not in said
        assert "internal error" not in said
        assert all(len(line) < 700 for line in said.splitlines())


@pytest.mark.parametrize("kind", ["flipped", "cut", "other JSON"])
def test_a_damaged_reference_is_computed_anew(store, kind, tmp_path, capsys, monkeypatch):
    results = shutil.copytree(store, tmp_path / "results")
    monkeypatch.setenv("NNKS_CACHE", str(results))
    path = files_of(results)["reference"]
    sound = json.loads(path.read_text())
    damage(path, kind)
    assert main(["run", *H2, *QUICK, f"--results={results}", "--again"]) == 0
    assert json.loads(path.read_text())["energies"]["total"] == pytest.approx(sound["energies"]["total"], abs=1e-10)


def test_a_report_is_written_from_what_is_sound_and_names_what_is_not(store, tmp_path, capsys):
    results = shutil.copytree(store, tmp_path / "results")
    files = files_of(results)
    damage(files["slice.npz"], "flipped")
    with files["metrics.jsonl"].open("a") as stream:
        stream.write('[]\n5\n{"step": "a"}\n{"step": 1e400}\n' + "[" * 3000 + "\n\x00\x00\n")
    assert main(["report", str(results / "gaussian")]) == 0
    said = capsys.readouterr()
    assert "metrics.jsonl" in said.err
    assert "Traceback" not in said.err
    assert (results / "gaussian" / "report.html").is_file()
