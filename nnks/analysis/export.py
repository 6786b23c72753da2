"""Stored runs for other programs: one row a run or one row a step, as CSV or Parquet."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nnks.analysis.listing import CONFIG, SUMMARY, StoredRun
from nnks.registry import InputError
from nnks.tracking.files import replacing

if TYPE_CHECKING:
    from pandas import DataFrame, Series
else:
    DataFrame = Series = Any  # pandas is imported when a table is made

FORMATS = (".csv", ".parquet")
IDENTITY = ("path", "experiment", "run", "label", "molecule", "seed")
"""Columns that steps share with their run."""


def check_target(path: str | Path) -> Path:
    """The file to write.

    Raises:
        InputError: for another ending than `.csv` and `.parquet`, or a folder that does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"--to is '{path}'; expected a file that ends in {' or '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise InputError(f"the folder '{path.parent}' of --to does not exist; make it, or name another file.")
    return path


def runs_frame(runs: Sequence[StoredRun]) -> DataFrame:
    """One row a run.

    Columns: those of `run_rows` (energies [Ha], errors [mHa]), then `config.<key>` and `summary.<key>` with dotted
        keys, as they are stored. What a
    run lacks is missing; lists are JSON text; a column in which numbers and text occur is text.
    """
    import pandas

    rows = []
    for run in runs:
        config = {f"{CONFIG}{key}": value for key, value in run.config.items()}
        summary = {f"{SUMMARY}{key}": value for key, value in run.summary.items()}
        rows.append(run.row | dict(sorted(config.items())) | summary)
    frame = pandas.DataFrame(rows, dtype=object)  # whole numbers stay whole where some runs lack them
    first = [name for name in frame.columns if not name.startswith((CONFIG, SUMMARY))]
    config, summary = ([name for name in frame.columns if name.startswith(prefix)] for prefix in (CONFIG, SUMMARY))
    return _typed(frame.reindex(columns=[*first, *config, *summary]))


def metrics_frame(runs: Sequence[StoredRun]) -> DataFrame:
    """One row a recorded step: `IDENTITY` of the run, `step`, and the metrics by their names.

    Nan for what a step lacks.
    """
    import pandas

    return pandas.concat(list(metrics_frames(runs)), ignore_index=True)


def metrics_frames(runs: Sequence[StoredRun], rows: int = 50_000) -> Iterator[DataFrame]:
    """The same in pieces of equal columns, for steps that need not fit the memory; at least one, which may be empty.

    Args:
        runs: the runs, whose metrics are read twice.
        rows: of a piece.
    """
    import pandas

    names: dict[str, None] = dict.fromkeys((*IDENTITY, "step"))
    whole: dict[str, bool] = {}
    for run in runs:
        for line in run.record.stream():
            names |= dict.fromkeys(line)
            for name, value in line.items():
                whole[name] = whole.get(name, True) and isinstance(value, int)
    kinds: dict[str, Any] = {name: "Int64" if integer else "float64" for name, integer in whole.items()}
    kinds |= {name: _typed_column(pandas.Series([run[name] for run in runs], dtype=object)).dtype for name in IDENTITY}
    kinds = {name: kinds.get(name, "float64") for name in names}
    lines = ({name: run[name] for name in IDENTITY} | line for run in runs for line in run.record.stream())
    while True:
        piece = list(itertools.islice(lines, rows))
        yield pandas.DataFrame(piece, columns=list(names), dtype=None if piece else object).astype(kinds)
        if len(piece) < rows:
            return


def write_frame(frame: DataFrame, path: Path) -> Path:
    """Writes a table whole or not at all, in the format of the file's ending.

    Raises:
        InputError: where the file cannot be written.
    """
    write_frames([frame], path)
    return path


def write_frames(frames: Iterable[DataFrame], path: Path) -> tuple[int, int]:
    """Writes pieces of equal columns as one table, whole or not at all.

    Returns:
        Rows and columns.

    Raises:
        InputError: where the file cannot be written.
    """
    write = _parquet if path.suffix.lower() == ".parquet" else _csv
    try:
        with replacing(path) as stream:
            return write(frames, stream)
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror or error}); name another file.") from error


def _csv(frames: Iterable[DataFrame], stream: IO[bytes]) -> tuple[int, int]:
    rows, columns = 0, 0
    for frame in frames:
        frame.to_csv(stream, index=False, header=not columns)
        rows, columns = rows + len(frame), len(frame.columns)
    return rows, columns


def _parquet(frames: Iterable[DataFrame], stream: IO[bytes]) -> tuple[int, int]:
    import pyarrow
    from pyarrow import parquet

    rows, columns, writer = 0, 0, None
    try:
        for frame in frames:
            schema = None if writer is None else writer.schema
            table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
            writer = writer or parquet.ParquetWriter(stream, table.schema)
            writer.write_table(table)
            rows, columns = rows + len(frame), len(frame.columns)
    finally:
        if writer is not None:
            writer.close()
    return rows, columns


def _typed(frame: DataFrame) -> DataFrame:
    """Columns of one type each: whole numbers and truths that may be missing, numbers, or text."""
    import pandas

    return pandas.DataFrame({name: _typed_column(column) for name, column in frame.items()})


def _typed_column(column: Series) -> Series:
    if column.dtype != object:
        return column
    known = [value for value in column if value is not None and value == value]
    kinds = {type(value) for value in known}
    if not kinds:
        return column.astype("str").where(column.notna(), None)
    for kind, name in (({bool}, "boolean"), ({int}, "Int64"), ({int, float}, "float64"), ({float}, "float64")):
        if kinds == kind:
            return column.astype(name)
    return column.map(_text).astype("str")


def _text(value: Any) -> Any:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else json.dumps(value)
