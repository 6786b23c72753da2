"""A sweep: every run of a config file, skipping what is finished and continuing what was interrupted.

Some runs are computed at a time if asked for.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks import build, interruption
from nnks.ablation import Ablation
from nnks.analysis.claims import wrong_bounds
from nnks.ansatz import ANSATZE
from nnks.config import ConfigDict, find_config, flatten, load_config, load_module, override, to_dict
from nnks.config.users import file_name, users_code
from nnks.estimate import Stored
from nnks.grouping import batches, begun_in
from nnks.launch import Launcher, Resources, Task, make_launcher
from nnks.plan import finished_run, sketch
from nnks.registry import InputError, shown, suggest
from nnks.tracking import check_writable, config_hash
from nnks.tracking.files import storing, write_json

NAMED = 4
"""Keys by which a refusal names a run of a sweep, the first that its runs differ in."""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """The runs of a config file.

    Attributes:
        name: the experiment, and the folder below the results.
        title: first line of the file's docstring.
        claim: what the runs are to show (the file's `CLAIM`), or nothing.
        configs: one resolved config a run.
        points: the label on each of the ablation's axes of each run; empty without an ablation.
        ablation: what the file declares as `ABLATION`, as plain values; None without one.
        axes: the dotted keys that `sweep()` sets and in which the runs differ, in its order.
        source: the config file; processes beside this one read it for what it registers.
        expect: by ansatz, how near to which reference its runs end by the claim: the file's `EXPECT`, such as
            `{"lcgto": ("same", 1e-3)}` [mHa].
    """

    name: str
    title: str
    claim: str
    configs: tuple[ConfigDict, ...]
    points: tuple[dict[str, str], ...]
    ablation: dict[str, Any] | None
    axes: tuple[str, ...]
    source: str = ""
    expect: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a sweep ended: how many runs well, how many were finished before, which failed or were left, and why."""

    finished: int
    skipped: int
    failed: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...] = ()


def load_sweep(name: str, changes: dict[str, Any] | None = None) -> Sweep:
    """The runs of a file: `get_config()` changed by each run of its `ABLATION`, or by each dictionary of its `sweep()`.

    A file without either is a sweep of one run. `changes` (from the command line) apply to every run.

    Raises:
        InputError: for a file or a key that does not exist; every run is checked before the first starts.
    """
    module = load_module(name)
    base = load_config(name, changes)
    ablation = _ablation(module, name)
    points, runs = _runs(module, ablation, name)
    if not runs:
        raise InputError(f"sweep() of {file_name(name)} returned no runs; return a list of dictionaries of changes.")
    experiment = base.experiment if base.experiment != "default" else find_config(name).stem
    common = {"experiment": experiment} | dict(changes or {})
    lines = str(module.__doc__ or "").strip().splitlines()
    configs = tuple(_configs(base, runs, common))
    values = [flat(config) for config in configs]
    keys = dict.fromkeys(key for run in runs for key in run if key not in ("label", "experiment"))
    return Sweep(
        name=experiment,
        title=lines[0] if lines else experiment,
        expect=_expected(module, name),
        claim=ablation.claim if ablation is not None else _claim(module, name),
        configs=configs,
        points=points,
        ablation=None if ablation is None else ablation.stored(),
        axes=tuple(key for key in keys if len({str(each.get(key)) for each in values}) > 1),
        source=str(find_config(name).resolve()),
    )


def _configs(base: ConfigDict, runs: Sequence[dict[Any, Any]], common: dict[str, Any]) -> Iterator[ConfigDict]:
    """The config of each run.

    Raises:
        InputError: for changes that cannot be made, with the number of the run and what it differs in from the others.
    """
    for number, run in enumerate(runs, 1):
        try:
            yield build.self_contained(override(base, run | common))
        except InputError as error:
            differs = [key for key in run if len({shown(other.get(key)) for other in runs}) > 1 and key != "label"]
            told = ", ".join(f"{shown(key)[1:-1]}={shown(run[key])}" for key in differs[:NAMED])
            raise InputError(f"run {number} of {len(runs)}{f' ({told})' if told else ''}: {error}") from error


def _ablation(module: Any, name: str) -> Ablation | None:
    """What the file declares as `ABLATION`.

    Raises:
        InputError: for something else than an `Ablation`.
    """
    ablation = getattr(module, "ABLATION", None)
    if ablation is not None and not isinstance(ablation, Ablation):
        raise InputError(
            f"ABLATION of {file_name(name)} is {shown(ablation)}; it must be made by nnks.ablation.Ablation(claim=..., "
            "axes=...)."
        )
    return ablation


def _claim(module: Any, name: str) -> str:
    """What the file declares as `CLAIM`.

    Raises:
        InputError: for something else than a text.
    """
    claim = getattr(module, "CLAIM", "")
    if not isinstance(claim, str):
        raise InputError(
            f"CLAIM of {file_name(name)} is {shown(claim)}; it must be a text, such as 'Adam needs fewer steps.'."
        )
    return claim


def _expected(module: Any, name: str) -> dict[str, Any]:
    """What the file declares as `EXPECT`.

    Raises:
        InputError: for something else than references and distances by ansatz, and for an ansatz that does not exist.
    """
    expected = getattr(module, "EXPECT", {})
    if wrong := wrong_bounds(expected):
        raise InputError(
            f"EXPECT of {file_name(name)} is {shown(expected)} ({wrong}); write it as {{'lcgto': ('same', 1e-3)}}."
        )
    for ansatz in expected:
        if ansatz not in ANSATZE:
            raise InputError(
                f"EXPECT of {file_name(name)} names {shown(ansatz)}, which is no ansatz; {suggest(ansatz, ANSATZE)}."
            )
    return expected


def _runs(module: Any, ablation: Ablation | None, name: str) -> tuple[tuple[dict[str, str], ...], list[dict[Any, Any]]]:
    """The label on each axis, and the changes, of every run.

    Raises:
        InputError: for a file whose code fails, or whose `sweep()` returns something else than a list of dictionaries.
    """
    path = find_config(name)
    if ablation is not None:
        with users_code(path, "ABLATION"):
            points, runs = zip(*ablation.runs(), strict=True)
        return points, list(runs)
    if not hasattr(module, "sweep"):
        return ({},), [{}]
    with users_code(path, "sweep()"):
        runs = module.sweep()
    if not isinstance(runs, list | tuple):
        raise InputError(
            f"sweep() of {file_name(name)} returned {shown(runs)}; it must return a list of dictionaries of changes."
        )
    for number, run in enumerate(runs, 1):
        if not isinstance(run, Mapping):
            raise InputError(
                f"sweep() of {file_name(name)} returned {shown(run)} as run {number}; each must be a dictionary of "
                "changes such as {'ansatz.width': 8}."
            )
    return ({},) * len(runs), [dict(run) for run in runs]


def describe(sweep: Sweep, command: str) -> dict[str, Any]:
    """What a report needs to know of a sweep that is not in its runs."""
    about: dict[str, Any] = {"title": sweep.title, "claim": sweep.claim, "command": command}
    if sweep.ablation is None:
        return about | ({"expect": sweep.expect} if sweep.expect else {})
    runs = [
        {"hash": config_hash(to_dict(config)), "seed": config.training.seed, "point": point}
        for config, point in zip(sweep.configs, sweep.points, strict=True)
    ]
    return about | {"ablation": sweep.ablation | {"runs": runs}}


def run_sweep(
    sweep: Sweep,
    results: str | Path,
    *,
    command: str = "",
    notify: Callable[[str], None] = print,
    launcher: Launcher | None = None,
    batch: bool = True,
    resources: Resources | None = None,
) -> Outcome:
    """Runs what is missing. A run that fails is recorded with its reason, and the rest goes on.

    Args:
        sweep: the runs.
        results: the folder that they are stored in.
        command: how it was started, for the record.
        notify: told of what ends.
        launcher: where runs run; None for this process.
        batch: whether runs that can be are trained together.
        resources: of each task; of them, the limit of time is kept here.

    Raises:
        InputError: for an unwritable folder, or a config that cannot be run; found before the first run.
    """
    check_writable(results)
    missing = check_runs(sweep, results)
    launcher = launcher or make_launcher()
    path = check_writable(results, sweep.name) / "experiment.json"
    with storing(path):
        write_json(path, describe(sweep, command), sealed=True)
    skipped = len(sweep.configs) - len(missing)
    if skipped:
        notify(f"{skipped} of {len(sweep.configs)} runs are finished and are kept.")
    batch = batch and (sweep.ablation or {}).get("metric") != "seconds"  # members of a batch share theirs
    tasks = make_tasks(sweep, missing, results, launcher.workers if batch else None, resources)
    todo = len(missing)
    failed, left, finished, ended = [], [], 0, 0
    for place, outcomes in launcher.run(tasks):
        for end in outcomes:
            finished += not (end.reason or end.left)
            failed += [(end.label, end.reason)] if end.reason else []
            left += [(end.label, end.left)] if end.left else []
            ended += 1
            which = f"run {place + 1}/{len(tasks)}" + ("" if len(outcomes) == 1 else f", {end.label},")
            if end.reason:
                notify(f"{which} failed: {end.reason}")
            elif end.left:
                notify(f"{which} is left: {end.left}")
            elif launcher.quiet:
                energy = "" if end.energy is None else f", {end.energy:.7f} Ha"
                energy += f"; {todo - ended} to go" if ended < todo else ""
                notify(f"{which} done: {end.label}{energy}" if len(outcomes) == 1 else f"{which} done{energy}")
        release_programs()
        interruption.check()
    return Outcome(finished, skipped, tuple(failed), tuple(left))


def make_tasks(
    sweep: Sweep, configs: Sequence[ConfigDict], results: str | Path, parts: int | None, resources: Resources | None
) -> list[Task]:
    """What a launcher is given: runs and batches of runs, each batch in as many parts as there are workers.

    None for no batches.
    """
    import jax

    cache = ("min_compile_time_secs", "min_entry_size_bytes")
    names = ("jax_compilation_cache_dir", *(f"jax_persistent_cache_{name}" for name in cache))
    settings = {name: getattr(jax.config, name) for name in names}
    groups = [[n] for n in range(len(configs))]
    if parts is not None:
        groups = batches(configs, parts, begun_in(configs, results))
    stored = Stored(Path(results) / sweep.name)
    seconds = [stored.seconds_of_same(config) for config in configs]
    return [
        Task(
            source=sweep.source,
            configs=tuple(to_dict(configs[n]) for n in group),
            results=str(Path(results).resolve()),
            position=(number, len(groups), _sum([seconds[n] for later in groups[number:] for n in later])),
            minutes=None if resources is None else resources.minutes,
            settings=settings,
        )
        for number, group in enumerate(groups, 1)
    ]


def _sum(seconds: Sequence[float | None]) -> float | None:
    """The sum; None for nothing, or where one is not known."""
    known = [each for each in seconds if each is not None]
    return sum(known) if known and len(known) == len(seconds) else None


def release_programs(limit: int | None = None) -> bool:
    """Drops compiled programs before they use up the memory maps that Linux gives to a process; says whether it did.

    A run leaves 2,000 to 3,000 maps, and at the usual limit of 65,530 the compiler aborts the process. Runs of equal
    shapes share programs, so they are kept as long as there is room.

    Args:
        limit: number of maps beyond which programs go; None for half of the system's limit.
    """
    maps, allowed = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
    if not (maps.is_file() and allowed.is_file()):
        return False
    limit = int(allowed.read_text()) // 2 if limit is None else limit
    if maps.read_bytes().count(b"\n") <= limit:
        return False
    import jax

    jax.clear_caches()
    return True


def check_runs(sweep: Sweep, results: str | Path) -> list[ConfigDict]:
    """The runs that are missing, each checked as it would be before it starts, without computing anything of it.

    Raises:
        InputError: for the first that cannot be run, with its number and what it differs in from the others.
    """
    missing, checked, last = [], set(), None
    for number, config in enumerate(sweep.configs, 1):
        if is_finished(config, results):
            continue
        missing.append(config)
        try:
            build.check_training(config)
            if (text := _checked_alike(config)) not in checked:
                last = sketch(config, like=last)
                checked.add(text)
        except InputError as error:
            raise InputError(f"run {number} of {len(sweep.configs)}{_which(sweep, config)}: {error}") from error
    return missing


def _checked_alike(config: ConfigDict) -> str:
    """What decides whether a run can be run, as text: all but its seed and its label."""
    free = ("training.seed", "label")
    return json.dumps({key: value for key, value in flatten(to_dict(config)) if key not in free}, default=str)


def _which(sweep: Sweep, config: ConfigDict) -> str:
    """What tells a run from the others, in parentheses."""
    values = flat(config)
    told = [f"{key}={shown(values.get(key))}" for key in sweep.axes[:NAMED]]
    return f" ({', '.join(told)})" if told else ""


def is_finished(config: ConfigDict, results: str | Path) -> bool:
    """Whether a finished run of this config and seed is stored."""
    return finished_run(config, results) is not None


def flat(config: ConfigDict) -> dict[str, Any]:
    """The config's values by dotted key."""
    return dict(flatten(to_dict(config)))
