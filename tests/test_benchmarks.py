"""The stored page of the benchmarks says what the stored numbers say."""

import shutil
from pathlib import Path

STORED = Path(__file__).parent.parent / "results" / "benchmarks"


def test_the_page_is_made_from_the_numbers(tmp_path):
    from benchmarks.page import write

    folder = shutil.copytree(STORED, tmp_path / "benchmarks")
    (folder / "README.md").unlink()
    assert write(folder).read_text() == (STORED / "README.md").read_text()
    (folder / "convergence.json").unlink()  # what is missing is left out
    assert "Time to a converged energy" not in write(folder).read_text()


def test_the_page_on_speed_is_made_from_the_numbers():
    from benchmarks.overhead import page
    from nnks.tracking.files import read_json

    stored = read_json(STORED / "overhead.json")
    assert stored is not None
    assert page(stored) == (STORED.parents[1] / "docs" / "speed.md").read_text()
