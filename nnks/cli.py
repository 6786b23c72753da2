"""The command line: `nnks run | sweep | report | list`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

USAGE = """nnks: experiments on Kohn-Sham orbitals

  nnks run    --config=gaussian --config.system.molecule=water     one run: train, evaluate, compare with PySCF
  nnks sweep  --config=configs/quickstart.py                       every run of a file; finished ones are kept
  nnks report results/quickstart                                   tables, figures and one HTML page of a sweep
  nnks list   ansatz                                               what a config may name: ansatz, orthogonalizer,
                                                                   sampler, xc, hartree, optimizer, molecule, config

Options
  --config=FILE         a config file, a packaged name (nnks list config), or the config.json of a stored run
  --config.KEY=VALUE    changes a key, such as --config.ansatz.name=residual --config.ansatz.width=32
  --results=DIR         where runs are stored (default: results)
  --dry-run             print the resolved config and the plan, and stop
  --help                this text

Start with `nnks run --config=gaussian --config.system.molecule=N2`, then change one key at a time.
Exit status: 0 done, 1 a run failed, 2 the input cannot be used (one sentence says why)."""

COMMANDS = ("run", "sweep", "report", "list")
SHOWN = 5
"""Columns of a sweep's table: the keys that its runs differ in, the first ones."""

KINDS = ("ansatz", "orthogonalizer", "sampler", "xc", "hartree", "optimizer", "molecule", "config")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or "--help" in arguments or arguments[0] in ("-h", "help"):
        print(USAGE)
        return 0 if arguments else 2
    from nnks.registry import InputError

    try:
        return _dispatch(arguments)
    except InputError as error:
        print(f"nnks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nnks: interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130


def _dispatch(arguments: list[str]) -> int:
    from nnks.registry import InputError, suggest

    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        raise InputError(f"'{command}' is no command; {suggest(command, COMMANDS)}.")
    if command == "list":
        return _list(rest)
    if command == "report":
        return _report(rest)
    options = parse_options(rest)
    _use_compilation_cache()
    return _run(options) if command == "run" else _sweep(options, "nnks " + " ".join(arguments))


def parse_options(arguments: Sequence[str]) -> dict[str, Any]:
    """`--config`, `--results`, `--dry-run`, and the changes as typed by ml_collections.

    Raises:
        InputError: for an option that does not exist, a stray argument, or a value of the wrong type.
    """
    from nnks.registry import InputError

    config, results, dry, changes = "", "results", False, {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == "--dry-run" and not equals:
            dry = True
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
        elif name.startswith("--config."):
            changes[name.removeprefix("--config.")] = value
        else:
            raise InputError(f"{name} is no option; options are --config, --config.KEY, --results, --dry-run, --help.")
    if not config:
        raise InputError("no config was given; add --config=gaussian, or another of `nnks list config`.")
    return {"config": config, "results": results, "dry_run": dry, "changes": typed(config, changes)}


def typed(name: str, changes: dict[str, str]) -> dict[str, Any]:
    """Command-line values as the types that their keys have, parsed by ml_collections' flags."""
    from absl import flags
    from ml_collections import config_flags

    from nnks.config import load_config, override
    from nnks.registry import InputError

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


def _run(options: dict[str, Any]) -> int:
    from nnks.config import load_config
    from nnks.training.state import TrainingDiverged

    config = load_config(options["config"], options["changes"])
    if options["dry_run"]:
        return _show_plan(config)
    from nnks.experiment import run

    try:
        summary = run(config, options["results"])
    except TrainingDiverged as error:
        print(f"nnks: {error}", file=sys.stderr)
        return 1
    print(f"stored in {summary.path}")
    return 1 if summary.values["violations"] else 0


def _show_plan(config: Any) -> int:
    import json

    from rich.console import Console

    from nnks.config import to_dict
    from nnks.experiment import plan

    ready = plan(config)
    Console().print_json(json.dumps(to_dict(ready.config)))
    for name, value in ready.describe().items():
        print(f"{name + ':':18s} {value}")
    return 0


def _sweep(options: dict[str, Any], command: str) -> int:
    from rich.console import Console
    from rich.table import Table

    from nnks.sweep import flat, is_finished, load_sweep, run_sweep

    sweep = load_sweep(options["config"], options["changes"])
    keys = list(dict.fromkeys(("system.molecule", *sweep.axes)))[:SHOWN]
    columns = [key.removesuffix(".name").rpartition(".")[2] for key in keys]
    table = Table("run", *columns, "state", title=f"{sweep.name}: {sweep.title}")
    for n, config in enumerate(sweep.configs, 1):
        state = "finished" if is_finished(config, options["results"]) else "to do"
        table.add_row(str(n), *(str(flat(config).get(key, "")) for key in keys), state)
    Console().print(table)
    if options["dry_run"]:
        return 0
    outcome = run_sweep(sweep, options["results"], command=command)
    print(f"{outcome.finished} runs done, {outcome.skipped} kept, {len(outcome.failed)} failed.")
    return 1 if outcome.failed else 0


def _report(arguments: list[str]) -> int:
    from pathlib import Path

    from nnks.analysis import write_report
    from nnks.registry import InputError

    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise InputError("nnks report takes one folder, such as results/quickstart.")
    paths = write_report(Path(arguments[0]))
    print(paths.markdown.read_text(encoding="utf-8"))
    print(f"report: {paths.html}")
    return 0


def _list(arguments: list[str]) -> int:
    from rich.console import Console
    from rich.table import Table

    from nnks.registry import InputError, suggest

    if len(arguments) != 1 or arguments[0] not in KINDS:
        given = " ".join(arguments)
        raise InputError(f"nnks list takes one kind and got '{given}'; {suggest(given, KINDS)}.")
    table = Table("name", "what it is")
    for name, summary in members(arguments[0]).items():
        table.add_row(name, summary)
    Console().print(table)
    return 0


def members(kind: str) -> dict[str, str]:
    """What a config may name, with a line on each."""
    if kind == "config":
        from nnks.config import packaged_configs

        return packaged_configs()
    if kind == "molecule":
        from nnks.geometries import LIBRARY

        return {
            name: f"{entry.formula}, spin {entry.spin}"
            + (f" (also: {', '.join(entry.aliases)})" if entry.aliases else "")
            for name, entry in LIBRARY.items()
        }
    if kind == "hartree":
        from nnks.functional.hartree import HARTREE

        return HARTREE
    if kind == "xc":
        from nnks.interop.libxc import available

        return dict(available())
    from nnks.config import registries

    registry = registries()[kind]
    return {name: entry.summary + _fields(registry.fields(name)) for name, entry in sorted(registry.items())}


def _fields(fields: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={value}" for key, value in fields.items() if key != "positive")
    return f" [{shown}]".replace("[", "(").replace("]", ")") if shown else ""


def _use_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache folder, so that a second process starts faster."""
    import jax
    from platformdirs import user_cache_dir

    jax.config.update("jax_compilation_cache_dir", user_cache_dir("nnks"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


if __name__ == "__main__":
    sys.exit(main())
