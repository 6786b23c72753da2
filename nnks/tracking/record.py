"""What is stored of a run: names of its files and of what they hold, the hash of its config, a view for readers."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nnks.registry import InputError
from nnks.textfiles import label, without_comments
from nnks.tracking.course import Course, course_of
from nnks.tracking.files import digest, open_regular, plain, printable, read_json
from nnks.tracking.lines import stream_metrics
from nnks.tracking.notices import notice
from nnks.tracking.sound import FAILED as FAILED
from nnks.tracking.sound import FINISHED as FINISHED
from nnks.tracking.sound import INTERRUPTED as INTERRUPTED
from nnks.tracking.sound import check_config, check_summary

TWINS = {"pbe": "pbe,pbe", "pbe,pbe": "pbe"}
"""Functionals that are one, and that runs were stored under by either name; of all others one name is stored."""

REFERENCE = "reference"
"""Summary key: reference name -> total energy [Ha]; names are `pyscf/<basis>` and `exact`."""

REFERENCE_TERMS = "reference_terms"
"""Summary key: reference name -> {term -> energy [Ha]}, for the references whose terms are known."""

REFERENCE_SAME = "reference_same"
"""Summary key: the name in `reference` of the calculation in the run's own basis."""

REFERENCE_LARGE = "reference_large"
"""Summary key: the name in `reference` of the calculation in a large basis."""

REFERENCE_DETAILS = "reference_details"
"""Summary key: reference name -> how it was found; one that is not `converged` is no reference, and is named here
only."""

MOLECULES = "molecules"
"""Summary key of a run of several: molecule -> what a summary says of one, of the final energy and its references."""

REFERENCE_LEFT = "reference_left"
"""Summary key: reference name -> `seconds` that it would take, the `budget` of seconds, and the `command` that computes
it."""

EXACT = "exact"
"""The name in `reference` of a complete-basis or analytic energy."""

VIOLATIONS = "violations"
"""Summary key: sentences on results that cannot be right, such as an energy below the variational bound."""

DOUBTS = "doubts"
"""Summary key: sentences on an energy that is lower than its own error and that of the best reference explain."""

REMARKS = "remarks"
"""Summary key: sentences on what a learned basis was not trained for."""

UNHASHED = (
    "tracking",
    "results",
    "experiment",
    "label",
    "training.seed",
    "training.checkpoint_steps",
    "quadrature.memory",
    "training.devices",
    "reference.seconds",
)
"""Config keys that `config_hash` leaves out: where, how and under which name a run is recorded, what it may hold in
memory, on how many devices, how long it may wait for what it is compared with; and the seed, which has its own place in
the run's name, so that runs that differ in the seed alone share a hash."""

SPARSE = ("functional.terms",)
"""Sections that count where they hold something: a run without a term of its own is that of a time when there were
none."""

CONFIG, ENVIRONMENT, METRICS, SUMMARY = "config.json", "environment.json", "metrics.jsonl", "summary.json"
CHECKPOINTS = "checkpoints"
SLICE, SET_ASIDE = "slice.npz", "set-aside"
"""Slices through the orbitals; and what was found damaged when the run went on."""

CODE = "code_of_own"
"""Summary key: hashes of the code of members of a user's own, by what they are called; none for those of nnks."""

CONFIG_CHECKSUM = "config_checksum"
"""Summary key: the hash of all of the config, by which a config that was changed is known."""

LAST_STEP = "last_step"
"""Summary key: the step of the last row of the metrics, by which a file that lost its end is known; None for no row."""

RUN_NAME = re.compile(r"(?P<date>\d{8})-(?P<hash>[0-9a-f]{8})-s(?P<seed>-?\d+)(-(?P<copy>\d+))?")
"""The name of a run's folder: UTC date, hash of the config, seed, and a number from the second of one name on."""


def config_hash(config: Mapping[str, Any]) -> str:
    """The first 8 hex digits of SHA-256 over the config as canonical JSON, without the keys in `UNHASHED`.

    Key order, tuple or list, and 1 or 1.0 make no difference, so a config read back from `config.json` has
    the hash of the config that was written. Names that geometries and basis sets give themselves make none either.

    Raises:
        InputError: for a value that JSON cannot hold.
    """
    return _digest(plain(config))


def config_hashes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The hash of a config, and that under which a run of the same functional by its other name may be stored."""
    own, functional = plain(config), plain(config).get("functional", {})
    xc = CONTENTS["functional.xc"](functional.get("xc"))
    others = [own | {"functional": functional | {"xc": TWINS[xc]}}] if xc in TWINS else []
    return tuple(map(_digest, (own, *others)))


def _digest(config: dict[str, Any]) -> str:
    text = json.dumps(_canonical(config), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _canonical(value: Any, path: str = "") -> Any:
    if isinstance(value, dict):
        inner = {key: f"{path}.{key}".lstrip(".") for key in value}
        counts = [key for key in value if inner[key] not in UNHASHED and (value[key] or inner[key] not in SPARSE)]
        return {key: _canonical(value[key], inner[key]) for key in counts}
    if isinstance(value, list):
        return [_canonical(x, path) for x in value]
    value = content(path, value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def content(path: str, value: Any) -> Any:
    """What counts of a config's value: of the text of a file what it says, and not what it calls itself."""
    return CONTENTS[path](value) if path in CONTENTS else value


def called(path: str, value: Any) -> Any:
    """A config's value as tables show it: of a geometry or a basis its short name."""
    if path == "system.molecule":
        from nnks.geometries.embed import short_name

        return short_name(value)
    return label(value) if path in CONTENTS and isinstance(value, str) else value


def _nuclei(molecule: Any) -> Any:
    """The text of a geometry without the name that it calls itself."""
    from nnks.geometries.embed import identity_text
    from nnks.geometries.files import is_path

    if not isinstance(molecule, str) or is_path(molecule.strip()):
        return molecule  # a path is never opened for a hash
    try:
        return identity_text(molecule)
    except InputError:
        return molecule


def _functions(basis: Any) -> Any:
    """A basis as it counts: a text without comments, one of which is its name; the case of a name is nothing."""
    if not isinstance(basis, str):
        return basis
    return without_comments(basis) if "\n" in basis else basis.lower()


CONTENTS = {
    "system.molecule": _nuclei,
    "system.basis": _functions,
    "functional.auxiliary": _functions,
    "evaluation.auxiliary": _functions,
    "reference.large_basis": _functions,
    "functional.xc": lambda xc: xc.lower().replace(" ", "") if isinstance(xc, str) else xc,
    "system.charge": lambda charge: charge or 0,
}
"""Of keys that may hold the text of a file, what counts of it. No charge is a charge of zero."""


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run as it was stored, in a folder of its own; each file is read when it is first asked for."""

    path: Path

    @property
    def name(self) -> str:
        """The run's folder name, `<utc date>-<hash>-s<seed>`."""
        return self.path.name

    @functools.cached_property
    def experiment(self) -> str:
        """The name of the folder above."""
        return self.path.resolve().parent.name

    def open(self, path: Path) -> io.BufferedIOBase:
        """One of the run's files, by its path, for reading.

        Raises:
            FileNotFoundError: where there is none.
            Damaged: for what is no file.
        """
        return open_regular(path)

    def has(self, name: str) -> bool:
        """Whether there is anything of this name in the run's folder."""
        return os.path.lexists(self.path / name)

    def names(self) -> list[str]:
        """Of the run's files, without those in folders."""
        return sorted(entry.name for entry in os.scandir(self.path) if entry.is_file(follow_symlinks=False))

    def read(self, name: str, check: Callable[[dict[str, Any]], str] | None = None) -> dict[str, Any] | None:
        """One of the run's JSON files; None where it is missing, or damaged, which is said."""
        return read_json(self.path / name, check, self.open)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config; empty where it is missing or damaged."""
        file = self.path / CONFIG
        config = self.read(CONFIG, check_config)
        if config is None:
            if not self.has(CONFIG):
                notice(f"'{printable(str(file))}' is missing: nothing is known of what the run computes.")
            return {}
        written = (self.summary or {}).get(CONFIG_CHECKSUM)
        if written is not None and written != digest(config):
            notice(f"'{printable(str(file))}' is damaged (it is not the one that was run) and is not used.")
            return {}
        return config

    @functools.cached_property
    def config_hash(self) -> str:
        """`config_hash` of the stored config."""
        return _digest(self.config)

    @functools.cached_property
    def environment(self) -> dict[str, Any]:
        """Code, packages and machine; empty where it is missing or damaged."""
        return self.read(ENVIRONMENT) or {}

    @functools.cached_property
    def summary(self) -> dict[str, Any] | None:
        """The summary, or None for a run that has not ended, or whose summary is damaged."""
        return self.read(SUMMARY, check_summary)

    @functools.cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One dictionary a step with `step` and `family/name` keys; a null is read as nan."""
        return list(self.stream())

    def stream(self) -> Iterator[dict[str, Any]]:
        """The same one by one, for files that need not fit the memory."""
        return stream_metrics(self.path / METRICS, self._last_step)

    @functools.cached_property
    def course(self) -> Course:
        """Steps, energies and seconds, thinned where there are very many."""
        return course_of(self.stream())

    @property
    def _last_step(self) -> int | None:
        """Up to which metrics must be there.

        None for a run that has not ended, or of a time when this was not stored.
        """
        return (self.summary or {}).get(LAST_STEP)

    @property
    def status(self) -> str:
        """`finished`, `failed`, or `interrupted`."""
        return INTERRUPTED if self.summary is None else self.summary["status"]

    @property
    def seed(self) -> int:
        """The seed, from the summary, the name or the config."""
        named = RUN_NAME.fullmatch(self.name)
        fallback = named["seed"] if named else self.config.get("training", {}).get("seed")
        stored = (self.summary or {}).get("seed")
        return int(stored if stored is not None else fallback or 0)
