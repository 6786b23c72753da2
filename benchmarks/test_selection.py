r"""Which tests `make test` runs: a case of every test, quick ones whole, and what reaches the lines that are left.

Run:      .venv/bin/python -m pytest -q -m "" --cov=nnks --cov-context=test --cov-report= \
              --durations=0 --durations-min=0.05 > durations.txt
          .venv/bin/python -m benchmarks.test_selection durations.txt [--seconds 1400]
Cost:     the tests, all of them, an hour or two

A test that is quick is run with all its cases. Of every other one the cheapest case is run, unless it takes more than
20 seconds, which is what the mark `slow` means: that others reach its lines does not mean that they ask what it asks.
Then, as long as the seconds of the processor go, the case is taken that reaches the most new lines for its seconds.
What repeats a test with another molecule, functional or optimizer is left to `make test-slow`. Writes tests/slow.txt,
which tests/conftest.py reads; a test that is not in it is run, so that new ones are.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from pathlib import Path

from coverage import CoverageData

from benchmarks.common import print_table

QUICK = 0.6
"""Seconds below which a test is always run."""

DEAREST = 20.0
"""Seconds up to which the cheapest case of a test is run, whatever others reach: beyond, it is slow."""

ALWAYS = (
    *("tests/reference/", "tests/test_readme.py", "tests/test_layers.py", "tests/test_packaging.py"),
    *(f"tests/test_docs.py::test_{what}" for what in ("the_example", "every_command_of_the_quick_start", "the_site")),
)
"""Beginnings of the names of tests that are always run: comparisons with PySCF, what a newcomer reads and types,
the structure."""

LIST = Path("tests/slow.txt")

HEADER = """# Tests that `make test` leaves to `make test-slow`: further cases, and what takes over 20 s.
# Written by: python -m benchmarks.test_selection
"""


def read_durations(log: Path) -> Counter[str]:
    """Seconds of each test, set-up included, from pytest's `--durations`."""
    seconds: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        if row := re.match(r"\s*([\d.]+)s (?:call|setup|teardown)\s+(\S.*)$", line):
            seconds[row[2].strip()] += float(row[1])
    return seconds


def read_lines(file: Path) -> dict[str, set[tuple[str, int]]]:
    """The lines that each test reaches, and under an empty name those that are run on import."""
    data, lines = CoverageData(str(file)), defaultdict(set)
    data.read()
    for source in data.measured_files():
        for line, contexts in data.contexts_by_lineno(source).items():
            for context in contexts:
                lines[context.split("|")[0]].add((source, line))
    return dict(lines)


def choose(seconds: Counter[str], lines: dict[str, set[tuple[str, int]]], budget: float) -> set[str]:
    """The tests that are run by default."""
    tests = (seconds.keys() | lines.keys()) - {""}
    chosen = {test for test in tests if seconds[test] < QUICK or test.startswith(ALWAYS)}
    cheapest: dict[str, str] = {}
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        cheapest.setdefault(test.split("[")[0], test)
    chosen |= {test for test in cheapest.values() if seconds[test] <= DEAREST}
    reached = set(lines.get("", ())).union(*(lines.get(test, set()) for test in chosen))
    spent, rest = sum(seconds[test] for test in chosen), tests - chosen
    while rest:
        gain, best = max((len(lines.get(test, set()) - reached) / seconds[test], test) for test in sorted(rest))
        if gain == 0 or spent + seconds[best] > budget:
            break
        chosen.add(best)
        rest.discard(best)
        reached |= lines[best]
        spent += seconds[best]
    whole = set().union(*lines.values())
    rows = [{"tests": len(chosen), "of": len(tests), "seconds": spent, "lines": len(reached), "of all": len(whole)}]
    print_table(rows, "run by default")
    return chosen


def main() -> None:
    """Chooses, and writes the list of what is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("durations", type=Path, help="what pytest printed")
    parser.add_argument("--coverage", type=Path, default=Path(".coverage"), help="with contexts")
    parser.add_argument("--seconds", type=float, default=1400.0, help="of the processor, for all chosen tests")
    options = parser.parse_args()
    seconds, lines = read_durations(options.durations), read_lines(options.coverage)
    left = sorted((seconds.keys() | lines.keys()) - {""} - choose(seconds, lines, options.seconds))
    LIST.write_text(HEADER + "".join(f"{test}\n" for test in left))


if __name__ == "__main__":
    main()
