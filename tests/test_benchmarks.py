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


def test_every_test_has_a_case_in_the_default_round_unless_all_are_slow():
    from collections import Counter

    from benchmarks.test_selection import choose

    seconds = Counter({"a.py::quick": 0.1, "a.py::whole": 50.0, "a.py::half[1]": 5.0, "a.py::half[2]": 6.0})
    seconds |= Counter({"b.py::t[1]": 3.0, "b.py::t[2]": 2.0, "c.py::dear": 40.0})
    lines = {"": {("x", 0)}, "a.py::quick": {("x", 1)}, "a.py::whole": {("x", n) for n in range(1, 9)}}
    lines |= {"a.py::half[1]": {("x", n) for n in range(1, 6)}, "a.py::half[2]": {("x", n) for n in range(5, 9)}}
    always = {"a.py::quick", "a.py::half[1]", "b.py::t[2]"}
    assert choose(seconds, lines, 0.0) == always  # whatever lines others reach
    assert choose(seconds, lines, 20.0) == always | {"a.py::half[2]"}  # what is left of the lines, in the least time


def test_every_test_that_is_left_out_is_a_test():
    listed = [line for line in (Path(__file__).parent / "slow.txt").read_text().splitlines() if "::" in line]
    assert len(listed) == len(set(listed)) > 100
    for name in listed:
        file, _, test = name.partition("::")
        function = test.split("[")[0]
        assert f"def {function}(" in (Path(__file__).parents[1] / file).read_text(), name
