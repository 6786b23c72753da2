"""Stored runs for other programs: one row a run or one row a step, as CSV or Parquet."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnks.analysis.listing import CONFIG, SUMMARY, StoredRun
from nnks.registry import InputError
from nnks.tracking.record import RunRecord

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

    Columns: those of `run_rows` (energies [Ha], errors [mHa]), then `config.<key>` and `summary.<key>` with dotted keys, as they are stored. What a
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
    """One row a recorded step: `IDENTITY` of the run, `step`, and the metrics by their names; nan for what a step lacks."""
    import pandas

    rows = []
    for run in runs:
        identity = {name: run[name] for name in IDENTITY}
        steps = RunRecord(run.record.path).metrics  # not kept: thousands of runs need not be in memory twice
        rows += [identity | line for line in steps]
    return _typed(pandas.DataFrame(rows, columns=None if rows else [*IDENTITY, "step"]))


def write_frame(frame: DataFrame, path: Path) -> Path:
    """Writes a table whole or not at all, in the format of the file's ending.

    Raises:
        InputError: where the file cannot be written.
    """
    handle, temporary = -1, ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        if path.suffix.lower() == ".parquet":
            frame.to_parquet(temporary, engine="pyarrow", index=False)
        else:
            frame.to_csv(temporary, index=False)
        os.chmod(temporary, 0o644)  # mkstemp makes private files
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise InputError(f"'{path}' cannot be written ({error.strerror or error}); name another file.") from error
    return path


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
