"""The paper's Table 3 beside ours: the same as `nnks reproduce table3`, for results in a folder of your choice.

Run:      .venv/bin/python experiments/table3.py [--results results] [--no-run]
Cost:     45 runs of 10 to 60 s on two cores; --no-run only reads what is stored

Writes table3.md, table3.json and table3.png to the folder reproduction/ of the results.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nnks_paper import reproduce


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--no-run", action="store_true", help="only read what is stored")
    arguments = parser.parse_args()
    sys.exit(not reproduce("table3", arguments.results, only_report=arguments.no_run))


if __name__ == "__main__":
    main()
