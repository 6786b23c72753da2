"""The energies that a run is compared with: PySCF in its basis and near the basis limit, and nnks's own SCF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

import nnks
from nnks import build
from nnks.interop.large_basis import large_bases, large_spec, shortfall
from nnks.interop.reference import ReferenceSpec, cached, identity, reference
from nnks.tracking.record import EXACT

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

DETAILS = ("converged", "stable", "restarts", "cycles", "level_shift", "converged_plain")
"""What a summary says of how a reference was found."""

LEVEL_SHIFT = 0.2
"""Of the self-consistent field's second attempt [Ha]; singlet O2 converges with it in 10 cycles, and without never."""


def exact_energy(system: build.System) -> float | None:
    """The energy without basis or grid [Ha], where it is known."""
    molecule, xc = system.molecule, system.config.functional.xc
    if molecule.natoms != 1 or molecule.charge or xc != "lda,vwn" or system.restricted != (molecule.spin == 0):
        return None
    return EXACT_ATOMS.get((molecule.symbols[0], molecule.spin))


def find_references(system: build.System, hartree: str, cache: Path) -> dict[str, Any]:
    """The references that the config asks for, computed or from the cache.

    Args:
        system: the run's.
        hartree: the Hartree method of the run's final evaluation; Gaussian orbitals are compared with the same one.
        cache: folder of one file a reference.

    Returns:
        `reference`: name to total [Ha], with `exact` for atoms whose limit is tabulated; `reference_terms`: name to all terms [Ha];
        `reference_details`: name to how it was found (`converged`, `stable`, `restarts`, ..., `error`: how far what it stands for may lie below
        it [Ha]); `reference_same` and `reference_large`: which of the names is the one in the same basis, and the one near the basis limit.
        A calculation that did not converge is no reference: `reference_details` alone has it, with the `energy` [Ha] where it ended.
    """
    config = system.config
    found: dict[str, dict[str, Any]] = {}
    roles: dict[str, str] = {}
    errors: dict[str, float | None] = {}
    if config.reference.pyscf:
        spec = same_basis(system, fitted=system.gaussian and hartree == "density_fitting")
        found[spec.name] = reference(system.molecule, spec, cache)
        roles["reference_same"] = spec.name
    for large in large_bases(system.molecule, config.reference.large_basis):
        spec = large_spec(system.molecule, large, config.functional.xc, system.restricted)
        errors[spec.name] = shortfall(system.molecule, spec)
        if not (system.gaussian and spec.name in found):  # that one is on the run's own grid
            found[spec.name] = reference(system.molecule, spec, cache)
        if found[spec.name]["converged"] or "reference_large" not in roles:
            roles["reference_large"] = spec.name
    if config.reference.scf:
        found["scf"] = _scf(system, cache)
    details = {name: {k: values[k] for k in DETAILS if k in values} for name, values in found.items()}
    for name, error in errors.items():
        details[name]["error"] = error
    terms = {name: values["energies"] for name, values in found.items() if values["converged"]}
    for name in found.keys() - terms.keys():
        details[name]["energy"] = found[name]["energies"]["total"]
    totals = {name: energies["total"] for name, energies in terms.items()}
    if (exact := exact_energy(system)) is not None:
        totals[EXACT], details[EXACT] = exact, {"error": EXACT_ERROR}
    return {"reference": totals, "reference_terms": terms, "reference_details": details} | roles


def same_basis(system: build.System, *, fitted: bool) -> ReferenceSpec:
    """A calculation in the run's basis on the run's grid, with exact or density-fitted Hartree energy."""
    q, f = system.config.quadrature, system.config.functional
    auxiliary = f.auxiliary if fitted else None
    basis = system.config.system.basis
    return ReferenceSpec(basis, f.xc, system.restricted, q.level, q.pruning, q.radial, q.angular, auxiliary)


def _scf(system: build.System, cache: Path) -> dict[str, Any]:
    spec = same_basis(system, fitted=build.matrix_hartree(system) == "density_fitting")

    def compute() -> dict[str, Any]:
        result, shift = build.scf_baseline(system), 0.0
        plain = result.converged
        if not plain:  # near-degenerate levels that change places from cycle to cycle
            result, shift = build.scf_baseline(system, level_shift=LEVEL_SHIFT, cycles=200), LEVEL_SHIFT
        found = {"converged": result.converged, "cycles": result.cycles, "level_shift": shift, "converged_plain": plain}
        return {"energies": result.energies} | found

    program = {"nnks": nnks.__version__, "jax": jax.__version__, "level_shift": LEVEL_SHIFT}
    return cached(identity(system.molecule, spec) | program, compute, cache)
