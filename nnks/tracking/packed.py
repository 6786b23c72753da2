"""Runs of a sweep in two Parquet tables: `runs.parquet` has a row a run, `metrics.parquet` a row a step.

The columns of `runs.parquet` are the files of a run's folder.

What is read may come from someone else. A table has columns of known names and plain types and a bounded size, its
pages carry checksums, and the text of a file in it is judged as that file would be. Nothing of it is run.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nnks.tracking.files import Damaged, open_regular, printable
from nnks.tracking.lines import LAST
from nnks.tracking.notices import notice
from nnks.tracking.record import METRICS, SLICE, RunRecord

if TYPE_CHECKING:
    from pyarrow import Table
else:
    Table = Any  # pyarrow is imported when a table is read

RUNS, STEPS = "runs.parquet", "metrics.parquet"
"""The tables of a packed sweep, in its folder."""

ABOUT = b"nnks.runs.experiment"
"""Metadata key of `runs.parquet`: the text of the sweep's `experiment.json`."""

MOST_BYTES, MOST_VALUES, MOST_COLUMNS, DEEPEST = 1 << 28, 1 << 25, 200, 20
"""Of a table unpacked: bytes and values; columns; and folders above a run: beyond these it is none of the store's."""

FILE = re.compile(r"[a-z_]{1,40}\.json")
"""The name of a file that is kept."""


@dataclasses.dataclass(frozen=True)
class Pack:
    """A packed sweep.

    Attributes:
        folder: of the sweep, which holds the tables.
    """

    folder: Path

    @functools.cached_property
    def files(self) -> dict[str, dict[str, bytes]]:
        """The files of each run by the run's path in the folder; a damaged table is said, and has none."""
        table = self.table(RUNS)
        if table is None:
            return {}
        columns = {name: table.column(name) for name in table.column_names if name != "run"}
        contents: dict[str, dict[str, bytes]] = {}
        for row, run in enumerate(table.column("run").to_pylist()):
            cells = {name: column[row].as_py() for name, column in columns.items()}
            texts = {name: cell.encode() if isinstance(cell, str) else cell for name, cell in cells.items()}
            if _is_run_path(run) and run not in contents:
                contents[run] = {name: text for name, text in texts.items() if text is not None}
            else:
                notice(f"'{self._shown(RUNS)}': a run is left out: {ascii(run)[:60]} is not a path that a run has.")
        return contents

    @functools.cached_property
    def about(self) -> bytes | None:
        """The text of `experiment.json`; None where there is none."""
        table = self.table(RUNS)
        return None if table is None else (table.schema.metadata or {}).get(ABOUT)

    def records(self) -> list[RunRecord]:
        """The runs, in the order of the table."""
        return [PackedRecord(self.folder / run, run, self) for run in self.files]

    def steps(self, run: str) -> Iterator[dict[str, Any]]:
        """The kept steps of a run, as its metrics have them."""
        columns, ranges = self._steps
        latest = -1
        for row in range(*ranges.get(run, (0, 0))):
            line = {name: column[row] for name, column in columns.items() if column[row] is not None}
            step = line.get("step")
            if type(step) is not int or not latest < step < LAST:
                notice(
                    f"'{self._shown(STEPS)}' is damaged ('{printable(run)}' has a step out of order) and ends there."
                )
                return
            latest = step
            yield line

    @functools.cached_property
    def _steps(self) -> tuple[dict[str, list[Any]], dict[str, tuple[int, int]]]:
        """Columns of the steps, and the first and last row of each run."""
        table = self.table(STEPS)
        if table is None:
            return {}, {}
        runs = table.column("run").to_pylist()
        ranges: dict[str, tuple[int, int]] = {}
        for row, run in enumerate(runs):
            first, end = ranges.get(run, (row, row))
            if end == row:  # rows of a run stand together; others that claim to be of it are none
                ranges[run] = first, row + 1
        return {name: table.column(name).to_pylist() for name in table.column_names if name != "run"}, ranges

    def table(self, name: str) -> Table | None:
        """One of the two tables; None where it is missing, or damaged, which is said."""
        try:
            return _read(self.folder / name, _runs_kind if name == RUNS else _steps_kind)
        except FileNotFoundError:
            return None
        except Damaged as error:
            notice(f"'{self._shown(name)}' is damaged ({error}) and is not used.")
            return None

    def _shown(self, name: str) -> str:
        return printable(str(self.folder / name))


@dataclasses.dataclass(frozen=True)
class PackedRecord(RunRecord):
    """A run of a packed sweep; its path is where its folder was."""

    run: str
    pack: Pack = dataclasses.field(repr=False)

    def open(self, path: Path) -> io.BufferedIOBase:
        """One of the run's files, from the table.

        Raises:
            FileNotFoundError: where there is none.
        """
        content = self.pack.files[self.run].get(path.name)
        if content is None:
            raise FileNotFoundError(str(path))
        return io.BytesIO(content)

    def has(self, name: str) -> bool:
        """Whether the table has a file of this name for the run."""
        return name in self.pack.files[self.run] or (name == METRICS and any(True for _ in self.stream()))

    def names(self) -> list[str]:
        """Of the files that were kept."""
        return list(self.pack.files[self.run])

    def stream(self) -> Iterator[dict[str, Any]]:
        """The steps that were kept, one by one."""
        return self.pack.steps(self.run)


def _read(path: Path, kind: Any) -> Table:
    """A table, once it is known to be one of the store's.

    Raises:
        FileNotFoundError: where there is none.
        Damaged: for anything else.
    """
    import pyarrow
    from pyarrow import parquet

    with open_regular(path) as stream:
        try:
            limits: Any = {"thrift_string_size_limit": 1 << 24, "thrift_container_size_limit": 1 << 20}
            file = parquet.ParquetFile(stream, page_checksum_verification=True, pre_buffer=False, **limits)
            about, schema = file.metadata, file.schema_arrow
            if about.num_columns > MOST_COLUMNS or about.num_rows * about.num_columns > MOST_VALUES:
                raise Damaged("it is too large")
            groups = [about.row_group(n) for n in range(about.num_row_groups)]
            parts = [group.column(n) for group in groups for n in range(group.num_columns)]
            if sum(part.total_uncompressed_size for part in parts) > MOST_BYTES:
                raise Damaged(f"larger than {MOST_BYTES >> 20} MB")
            if len(set(schema.names)) < len(schema.names) or "run" not in schema.names:
                raise Damaged("its columns are not those of a packed sweep")
            for field in schema:
                if not kind(field.name, field.type):
                    raise Damaged(f"column '{printable(field.name)[:40]}' is none of a packed sweep")
            return file.read(use_threads=False)
        except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError) as error:
            if isinstance(error, Damaged):
                raise
            raise Damaged("its data are not what was stored") from None


def _runs_kind(name: str, kind: Any) -> bool:
    """Whether `runs.parquet` may have such a column."""
    from pyarrow import types

    return (
        types.is_binary(kind)
        if name == SLICE
        else types.is_string(kind) and bool(name == "run" or FILE.fullmatch(name))
    )


def _steps_kind(name: str, kind: Any) -> bool:
    """Whether `metrics.parquet` may have such a column."""
    from pyarrow import types

    if name == "run":
        return types.is_string(kind)
    return types.is_int64(kind) or (name != "step" and types.is_float64(kind))


def _is_run_path(run: Any) -> bool:
    """Whether a text can be the path of a run's folder below a sweep's."""
    if not isinstance(run, str) or not run or printable(run) != run or not run.isprintable() or "\\" in run:
        return False
    parts = PurePosixPath(run).parts
    return "/".join(parts) == run and not {"/", "..", "."} & set(parts) and len(parts) <= DEEPEST
