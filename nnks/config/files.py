"""Config files: where they lie, and what they hold."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from nnks.config.defaults import default_config
from nnks.config.sections import ConfigDict, complete, flatten, override
from nnks.registry import InputError, suggest


def config_folders() -> list[Path]:
    """Where packaged configs lie: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    return [folder for folder in (package.parent / "configs", package / "configs") if folder.is_dir()]


def find_config(name: str) -> Path:
    """The file of a config: a path, or a packaged name such as `gaussian` or `ablations/sampler`.

    Raises:
        InputError: if there is none, with the nearest name.
    """
    path = Path(name)
    if path.suffix in (".py", ".json"):
        if path.is_file():
            return path
        raise InputError(f"config file '{name}' does not exist; {suggest(path.stem, packaged_configs())}.")
    for folder in config_folders():
        if (folder / f"{name}.py").is_file():
            return folder / f"{name}.py"
    raise InputError(f"config '{name}' is neither a file nor a packaged config; {suggest(name, packaged_configs())}.")


def packaged_configs() -> dict[str, str]:
    """Packaged configs by name, with the first line of each file's docstring."""
    found = {}
    for folder in config_folders():
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8").split('"""')
            found[str(path.relative_to(folder).with_suffix(""))] = (
                text[1].strip().splitlines()[0] if len(text) > 1 else ""
            )
    return found


def load_module(name: str) -> ModuleType:
    """The module of a Python config file.

    Raises:
        InputError: if it cannot be imported or has no `get_config`.
    """
    path = find_config(name)
    return _load(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _load(path: Path, changed: int) -> ModuleType:
    """Runs a file once for each state of it: a file may register an ansatz, which can be done once."""
    spec = importlib.util.spec_from_file_location(f"nnks_config_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # as for a script: a file may import its neighbors, a user's ansatz for example
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"config file '{path}' cannot be read: {type(error).__name__}: {error}.") from error
    if not callable(getattr(module, "get_config", None)):
        raise InputError(f"config file '{path}' has no function get_config(); see configs/gaussian.py for the form.")
    return module


def load_config(name: str, changes: Mapping[str, Any] | None = None) -> ConfigDict:
    """The config of a file (`.py` with `get_config`, or a run's `config.json`) or packaged name, with changes."""
    if Path(name).suffix == ".json":
        return from_dict(json.loads(find_config(name).read_text(encoding="utf-8")), changes)
    try:
        config = load_module(name).get_config()
    except (AttributeError, KeyError, TypeError) as error:
        text = inspect.cleandoc(str(error)).splitlines()[0].strip("'\"")
        raise InputError(f"config file '{name}': {text}") from error
    if not isinstance(config, ConfigDict):
        raise InputError(f"get_config() of '{name}' returned a {type(config).__name__}; it must return a ConfigDict.")
    return override(complete(config), changes or {})


def from_dict(values: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> ConfigDict:
    """A config from what `to_dict` returned, such as a run's `config.json`."""
    flat = dict(flatten(values))
    return override(default_config(), {k: v for k, v in flat.items() if v is not None} | dict(changes or {}))
