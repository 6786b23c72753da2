"""Config files: where they lie, and what they hold."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from nnks.config.defaults import default_config
from nnks.config.sections import ConfigDict, complete, flatten, override, registries, rules_of, to_dict
from nnks.config.users import file_name, users_code
from nnks.registry import InputError, one_line, shown, suggest

LARGEST = 50_000_000
"""Bytes of a JSON config; the geometry and the basis may be in it."""

NAMED = 3
"""Keys that a sentence names of those which a file leaves out."""


def config_folders() -> list[Path]:
    """Where packaged configs lie: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "configs"
    # what lies beside an installed package is another's
    return [inside] if inside.is_dir() else [folder for folder in (package.parent / "configs",) if folder.is_dir()]


def find_config(name: str) -> Path:
    """The file of a config: a path, or a packaged name such as `gaussian` or `ablations/sampler`.

    Raises:
        InputError: if there is none, with the nearest name.
    """
    path = Path(name)
    if path.suffix in (".py", ".json"):
        if _is_file(path):
            return path
        if os.path.lexists(path):
            raise InputError(f"{file_name(name)} is no regular file; give a config file, or a packaged name.")
        raise InputError(f"config file {file_name(name)} does not exist; {suggest(path.stem, packaged_configs())}.")
    for folder in config_folders():
        if _is_file(file := folder / f"{name}.py"):
            return file
    raise InputError(
        f"config {shown(name)} is neither a file nor a packaged config; {suggest(name, packaged_configs())}."
    )


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that a file system cannot hold is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def packaged_configs() -> dict[str, str]:
    """Packaged configs by name, with the first line of each file's docstring."""
    paths = {}
    for folder in config_folders():
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8").replace("\\\n", "").split('"""')
            paths[str(path.relative_to(folder).with_suffix(""))] = (
                text[1].strip().splitlines()[0] if len(text) > 1 else ""
            )
    return paths


def load_module(name: str) -> ModuleType:
    """The module of a Python config file.

    Raises:
        InputError: if it cannot be imported or has no `get_config`.
    """
    path = find_config(name)
    if path.suffix != ".py":
        raise InputError(
            f"config file {file_name(name)} is not Python, and holds one run; use nnks run "
            f"--config={file_name(name)[1:-1]}."
        )
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
    with users_code(path, "reading it"):
        spec.loader.exec_module(module)
    if not callable(getattr(module, "get_config", None)):
        raise InputError(
            f"config file {file_name(path)} has no function get_config(); see configs/gaussian.py for the form."
        )
    return module


def load_config(name: Any, changes: Any = None) -> ConfigDict:
    """The config of a file (`.py` with `get_config`, or a run's `config.json`) or packaged name, with changes.

    Args:
        name: of the file or config, a text or a path.
        changes: a dictionary by dotted key, such as `{"ansatz.name": "residual"}`; None for none.

    Raises:
        InputError: for a file that cannot be used, a key that does not exist, or a value that its key does not take.
    """
    if not isinstance(name, str | Path):
        raise InputError(f"the name of a config is {shown(name)}; expected a text such as 'gaussian', or a path.")
    path = find_config(str(name))
    if path.suffix == ".json":
        values = read_json_config(path)
        try:
            config = from_dict(values)
        except InputError as error:
            own = _if_own(path, values)
            told = f"{str(error).rstrip('.')}; {own}" if own else str(error)
            raise InputError(f"config file {file_name(name)}: {told}") from error
        _say_left_out(name, values)
        return config if changes is None else override(config, changes)
    module = load_module(str(name))
    with users_code(path, "get_config()"):
        config = module.get_config()
        if isinstance(config, ConfigDict):
            config = complete(config)
    if inspect.iscoroutine(config):
        config.close()  # or Python would warn that nobody waits for it
    if not isinstance(config, ConfigDict):
        raise InputError(
            f"get_config() of {file_name(name)} returned {shown(config)}; it must return a ConfigDict, such as "
            "default_config()."
        )
    return config if changes is None else override(config, changes)


def from_dict(values: Any, changes: Any = None) -> ConfigDict:
    """A config from what `to_dict` returned, such as a run's `config.json`.

    Raises:
        InputError: for a section that is none, a key that does not exist, or a value that its key does not take.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"a config is {shown(values)}; expected a dictionary with sections such as 'system'.")
    config = override(_template(), values)
    return override(config, changes) if changes else config


def _if_own(path: Path, values: Mapping[str, Any]) -> str:
    """What to do if members that a stored config names are a user's own; empty where nnks has them all."""
    from nnks.functional import TERMS
    from nnks.tracking.record import CONFIG, RunRecord

    sections = {kind: values.get(kind) for kind in registries()}
    named = [(section.get("name"), registries()[kind]) for kind, section in sections.items() if _is_section(section)]
    functional = values.get("functional")
    terms = functional.get("terms") if _is_section(functional) else None
    named += [(term, TERMS) for term in terms] if _is_section(terms) else []
    if all(name in registry for name, registry in named if isinstance(name, str)):
        return ""
    command = RunRecord(path.parent).environment.get("command") if path.name == CONFIG else None
    told = f" (the run was started by {file_name(command)})" if isinstance(command, str) else ""
    return (
        "if it is your own, name the Python file that registers it, nnks run --config=FILE.py, or import that file "
        f"before nnks.load_config{told}."
    )


def _is_section(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _say_left_out(name: str | Path, values: Mapping[str, Any]) -> None:
    """A line on standard error for a file that does not hold every key, as that of a finished run does."""
    from nnks.tracking.notices import notice

    if missing := left_out(values):
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        notice(
            f"config file {file_name(name)} leaves out keys, which take their defaults: "
            f"{', '.join(missing[:NAMED])}{more}."
        )


def left_out(values: Mapping[str, Any]) -> list[str]:
    """Keys that a stored config does not have, and that take their defaults: it is of an older version, or was cut."""
    rules = rules_of(config := from_dict(values))
    given = dict(flatten(values, stop=rules))
    lacks = [f"config.{key}={shown(value)}" for key, value in flatten(to_dict(config), stop=rules) if key not in given]
    functional = values.get("functional")
    has_terms = isinstance(functional, Mapping) and "terms" in functional
    return lacks if has_terms else [*lacks, "config.functional.terms={}"]


@functools.cache
def _template() -> ConfigDict:
    """The defaults, made once; what is changed is a copy of them."""
    return default_config()


def read_json_config(path: Path) -> dict[str, Any]:
    """The dictionary in a JSON file.

    Raises:
        InputError: for a file that is too large, is no JSON, or holds something else.
    """
    name = f"config file {file_name(path)}"
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{name} has {path.stat().st_size:,} bytes, and a config has at most {LARGEST:,}.")
        values = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_once)
    except InputError as error:
        raise InputError(f"{name}: {error}" if name not in str(error) else str(error)) from None
    except RecursionError:
        raise InputError(f"{name} is nested too deep for a config; expected sections with keys in them.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read as JSON: {one_line(str(error), 200).rstrip('.')}.") from None
    if not isinstance(values, dict):
        raise InputError(f"{name} holds {shown(values)}; expected a dictionary with sections such as 'system'.")
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, whose keys must differ."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise InputError(f"the key {shown(twice)} is given twice; give it once.")
    return values


def resolved(config: Any) -> ConfigDict:
    """A complete config of its own, which changes of the given one do not reach.

    Raises:
        InputError: for what is no config, and as `complete` does.
    """
    if not isinstance(config, ConfigDict):
        raise InputError(
            f"the config of a run is {shown(config)}; expected a ConfigDict; try nnks.load_config('gaussian', "
            "{'system.molecule': 'H2'})."
        )
    return complete(ConfigDict(config.copy_and_resolve_references()))
