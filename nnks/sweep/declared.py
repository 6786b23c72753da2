"""A sweep: every run of a config file, skipping what is finished and continuing what was interrupted.

Some runs are computed at a time if asked for.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nnks import setup
from nnks.ablation import Ablation
from nnks.analysis.claims import wrong_bounds
from nnks.ansatz import ANSATZE
from nnks.config import ConfigDict, find_config, flatten, load_config, load_module, override, to_dict
from nnks.config.users import file_name, users_code
from nnks.registry import InputError, shown, suggest
from nnks.tracking import config_hash
from nnks.tracking.notices import notice

NAMED = 4
"""Keys by which a refusal names a run of a sweep, the first that its runs differ in."""

MANY = 1000
"""Runs beyond which a sweep must be meant: to check them alone takes minutes, and a mistyped range makes any number."""


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


def load_sweep(name: str, changes: dict[str, Any] | None = None, *, many: bool = False) -> Sweep:
    """The runs of a file: `get_config()` changed by each run of its `ABLATION`, or by each dictionary of its `sweep()`.

    A file without either is a sweep of one run.

    Args:
        name: of the file or config.
        changes: to every run, as from the command line.
        many: whether more than 1,000 runs are meant.

    Raises:
        InputError: for a file or a key that does not exist, and for more runs than are meant; every run is checked
            before the first starts.
    """
    module = load_module(name)
    base = load_config(name, changes)
    ablation = _ablation(module, name)
    if ablation is not None:
        _check_count(ablation.count, name, many=many)
    points, runs = _runs(module, ablation, name)
    _check_count(len(runs), name, many=many)
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


def _check_count(runs: int, name: str, *, many: bool) -> None:
    """Refuses more runs than anybody meant; so many that are meant are said, as their check takes long.

    Raises:
        InputError: with their number.
    """
    if runs > MANY and not many:
        raise InputError(
            f"config file {file_name(name)} makes {runs:,} runs; if more than {MANY:,} are meant, add --yes, with "
            "--dry-run to see them first."
        )
    if runs > MANY:
        notice(f"{runs:,} runs are checked before the first starts.")


def _configs(base: ConfigDict, runs: Sequence[dict[Any, Any]], common: dict[str, Any]) -> Iterator[ConfigDict]:
    """The config of each run.

    Raises:
        InputError: for changes that cannot be made, with the number of the run and what it differs in from the others.
    """
    for number, run in enumerate(runs, 1):
        try:
            yield setup.self_contained(override(base, run | common))
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
    if inspect.iscoroutine(runs):
        runs.close()  # or Python would warn that nobody waits for it
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


def flat(config: ConfigDict) -> dict[str, Any]:
    """The config's values by dotted key."""
    return dict(flatten(to_dict(config)))
