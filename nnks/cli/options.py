"""Options of `nnks run` and `nnks sweep`, and what both do before they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nnks.config import load_config, override
from nnks.registry import InputError


def parse_options(arguments: Sequence[str], own: Mapping[str, type] | None = None) -> dict[str, Any]:
    """`--config`, `--results`, `--dry-run`, the changes as typed by ml_collections, and under `own` a command's own options.

    Args:
        arguments: of the command line.
        own: options that a command has beside these, and their types.

    Raises:
        InputError: for an option that does not exist, a stray argument, or a value of the wrong type.
    """
    config, results, dry, changes = "", "results", False, {}
    own, found = own or {}, {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == "--dry-run" and not equals:
            dry = True
        elif not equals and own.get(name.removeprefix("--")) is bool:
            found[name.removeprefix("--")] = True
        elif not name.startswith("--"):
            raise InputError(
                f"'{argument}' is not an option; write --{argument} if it is a config key, see nnks --help."
            )
        elif not equals:
            raise InputError(f"{name} has no value; write {name}=VALUE.")
        elif name == "--config":
            config = value
        elif name == "--results":
            results = value
        elif name.removeprefix("--") in own:
            key = name.removeprefix("--")
            found[key] = number(name, value, own[key])
        elif name.startswith("--config."):
            changes[name.removeprefix("--config.")] = value
        else:
            others = "".join(f" --{key}," for key in own)
            raise InputError(
                f"{name} is no option; options are --config, --config.KEY, --results, --dry-run,{others} --help."
            )
    if not config:
        raise InputError("no config was given; add --config=gaussian, or another of `nnks list config`.")
    return {"config": config, "results": results, "dry_run": dry, "changes": typed(config, changes), "own": found}


def number(name: str, value: str, kind: type) -> Any:
    """The value of an option in its type.

    Raises:
        InputError: for something else.
    """
    try:
        return kind(value)
    except ValueError:
        what = "a whole number such as 2" if kind is int else "a number such as 2.5"
        raise InputError(f"{name} is '{value}'; it must be {what}.") from None


def typed(name: str, changes: dict[str, str]) -> dict[str, Any]:
    """Command-line values as the types that their keys have, parsed by ml_collections' flags."""
    from absl import flags
    from ml_collections import config_flags

    members = {key: value for key, value in changes.items() if key.endswith(".name")}
    config: Any = override(load_config(name), members)
    values: dict[str, Any] = dict(members)
    for key, text in changes.items():
        if key in members:
            continue
        section: Any = config
        for part in key.split("."):
            if not hasattr(section, "keys") or part not in section:
                override(config, {key: text})  # raises the sentence for a key that does not exist
            section = section[part]
        holder = flags.FlagValues()
        words = ["nnks", f"--config.{key}={text}"]
        config_flags.DEFINE_config_dict("config", config, flag_values=holder, sys_argv=words)
        try:
            holder(words)
        except (flags.Error, ValueError, TypeError):
            kind = _type_name(config, key)
            raise InputError(f"config.{key} is '{text}'; it must be {kind} such as {section!r}.") from None
        found: Any = holder["config"].value
        for part in key.split("."):
            found = found[part]
        values[key] = found
    return values


def _type_name(config: Any, key: str) -> str:
    *parents, last = key.split(".")
    for part in parents:
        config = config[part]
    return {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(
        config.get_type(last).__name__, "a text"
    )


def use_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache folder, so that a second process starts faster."""
    import jax
    from platformdirs import user_cache_dir

    jax.config.update("jax_compilation_cache_dir", user_cache_dir("nnks"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
