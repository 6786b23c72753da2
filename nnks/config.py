"""Configs: the defaults with a comment for every key, config files, and overrides.

Four sections name a member of a registry (`ansatz`, `orthogonalizer`, `sampler`, `optimizer`) and hold that
member's own fields; naming another member replaces the section by that member's defaults.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ml_collections.config_dict import placeholder

from nnks.registry import InputError, Registry, suggest

if TYPE_CHECKING:

    class ConfigDict(dict[str, Any]):
        """What a type checker may know of it: its attributes are its keys."""

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

else:
    from ml_collections import ConfigDict


LAYER = {"gram": "auto", "decay": 0.9, "constraint": "reparameterize", "penalty": 10.0}
"""What the section `orthogonalizer` holds whatever member it names."""


def default_config() -> ConfigDict:
    """A locked config of every key, for water in 6-31G by linear combinations of Gaussians."""
    c = ConfigDict()
    c.experiment = "default"  # folder below results/ that the run goes to
    c.label = ""  # how tables and figures call the run; empty: made from what it is

    c.system = ConfigDict()
    c.system.molecule = "water"  # a library name, a path to an .xyz file, or "O 0 0 0; H ..."
    c.system.unit = "angstrom"  # of inline and .xyz coordinates: angstrom or bohr
    c.system.charge = 0  # total charge
    c.system.spin = placeholder(int)  # n_up - n_down; None: the library's, else 0 or 1 by parity
    c.system.restricted = placeholder(bool)  # one set of orbitals for both spins; None: if spin is 0
    c.system.basis = "6-31g"  # any all-electron basis that PySCF knows

    c.quadrature = ConfigDict()
    c.quadrature.level = 3  # PySCF's grid level, 0 to 9
    c.quadrature.pruning = "nwchem"  # nwchem, sg1, treutler, or "" for none
    c.quadrature.radial = placeholder(int)  # radial points on every atom instead of the level's
    c.quadrature.angular = placeholder(int)  # angular points on every shell instead of the level's

    # gigabytes that a table of the basis or of potentials on the grid may take, or fitted integrals; beyond, they are evaluated at every
    # use, integrals by the quadrature; None: half of what is free
    c.quadrature.memory = placeholder(float)

    c.functional = ConfigDict()
    c.functional.xc = "lda,vwn"  # as in PySCF
    c.functional.hartree = "auto"  # exact, density_fitting, poisson, pairwise; auto: exact for small Gaussian bases
    c.functional.one_electron = "auto"  # analytic or quadrature; auto: analytic for Gaussian orbitals
    c.functional.fitting = (
        "auto"  # density_fitting in the "basis" or on the "quadrature"; auto: as one_electron, if it fits
    )
    c.functional.auxiliary = "auto"  # fitting set: PySCF's for the basis, "even_tempered", or a name

    c.training = ConfigDict()
    c.training.steps = 300  # at most; runs stop earlier when converged
    c.training.seconds = placeholder(float)  # at most, without the first step, which compiles; None: no limit
    c.training.seed = 0  # of initial parameters and batches
    c.training.devices = placeholder(int)  # that points of the grid are spread over, for Gaussian orbitals; None: all
    c.training.precision = "float64"  # mixed: orbitals at points in float32; or float32; final energies: always float64
    c.training.energy_tolerance = 1e-9  # converged: change of the energy in a step below this [Ha],
    c.training.gradient_tolerance = 1e-6  # and norm of its gradient below this; below float64 at least 1e-7 Ha and 5e-5
    # steps between energies on a finer grid; a run that goes down on its training grid alone ends there, and goes back to the state that is
    # lowest on the finer one; 0: none; None: 1 where orbitals could fit the grid, 0 for Gaussian ones and minibatches
    c.training.held_out_steps = placeholder(int)
    # minibatches: steps after which a control variate is anchored anew, the state's energy and gradient on the whole grid; 0: none
    c.training.control_steps = 0
    c.training.checkpoint_steps = 100  # steps between checkpoints

    c.evaluation = ConfigDict()
    c.evaluation.level = placeholder(int)  # grid of the final energy; None: the training grid's for Gaussian
    #                                        orbitals (as PySCF's), two levels finer for others
    c.evaluation.hartree = "auto"  # as functional.hartree; auto: the same for Gaussian orbitals, else poisson
    c.evaluation.auxiliary = "auto"  # set of a fitted one; auto: functional.auxiliary, "even_tempered" for others

    c.reference = ConfigDict()
    c.reference.pyscf = True  # PySCF in the same basis on the same grid, stable solution
    c.reference.large_basis = "auto"  # PySCF near the basis limit: bases such as "cc-pvqz,pcseg-4", the best last; ""
    #                                   for none; auto: the largest affordable
    c.reference.scf = False  # nnks's own self-consistent field in the same basis

    c.tracking = ConfigDict()
    c.tracking.wandb = "offline"  # online, or disabled
    c.tracking.project = "nnks"  # of Weights & Biases
    c.tracking.console = True  # live progress and the final table
    c.tracking.log_steps = 1  # steps between records
    c.tracking.exact_steps = (
        0  # steps between energies as the final one, recorded as energy/exact; 0: none. They count as training time
    )

    c.orthogonalizer = {
        "name": "cholesky",
        "gram": "auto",  # analytic, full, batch, or ema: a moving average over minibatches; auto: exact where it can be
        "decay": 0.9,  # of the moving average
        "constraint": "reparameterize",  # or, without such a layer: penalty, project (after each step), riemannian
        "penalty": 10.0,  # factor of |G - 1|^2 [Ha]
    }
    c.sampler = {"name": "full"}  # of quadrature points: full, uniform, stratified, importance
    c.ansatz = {"name": "lcgto"}  # nnks list ansatz
    c.optimizer = {"name": "lbfgs"}  # nnks list optimizer
    return complete(c)


def registries() -> dict[str, Registry]:
    """The sections that name a member, with the registry of each."""
    from nnks.ansatz import ANSATZE
    from nnks.orthogonalize import ORTHOGONALIZERS
    from nnks.quadrature import SAMPLERS
    from nnks.training import OPTIMIZERS

    return {
        "ansatz": ANSATZE,
        "orthogonalizer": ORTHOGONALIZERS,
        "sampler": SAMPLERS,
        "optimizer": OPTIMIZERS,
    }


def member(kind: str, name: str, fields: Mapping[str, Any]) -> ConfigDict:
    """A section that names a member: the member's defaults, then `fields` over them."""
    registry = registries()[kind]
    defaults = {key: value for key, value in registry.fields(name).items() if key != "positive"}
    if kind == "orthogonalizer":
        defaults |= LAYER
    section = ConfigDict({"name": name})
    for key, value in defaults.items():
        section[key] = placeholder(int if key == "batch_size" else type(value)) if value is None else value
    for key, value in fields.items():
        if key not in section:
            holders = [n for n in registry if key in registry.fields(n)]
            has = f"{', '.join(holders)} have it" if holders else suggest(key, defaults) if defaults else "it has none"
            raise InputError(f"{kind}.{key} is not a field of {kind} '{name}'; {has}.")
        _assign(section, key, value, f"{kind}.{key}")
    return section


def complete(config: ConfigDict) -> ConfigDict:
    """Fills each named section with its member's defaults, and locks the config.

    Raises:
        InputError: for an unknown member or a field that it does not have.
    """
    with config.unlocked():
        for kind in registries():
            fields = dict(config[kind].items())
            config[kind] = member(kind, fields.pop("name"), fields)
    config.lock()
    return config


def override(config: ConfigDict, changes: Mapping[str, Any]) -> ConfigDict:
    """A copy with changes such as `{"system.molecule": "CO", "ansatz.name": "residual"}`, names of members first.

    Raises:
        InputError: for a key that does not exist, with the nearest that does, or a value of the wrong type.
    """
    config = copy.deepcopy(config)  # not resolved: a key that is None keeps its type
    kinds = registries()
    for path in sorted(changes, key=lambda p: not p.endswith(".name")):
        *parents, key = path.split(".")
        if key == "name" and parents and parents[-1] in kinds:
            with config.unlocked():
                config[parents[-1]] = member(parents[-1], changes[path], {})
            continue
        section = config
        for depth, parent in enumerate([*parents, key]):
            if not isinstance(section, ConfigDict) or parent not in section:
                raise unknown_key(config, path, ".".join(path.split(".")[:depth]), section)
            if depth < len(parents):
                section = section[parent]
        _assign(section, key, changes[path], path)
    config.lock()
    return config


def unknown_key(config: ConfigDict, path: str, parent: str, section: Any) -> InputError:
    """The sentence for a key that does not exist."""
    kind, key = parent or "config", path.split(".")[-1]
    if not isinstance(section, ConfigDict):
        return InputError(f"config.{path} does not exist: {parent} is a value, not a section.")
    if kind in registries():
        holders = [n for n, fields in ((n, registries()[kind].fields(n)) for n in registries()[kind]) if key in fields]
        if holders:
            return InputError(
                f"config.{path} does not exist for {kind} '{section['name']}'; {', '.join(holders[:6])} have it: set "
                f"config.{kind}.name as well."
            )
    return InputError(f"config.{path} does not exist; {suggest(key, section.keys())}.")


def _assign(section: ConfigDict, key: str, value: Any, path: str) -> None:
    old = section[key]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    try:
        with section.unlocked():
            section[key] = value
    except TypeError:
        kind = section.get_type(key).__name__
        raise InputError(
            f"config.{path} is {value!r}, a {type(value).__name__}; it must be a {kind} such as {old!r}."
        ) from None


def config_folders() -> list[Path]:
    """Where packaged configs lie: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
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


def to_dict(config: ConfigDict) -> dict[str, Any]:
    """The resolved config as plain values, ready for JSON."""
    return config.copy_and_resolve_references().to_dict()


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Nested values as pairs of dotted key and value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
