"""Results that someone made to do harm are only data: nothing of them is run, nothing outside of them is written."""

import shutil

import pytest

from benchmarks import hostile
from nnks.cli import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return hostile.make(tmp_path)


def test_no_command_runs_or_writes_what_hostile_results_say(runs, tmp_path, capfd):
    before = hostile.listing(tmp_path / "outside")
    # a link that the user names is followed, as by any program; one that is met in a folder is not
    links = {str(runs["run link"]), *(f"--config={runs[kind]}/config.json" for kind in ("run link", "config link"))}
    for command in hostile.commands(runs):
        capfd.readouterr()
        status = main(command)
        out, said = capfd.readouterr()
        assert status in (0, 1, 2), (command, said)
        assert "Traceback" not in said, (command, said)
        assert "internal error" not in said, (command, said)
        if not links & set(command):
            assert "secret of the outside" not in out + said, command
        assert hostile.listing(tmp_path / "outside") == before, command
        assert not list(tmp_path.rglob("pwned*")), command
    made = {
        "outside",
        "results",
        "study.py",
        "__pycache__",
        "compare.html",
        "compare.png",
        "runs.csv",
        "runs-metrics.csv",
    }
    assert {path.name for path in tmp_path.iterdir()} <= made
    assert not any("secret of the outside" in path.read_text() for path in tmp_path.glob("*.csv"))


@pytest.mark.parametrize("kind", ["command", "fitting", "paths"])
def test_a_stored_config_that_would_run_a_command_or_leave_the_folder_is_refused(kind, runs, tmp_path, capfd):
    assert main(["run", f"--config={runs[kind]}/config.json", "--results=results"]) == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert said[-1].startswith("nnks: ")
    assert not list(tmp_path.rglob("pwned*"))
    assert not (tmp_path / "outside" / "made").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_pages_of_hostile_results_run_no_script_of_the_data(runs, tmp_path):
    from playwright.sync_api import sync_playwright

    names = [str(path) for path in runs.values()]
    assert main(["report", "results/study"]) == 0
    assert main(["compare", *names[:2], "--html=compare.html"]) == 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for path in (tmp_path / "results" / "study" / "report.html", tmp_path / "compare.html"):
            assert "pwned" in path.read_text()  # as text
            page, asked = chromium.new_page(), []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(path.as_uri())
            assert page.evaluate("typeof window.pwned") == "undefined"
            assert page.title() != "pwned"
            assert not [url for url in asked if not url.startswith(("file:", "data:"))]
            page.close()
        chromium.close()


def test_a_large_metrics_file_is_not_held_in_memory(tmp_path):
    """Fifteen times the rows take hardly more memory."""
    peaks = []
    for megabytes in (2, 30):
        folder = tmp_path / str(megabytes)
        folder.mkdir()
        hostile.make_large(folder, megabytes)
        large = hostile.measure(["ls", "results"], folder)
        assert large.status == 0, large.said
        peaks.append(large.megabytes)
    assert peaks[1] - peaks[0] < 30
