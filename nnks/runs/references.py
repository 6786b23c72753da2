"""The energies that a run is compared with: PySCF in its basis and near the basis limit, and nnks's own SCF."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

import nnks
from nnks import setup
from nnks.config import ConfigDict, default_config, flatten
from nnks.functional.terms import has_reference, make_specs
from nnks.geometries import lookup
from nnks.interop.cached import cached
from nnks.interop.large_basis import large_bases, large_spec, shortfall
from nnks.interop.reference import Follow, ReferenceSpec, Terms, identity, known_reference, reference, untold
from nnks.interop.reference_cost import estimated_seconds
from nnks.registry import InputError
from nnks.tracking.cache import reference_folders
from nnks.tracking.notices import notice
from nnks.tracking.record import CONFIG, EXACT, REFERENCE_LEFT

EXACT_ATOMS = {
    ("He", 0): -2.834836,
    ("Be", 0): -14.447209,
    ("Ne", 0): -128.233481,
    ("Ar", 0): -525.946195,
    ("H", 1): -0.478671,
    ("Li", 1): -7.343957,
    ("N", 3): -54.136799,
}
"""Complete-basis energies [Ha] of neutral atoms by symbol and spin, for `lda,vwn`: central-field LDA (closed shells)
and LSD (half-filled ones) of the NIST Atomic Reference Data; Kotochigova et al., Phys. Rev. A 55, 191 (1997)."""

EXACT_ERROR = 1e-6
"""Of these energies [Ha]: as many digits are tabulated."""

DETAILS = ("converged", "stable", "restarts", "cycles", "level_shift", "converged_plain", "made")
"""What a summary says of how a reference was found."""

LEVEL_SHIFT = 0.2
"""Of the self-consistent field's second attempt [Ha]; singlet O2 converges with it in 10 cycles, and without never."""


def exact_energy(system: setup.System) -> float | None:
    """The energy without basis or grid [Ha], where it is known."""
    molecule, xc = system.molecule, system.config.functional.xc
    if (
        system.config.functional.terms
        or molecule.natoms != 1
        or molecule.charge
        or xc != "lda,vwn"
        or system.restricted != (molecule.spin == 0)
    ):
        return None
    return EXACT_ATOMS.get((molecule.symbols[0], molecule.spin))


@dataclasses.dataclass
class Collected:
    """References while they are looked for.

    Attributes:
        results: name to what a calculation gave.
        roles: `reference_same` and `reference_large`, to a name.
        errors: name to how far what it stands for may lie below it [Ha].
        left: name to what is known of a calculation that would take too long.
    """

    results: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    roles: dict[str, str] = dataclasses.field(default_factory=dict)
    errors: dict[str, float | None] = dataclasses.field(default_factory=dict)
    left: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def stored(self, exact: float | None) -> dict[str, Any]:
        """The keys of a summary."""
        details = {name: {k: values[k] for k in DETAILS if k in values} for name, values in self.results.items()}
        for name, error in self.errors.items():
            details[name]["error"] = error
        terms = {name: values["energies"] for name, values in self.results.items() if values["converged"]}
        for name in self.results.keys() - terms.keys():
            details[name]["energy"] = self.results[name]["energies"]["total"]
        totals = {name: energies["total"] for name, energies in terms.items()}
        if exact is not None:
            totals[EXACT], details[EXACT] = exact, {"error": EXACT_ERROR}
        left = {REFERENCE_LEFT: self.left} if self.left else {}
        return {"reference": totals, "reference_terms": terms, "reference_details": details} | self.roles | left


def find_references(
    system: setup.System, hartree: str, results: Path, follow: Follow = untold, home: Path | None = None
) -> dict[str, Any]:
    """The references that the config asks for: shipped, cached, or computed as far as `reference.seconds` goes.

    Args:
        system: the run's.
        hartree: the Hartree method of the run's final evaluation; Gaussian orbitals are compared with the same one.
        results: the folder that runs are stored in; caches of older versions in it are read.
        follow: is told what is computed.
        home: the run's folder, by whose config a calculation that is left out can be asked for.

    Returns:
        `reference`: name to total [Ha], with `exact` for atoms whose limit is tabulated; `reference_terms`: name to all
            terms [Ha];
        `reference_details`: name to how it was found (`converged`, `stable`, `restarts`, ..., `error`: how far what it
            stands for may lie below
        it [Ha]); `reference_same` and `reference_large`: which of the names is the one in the same basis, and the one
        near the basis limit;
        `reference_left`: what was not computed, if anything was not. A calculation that did not converge is no
            reference:
        `reference_details` alone has it, with the `energy` [Ha] where it ended.
    """
    config, collected, folders = system.config, Collected(), reference_folders(results)
    if unknown := without_reference(config):
        notice(
            f"there is no reference of PySCF, which has no term {', '.join(unknown)}; `in_pyscf` of a term says what "
            "it is there."
        )
    if config.reference.pyscf and not unknown:
        spec = same_basis(system, fitted=system.gaussian and hartree == "density_fitting")
        collected.results[spec.name] = reference(system.molecule, spec, folders, _told(follow, spec))
        collected.roles["reference_same"] = spec.name
    for spec in [] if unknown else limit_specs(system):
        if not (system.gaussian and spec.name in collected.results):  # that one is on the run's own grid
            if seconds := beyond_budget(system, spec, folders):
                command = command_of(config, home)
                collected.left[spec.name] = {"seconds": seconds, "budget": config.reference.seconds, "command": command}
                continue
            collected.results[spec.name] = reference(system.molecule, spec, folders, _told(follow, spec))
        collected.errors[spec.name] = shortfall(system.molecule, spec)
        if collected.results[spec.name]["converged"] or "reference_large" not in collected.roles:
            collected.roles["reference_large"] = spec.name
    if config.reference.scf:
        follow("self-consistent field of nnks")
        collected.results["scf"] = _scf(system, folders)
    return collected.stored(exact_energy(system))


def limit_specs(system: setup.System) -> list[ReferenceSpec]:
    """The calculations near the basis limit that a config asks for, the best last."""
    large, xc = large_bases(system.molecule, system.config.reference.large_basis), system.config.functional.xc
    terms = extras(system.config)
    return [large_spec(system.molecule, basis, xc, system.restricted, terms) for basis in large]


def extras(config: ConfigDict) -> Terms:
    """The terms that a config adds to the energy, as references know them."""
    return tuple((name, tuple(fields.items())) for name, fields in sorted(config.functional.terms.to_dict().items()))


def without_reference(config: ConfigDict) -> list[str]:
    """Terms that PySCF cannot be told of."""
    specs = make_specs(config.functional.terms.to_dict())
    return [name for name, spec in specs.items() if not has_reference(spec)]


def beyond_budget(system: setup.System, spec: ReferenceSpec, folders: Sequence[Path]) -> float | None:
    """Seconds of a calculation that is neither known nor to be had within `reference.seconds`; None for any other."""
    if known_reference(system.molecule, spec, folders) is not None:
        return None
    seconds = estimated_seconds(system.molecule, spec)
    return seconds if seconds > system.config.reference.seconds else None


def command_of(config: ConfigDict, home: Path | None = None) -> str:
    """The command that computes the references near the basis limit of a config, whatever they take."""
    molecule, own = config.system.molecule, {}
    try:
        lookup(molecule)
    except InputError:  # coordinates, or the text of a file, which no command line holds
        return shlex.join(["nnks", "reference", f"--config={'FILE' if home is None else home / CONFIG}"])
    defaults = default_config()
    for key in ("system.charge", "system.spin", "system.restricted", "functional.xc", "reference.large_basis"):
        section, name = key.split(".")
        if (value := config[section][name]) != defaults[section][name] and (key, value) != ("system.charge", 0):
            own[key] = value
    own |= {f"functional.terms.{key}": value for key, value in flatten(config.functional.terms.to_dict()) if value}
    return shlex.join(["nnks", "reference", molecule, *(f"--config.{key}={value}" for key, value in own.items())])


def _told(follow: Follow, spec: ReferenceSpec) -> Follow:
    """Tells of a calculation by its name."""
    return lambda what: follow(f"PySCF in {spec.name.partition('/')[2]}, {what}")


def same_basis(system: setup.System, *, fitted: bool) -> ReferenceSpec:
    """A calculation in the run's basis on the run's grid, with exact or density-fitted Hartree energy."""
    q, f = system.config.quadrature, system.config.functional
    auxiliary = f.auxiliary if fitted else None
    basis = system.config.system.basis
    grid = q.level, q.pruning, q.radial, q.angular
    return ReferenceSpec(basis, f.xc, system.restricted, *grid, auxiliary, extras(system.config))


def _scf(system: setup.System, folders: Sequence[Path]) -> dict[str, Any]:
    spec = same_basis(system, fitted=setup.matrix_hartree(system) == "density_fitting")

    def compute() -> dict[str, Any]:
        result, shift = setup.scf_baseline(system), 0.0
        plain = result.converged
        if not plain:  # near-degenerate levels that change places from cycle to cycle
            result, shift = setup.scf_baseline(system, level_shift=LEVEL_SHIFT, cycles=200), LEVEL_SHIFT
        details = {
            "converged": result.converged,
            "cycles": result.cycles,
            "level_shift": shift,
            "converged_plain": plain,
        }
        return {"energies": result.energies} | details

    program = {"nnks": nnks.__version__, "jax": jax.__version__, "level_shift": LEVEL_SHIFT}
    return cached(identity(system.molecule, spec) | program, compute, folders)
