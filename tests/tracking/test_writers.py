"""What was written is what is read, for every writer, also after a resume."""

import io
import json
import math
import os
import subprocess
import sys

import pytest

METRICS = [
    {"energy/total": -75.0 - 0.1 * step, "grad/norm": 1.0 / (step + 1), "time/elapsed_s": float(step)}
    for step in range(6)
]


def wandb_history(folder):
    """The rows and the summary of all W&B runs below a run folder, read back with W&B's own program."""
    rows, summary = [], {}
    for path in sorted(folder.path.glob("wandb/*run-*/*.wandb")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for entry in map(json.loads, text.splitlines()):
            summary |= entry.get("summary", {}).get("update", {})
            items = entry.get("history", {}).get("item", {})
            rows.append({key: value for key, value in items.items() if not key.startswith("_")})
    return [row for row in rows if row], summary


@pytest.fixture
def wandb_session(monkeypatch):
    for name in ("WANDB_MODE", "WANDB_DIR", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield
    import wandb

    wandb.teardown()


class JsonlCase:
    def make(self, folder, config):
        from nnks.tracking.writers import JsonlWriter

        return JsonlWriter(folder, known={"label": "a label"})

    def read(self, folder):
        return folder.read_metrics()


class WandbCase:
    def make(self, folder, config):
        from nnks.tracking.writers import JsonlWriter, WandbWriter, WriterGroup

        return WriterGroup(JsonlWriter(folder), WandbWriter(folder, config, group="experiment"))

    def read(self, folder):
        return wandb_history(folder)[0]


@pytest.fixture(params=[JsonlCase, WandbCase], ids=["jsonl", "wandb"])
def case(request, wandb_session):
    return request.param()


def test_what_was_written_is_read(case, folder, config, summary):
    from nnks.tracking.writers import Writer

    writer = case.make(folder, config)
    assert isinstance(writer, Writer)
    for step, metrics in enumerate(METRICS):
        writer.write(step, metrics)
    writer.finish(summary)
    assert case.read(folder) == [{"step": step, **metrics} for step, metrics in enumerate(METRICS)]


def test_a_resumed_run_reads_like_an_unbroken_one(case, folder, config, summary):
    writer = case.make(folder, config)
    for step in range(4):
        writer.write(step, {"energy/total": math.pi} if step > 2 else METRICS[step])
    writer.fail("killed")
    folder.resume(2)
    writer = case.make(folder, config)
    for step in range(3, 6):
        writer.write(step, METRICS[step])
    writer.finish(summary)
    assert case.read(folder) == [{"step": step, **metrics} for step, metrics in enumerate(METRICS)]


def test_jsonl_marks_the_end(folder, summary):
    from nnks.tracking.writers import JsonlWriter

    writer = JsonlWriter(folder, known={"label": "a label", "parameters": 12})
    writer.write(0, METRICS[0])
    assert not folder.finished
    writer.fail("hartree became nan")
    stored = folder.record.summary
    assert (stored["status"], stored["reason"]) == ("failed", "hartree became nan")
    assert (stored["label"], stored["parameters"], stored["steps"], stored["seed"]) == ("a label", 12, 0, 0)
    folder.resume(0)
    JsonlWriter(folder).finish(summary)
    assert folder.finished
    assert folder.record.summary["energies"] == summary["energies"]
    assert folder.record.summary["config_hash"] in folder.name


def test_wandb_stores_summary_and_is_silent(folder, config, summary, wandb_session, capfd, monkeypatch):
    from nnks.tracking.writers import WandbWriter

    monkeypatch.delenv("WANDB_SILENT", raising=False)
    writer = WandbWriter(folder, config, group="an experiment/1")
    writer.write(0, METRICS[0])
    writer.finish(summary)
    assert wandb_history(folder)[1]["energies"]["total"] == summary["energies"]["total"]
    assert capfd.readouterr() == ("", "")
    assert list(folder.path.glob(f"wandb/offline-run-*-an-experiment-1-{folder.name}"))


def test_wandb_online_without_a_key_goes_on_offline(folder, config, summary, wandb_session, capsys, monkeypatch):
    from nnks.tracking.wandb_session import WandbSession
    from nnks.tracking.writers import WandbWriter

    monkeypatch.setattr(WandbSession, "unreachable", False)
    monkeypatch.setenv("HOME", str(folder.path))  # no stored key
    monkeypatch.setenv("NETRC", str(folder.path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nothing listens there
    writer = WandbWriter(folder, config, mode="online")
    assert writer.mode == "offline"
    writer.write(0, METRICS[0])
    writer.finish({"converged": True})
    said = capsys.readouterr().err.strip()
    assert "W&B cannot be reached" in said
    assert "wandb sync" in said
    assert len(said.splitlines()) == 1
    assert wandb_history(folder)[0] == [{"step": 0, **METRICS[0]}]
    assert WandbSession.unreachable


def test_wandb_disabled_writes_nothing(folder, config, summary):
    from nnks.tracking.writers import WandbWriter

    writer = WandbWriter(folder, config, mode="disabled")
    writer.write(0, METRICS[0])
    writer.finish(summary)
    assert not (folder.path / "wandb").exists()


def test_wandb_mode_is_checked(folder, config):
    from nnks.registry import InputError
    from nnks.tracking.writers import WandbWriter

    with pytest.raises(InputError, match="did you mean 'offline'"):
        WandbWriter(folder, config, mode="ofline")


def test_id_is_one_that_wandb_takes():
    from nnks.tracking.wandb_session import wandb_id

    assert wandb_id("ablations/a b", "20261123-3fa94c1e-s0") == "ablations-a-b-20261123-3fa94c1e-s0"
    assert len(wandb_id("x" * 300, "run")) == 128


def test_a_broken_writer_does_not_stop_the_run(folder, summary, capsys):
    from nnks.tracking.writers import JsonlWriter, WriterGroup

    class Broken:
        def __init__(self):
            self.calls = 0

        def write(self, step, metrics):
            self.calls += 1
            raise OSError("gone")

        finish = fail = leave = write

    broken = Broken()
    group = WriterGroup(JsonlWriter(folder), broken)
    for step, metrics in enumerate(METRICS):
        group.write(step, metrics)
    group.finish(summary)
    assert broken.calls == 1
    assert "Broken is switched off for this run (gone)" in capsys.readouterr().err
    assert len(folder.read_metrics()) == len(METRICS)
    assert folder.finished


def test_the_record_ends_last(folder, summary):
    from nnks.tracking.writers import JsonlWriter, WriterGroup

    seen = []

    class Watch:
        def write(self, step, metrics): ...

        def finish(self, summary):
            seen.append(folder.finished)

        def fail(self, reason): ...

        def leave(self): ...

    WriterGroup(JsonlWriter(folder), Watch()).finish(summary)
    assert seen == [False]
    assert folder.finished


def test_every():
    from nnks.registry import InputError
    from nnks.tracking.writers import Every

    assert [step for step in range(10) if Every(steps=4)(step)] == [0, 4, 8]
    assert not any(Every(steps=0)(step) for step in range(10))
    with pytest.raises(InputError, match="try 0 for never"):
        Every(steps=-1)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def console(terminal):
    from rich.console import Console

    return Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None, legacy_windows=False)


def test_a_log_file_is_not_flooded(summary):
    from nnks.tracking.writers import ConsoleWriter

    out, clock = console(False), Clock()
    writer = ConsoleWriter(1000, "water / residual", position=(3, 12), console=out, interval=20.0, clock=clock)
    for step in range(1000):
        clock.now += 0.1  # 100 s in all: the first line, then one every 20 s, the last, and the result
        writer.write(step, METRICS[0])
    writer.finish(summary)
    lines = out.file.getvalue().splitlines()
    assert lines[0] == "run 3/12 · water / residual (9 more after it)"
    assert 6 <= len(lines) <= 9
    assert "step 0/1000" in lines[1]
    assert "E = -75.0000000 Ha  |g| = 1.0e+00  10 steps/s" in lines[3]
    assert "left" in lines[3]
    assert lines[-1].endswith("E = -75.9131000 Ha, converged after 70 steps, 57.1 s")


def test_the_time_left_knows_a_limit_in_seconds():
    from nnks.tracking.writers import ConsoleWriter

    out, clock = console(False), Clock()
    writer = ConsoleWriter(100_000, console=out, limit=30.0, clock=clock)
    for step in range(260):
        clock.now += 0.1
        writer.write(step, METRICS[0])
    # the first line that knows a speed comes after 20 s of the 30, of which the first step does not count
    assert "about 10.0 s left" in out.file.getvalue()


def test_phases_are_named_while_they_run_and_the_result_comes_before_its_references(summary):
    from nnks.tracking.writers import ConsoleWriter

    out, clock = console(False), Clock()
    writer = ConsoleWriter(1000, "water", position=(3, 12, 200.0), thresholds=(1e-9, 1e-6), console=out, clock=clock)
    for phase in ("building", "compiling"):
        writer.phase(phase)
    for step in range(6):
        clock.now += 0.1
        writer.write(step, METRICS[step])
    writer.phase("final evaluation")
    writer.result(summary)
    for cycle in range(30):  # a line at the beginning, one every 20 s, and not one a cycle
        writer.phase(f"reference: PySCF in 6-31g, cycle {cycle}")
        clock.now += 1.0
    writer.finish(summary)
    lines = [line.strip() for line in out.file.getvalue().splitlines()]
    assert lines == [
        "run 3/12 · water (9 more after it, about 3:20 min)",
        "building",
        "compiling",
        "step 0/1000  E = -75.0000000 Ha  |g| = 1.0e+00  0.1 s",
        "step 5/1000  E = -75.5000000 Ha  |g| = 1.7e-01  10 steps/s  0.6 s",
        "final evaluation",
        "run 3/12 · water: E = -75.9131000 Ha, converged after 70 steps, 57.1 s",
        "reference: PySCF in 6-31g",
        "reference: PySCF in 6-31g, cycle 20, 20.0 s",
    ]


def test_the_seconds_of_a_phase_go_on_while_nothing_is_written(monkeypatch):
    from nnks.tracking.writers import ConsoleWriter

    monkeypatch.setenv("TERM", "xterm")
    out, clock = console(True), Clock()
    writer = ConsoleWriter(6, "water", console=out, clock=clock)
    writer.phase("compiling")
    clock.now += 12.5
    writer._live.refresh()
    writer.leave()
    assert "compiling, 12.5 s" in out.file.getvalue()


def test_a_terminal_shows_the_last_state(summary, monkeypatch):
    from nnks.tracking.writers import ConsoleWriter

    monkeypatch.setenv("TERM", "xterm")
    out = console(True)
    writer = ConsoleWriter(6, "[water]", position=(1, 2), console=out)
    for step, metrics in enumerate(METRICS):
        writer.write(step, metrics)
    writer.finish(summary)
    assert "run 1/2 · [water]" in out.file.getvalue()
    assert "E = -75.9131000 Ha, converged" in out.file.getvalue()


def test_it_works_inside_another_live_display(summary, monkeypatch):
    from rich.progress import Progress

    from nnks.tracking.writers import ConsoleWriter

    monkeypatch.setenv("TERM", "xterm")
    out = console(True)
    with Progress(console=out) as outer:
        task = outer.add_task("sweep", total=2)
        for number in (1, 2):
            writer = ConsoleWriter(6, "water", position=(number, 2), console=out)
            for step, metrics in enumerate(METRICS):
                writer.write(step, metrics)
            writer.finish(summary) if number == 1 else writer.fail("it broke")
            outer.advance(task)
    assert "run 1/2 · water: E = -75.9131000 Ha" in out.file.getvalue()
    assert "run 2/2 · water: failed: it broke" in out.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.24, "8.2 s"), (245, "4:05 min"), (7390, "2:03:10 h"), (59.99, "1:00 min")]
)
def test_duration(seconds, text):
    from nnks.tracking.progress import duration

    assert duration(seconds) == text


def test_importing_the_store_brings_no_heavy_package():
    code = (
        "import sys, nnks.tracking; "
        "bad = {'wandb', 'pandas', 'matplotlib', 'orbax', 'pyscf'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "JAX_PLATFORMS": "cpu"})
