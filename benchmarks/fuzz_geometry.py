"""Geometry strings that are nearly right, in numbers: each makes a molecule or is refused in one line and under 2 s.

Run:      .venv/bin/python -m benchmarks.fuzz_geometry [--cases 5000]
Cost:     a minute on one core

The strings are those of tests/reliability/test_geometry_fuzz.py, which draws a few of them. Prints how many were tried,
accepted and refused, and the slowest; ends with the first that did anything else.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

SOURCE = Path(__file__).parent.parent / "tests" / "reliability" / "test_geometry_fuzz.py"
SLOWEST = 2.0
"""Seconds of this process that an answer may take."""


def campaign(cases: int) -> tuple[Counter[str], float]:
    """How many strings had which outcome, and the slowest answer [s]."""
    spec = importlib.util.spec_from_file_location("geometry_fuzz", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    outcomes: Counter[str] = Counter()
    slowest = 0.0

    @settings(
        deadline=None,
        max_examples=cases,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(fuzz.geometries)
    def attempt(text: str) -> None:
        nonlocal slowest
        started = time.process_time()
        outcome = fuzz.outcome(text)
        seconds = time.process_time() - started
        slowest = max(slowest, seconds)
        outcomes[outcome if seconds < SLOWEST else "slow"] += 1

    attempt()
    return outcomes, slowest


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000)
    outcomes, slowest = campaign(parser.parse_args().cases)
    print(f"{outcomes.total()} tried: {dict(outcomes)}; the slowest took {slowest:.2f} s")


if __name__ == "__main__":
    main()
