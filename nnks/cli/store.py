"""`nnks store`."""

from __future__ import annotations

from pathlib import Path

from nnks.analysis import write_report
from nnks.analysis.packing import pack
from nnks.cli.arguments import Arguments
from nnks.registry import InputError
from nnks.tracking.packed import RUNS
from nnks.tracking.store import check_writable


def command(arguments: list[str]) -> int:
    """Packs a sweep's runs into two tables for version control, and writes its report from them."""
    parser = Arguments("store")
    parser.add_argument("folder")
    parser.add_argument("--to", default="results/stored")
    options = parser.read(arguments)
    folder = Path(options.folder)
    if not folder.is_dir():
        raise InputError(
            f"the folder '{options.folder}' does not exist; give the folder of a sweep, such as results/quickstart."
        )
    target = Path(options.to) / folder.resolve().name
    if (target / RUNS).is_file() and target.resolve() == folder.resolve():
        raise InputError(
            f"'{options.folder}' is stored already; give the folder of a sweep's runs, such as results/quickstart."
        )
    if target.resolve().parent.is_relative_to(folder.resolve()):  # before the tree is read, which may be a whole disk
        raise InputError(
            f"'{options.folder}' is '{folder.resolve()}', in which '{target}' would be written; give the folder of a "
            "sweep itself, such as results/quickstart."
        )
    check_writable(options.to, target.name)
    runs, size = pack(folder, target)
    paths = write_report(target)
    print(f"{target}: {runs} runs in {size / 1e3:.0f} kB, read again and equal")
    print(f"report: {paths.html}")
    return 0
