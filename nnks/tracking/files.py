"""JSON files that survive a killed process: written whole or not at all, read with care."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnks.registry import InputError


def plain(value: Any, path: str = "") -> Any:
    """The value in JSON's own types; numbers that JSON does not have (nan, inf) become None.

    Raises:
        InputError: for a value without a JSON form, named by its path.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(x, f"{path}.{key}".lstrip(".")) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(x, path) for x in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy and JAX scalars and arrays
        return plain(value.tolist(), path)
    raise InputError(
        f"{path or 'a value'} is a {type(value).__name__}, which JSON cannot store; "
        "expected numbers, strings, lists or dictionaries; try the name of the object instead."
    )


def read_json(path: Path) -> dict[str, Any] | None:
    """The dictionary in a file, or None where it is missing, broken, or something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    """Stores a dictionary atomically, with non-finite numbers as null."""
    return replace_text(path, json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Metrics by step in the order of the file; lines of one step are merged, broken lines are skipped."""
    steps: dict[int, dict[str, Any]] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            step = int(entry["step"])
        except (ValueError, TypeError, KeyError):  # the half line of a killed process
            continue
        if None in entry.values():
            entry = {key: math.nan if value is None else value for key, value in entry.items()}
        if step in steps:
            steps[step].update(entry)
        else:
            steps[step] = entry
    return list(steps.values())


def replace_text(path: Path, text: str) -> Path:
    """Writes a text file atomically: through a temporary file in the same folder."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes private files; results are meant to be shared
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
