"""The runs of a sweep: which are missing, as which tasks they run, how they ended."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from nnks import interruption, setup
from nnks.config import ConfigDict, flatten, to_dict
from nnks.launch import Launcher, Resources, Task, make_launcher
from nnks.registry import InputError, shown
from nnks.runs.estimate import Stored
from nnks.runs.experiment import outline_of
from nnks.runs.members import batches, begun_in
from nnks.runs.plan import finished_run
from nnks.runs.programs import release_programs
from nnks.sweep.declared import NAMED, Sweep, describe, flat
from nnks.tracking import check_writable, config_hash
from nnks.tracking.files import storing, write_json
from nnks.tracking.notices import notice


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a sweep ended: how many runs well, how many were finished before, which failed or were left, and why."""

    finished: int
    skipped: int
    failed: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...] = ()


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
    for index, outcomes in launcher.run(tasks):
        for end in outcomes:
            finished += not (end.reason or end.left)
            failed += [(end.label, end.reason)] if end.reason else []
            left += [(end.label, end.left)] if end.left else []
            ended += 1
            which = f"run {index + 1}/{len(tasks)}" + ("" if len(outcomes) == 1 else f", {end.label},")
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


def check_runs(sweep: Sweep, results: str | Path) -> list[ConfigDict]:
    """The runs that are missing, each checked as it would be before it starts, without computing anything of it.

    Raises:
        InputError: for the first that cannot be run, with its number and what it differs in from the others.
    """
    missing, checked, last = [], set(), None
    first: dict[tuple[str, int], int] = {}
    for number, config in enumerate(sweep.configs, 1):
        same = first.setdefault((config_hash(to_dict(config)), config.training.seed), number)
        if same != number:
            notice(f"runs {same} and {number} of {len(sweep.configs)} are the same run, which is computed once.")
            continue
        if is_finished(config, results):
            continue
        missing.append(config)
        try:
            setup.check_training(config)
            if (text := _checked_alike(config)) not in checked:
                last = outline_of(config, like=last)
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
