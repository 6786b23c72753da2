"""A sweep for keeping: its runs as two Parquet tables, and the report's page with its first figure.

The same report is made from the tables.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnks.analysis.about import FILE, read_about
from nnks.analysis.densities import shown_slices
from nnks.analysis.table import Row, run_rows
from nnks.analysis.time_to_accuracy import goal
from nnks.registry import InputError, StoreError
from nnks.tracking.files import LARGEST, MOST_BYTES, open_regular, replacing, storing
from nnks.tracking.packed import ABOUT, RUNS, STEPS, Pack
from nnks.tracking.packed import FILE as PACKABLE
from nnks.tracking.record import CONFIG, ENVIRONMENT, SLICE, SUMMARY, RunRecord
from nnks.tracking.store import list_runs

if TYPE_CHECKING:
    from pyarrow import Table
else:
    Table = Any  # pyarrow is imported when a table is made

MOST_STEPS = 1500
"""Of a run: as many as a figure shows."""

RARE = 0.2
"""A metric that fewer of a run's steps have is kept wherever it is."""


def pack(folder: Path, target: Path) -> tuple[int, int]:
    """Writes `runs.parquet` and `metrics.parquet` of a sweep, and reads them again.

    Kept are the JSON files of each run as they are, the slices that the report's figure shows, and of the steps at most
    `MOST_STEPS` a run, evenly: with the first, the last, the one at which it arrives at an ablation's accuracy, and
    those with a metric that few have.

    Args:
        folder: of the sweep.
        target: the folder to write to; it is made.

    Returns:
        Runs and bytes.

    Raises:
        InputError: where the folder holds no runs, or is one, or holds sweeps.
        StoreError: where the tables cannot be written, or do not hold what was written.
    """
    records = list_runs(folder)
    if not records:
        raise InputError(
            f"the folder '{folder}' holds no runs; give the folder of a sweep, such as results/quickstart."
        )
    rows = run_rows(records)
    ablation = read_about(folder).get("ablation")
    names = [record.path.relative_to(folder).as_posix() for record in records]
    if "." in names:
        raise InputError(f"'{folder}' is a run; give the folder of a sweep, such as results/quickstart.")
    if deeper := [record.path.parent for record, name in zip(records, names, strict=True) if "/" in name]:
        raise InputError(f"'{folder}' is above the folder of a sweep; give that itself, such as '{deeper[0]}'.")
    with storing(target):
        target.mkdir(parents=True, exist_ok=True)
        runs = _runs(names, records, shown_slices(rows, records), _about(folder))
        steps = _steps(names, [_kept(record, row, ablation) for record, row in zip(records, rows, strict=True)])
        tables = {name: table for name, table in ((RUNS, runs), (STEPS, steps)) if table.num_rows}
        for name, table in tables.items():
            _write(table, target / name)
        if STEPS not in tables:
            (target / STEPS).unlink(missing_ok=True)  # of a former store
    for name, table in tables.items():
        again = Pack(target).table(name)
        if again is None or not _same(again, table):
            raise StoreError(
                f"'{target / name}' does not hold what was written; see that the disk is sound, and store the sweep "
                "again"
            )
    return len(records), sum((target / name).stat().st_size for name in tables)


def _about(folder: Path) -> bytes | None:
    """The text of the sweep's `experiment.json`, if it has one."""
    if os.path.lexists(folder / FILE):
        with open_regular(folder / FILE) as stream:
            return stream.read(MOST_BYTES)
    return Pack(folder).about


def _runs(names: Sequence[str], records: Sequence[RunRecord], slices: set[int], about: bytes | None) -> Table:
    """A row a run; its columns are files."""
    import pyarrow

    known = (CONFIG, ENVIRONMENT, SUMMARY)
    others = sorted({name for record in records for name in record.names() if PACKABLE.fullmatch(name)} - set(known))
    columns: dict[str, Any] = {"run": pyarrow.array(names, pyarrow.string())}
    for name in (*known, *others):
        texts = [
            content.decode(errors="replace") if content is not None else None
            for content in (_content(r, name) for r in records)
        ]
        columns[name] = pyarrow.array(texts, pyarrow.string())
    if slices:
        kept = [_content(record, SLICE) if n in slices else None for n, record in enumerate(records)]
        columns[SLICE] = pyarrow.array(kept, pyarrow.binary())
    return pyarrow.table(columns, metadata=None if about is None else {ABOUT: about})


def _content(record: RunRecord, name: str) -> bytes | None:
    try:
        with record.open(record.path / name) as stream:
            return stream.read(MOST_BYTES)
    except FileNotFoundError:
        return None


def _kept(record: RunRecord, row: Row, ablation: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of a run that are kept."""
    lines = list(record.stream())
    if len(lines) <= MOST_STEPS:
        return lines
    keep = set(np.linspace(0, len(lines) - 1, MOST_STEPS).astype(int).tolist())
    counts: dict[str, int] = {}
    for line in lines:
        for name in line:
            counts[name] = counts.get(name, 0) + 1
    rare = {name for name, count in counts.items() if count < RARE * len(lines)}
    keep |= {n for n, line in enumerate(lines) if rare & set(line)}
    level = math.nan if ablation is None else goal(ablation, row)
    keep |= set([n for n, line in enumerate(lines) if line.get("energy/total", math.inf) <= level][:1])
    return [lines[n] for n in sorted(keep)]


def _steps(names: Sequence[str], runs: Sequence[Sequence[Mapping[str, Any]]]) -> Table:
    """A row a step; whole numbers stay whole, a value that a step lacks is null, one that was no number is nan."""
    import pyarrow

    lines = [line for run in runs for line in run]
    keys = list(dict.fromkeys(key for line in lines for key in line if key != "run")) or ["step"]
    columns: dict[str, Any] = {
        "run": pyarrow.array([name for name, run in zip(names, runs, strict=True) for _ in run], pyarrow.string())
    }
    for key in keys:
        values = [line.get(key) for line in lines]
        whole = all(value is None or (isinstance(value, int) and abs(value) < LARGEST) for value in values)
        columns[key] = pyarrow.array(values, pyarrow.int64() if whole else pyarrow.float64(), from_pandas=False)
    return pyarrow.table(columns)


def _write(table: Table, path: Path) -> None:
    from pyarrow import parquet, types

    # the bytes of neighboring numbers are alike, one by one
    split: Any = [field.name for field in table.schema if types.is_float64(field.type)]
    texts: Any = [field.name for field in table.schema if types.is_string(field.type)]
    with replacing(path) as stream:
        parquet.write_table(
            table,
            stream,
            compression="zstd",
            compression_level=19,
            use_dictionary=texts,
            use_byte_stream_split=split,
            write_page_checksum=True,
            write_statistics=False,
        )


def _same(one: Table, other: Table) -> bool:
    """Equal in names and values, nan being equal to nan."""
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return False
    pairs: Iterator[tuple[Any, Any]] = ((one.column(name), other.column(name)) for name in one.column_names)
    return all(repr(a.to_pylist()) == repr(b.to_pylist()) for a, b in pairs)
