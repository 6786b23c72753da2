"""What is stored of a finished run, and how its energy compares with the references."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnks import setup
from nnks.energies import STANDARD
from nnks.runs.evaluation import Evaluation
from nnks.runs.plan import Plan
from nnks.tracking.record import DOUBTS, EXACT, REFERENCE_LARGE, REFERENCE_SAME, REMARKS, VIOLATIONS
from nnks.tracking.trust import details_of, known_references
from nnks.units import MILLIHARTREE

VIOLATION = 1e-6
"""How far below the stable minimum of its own basis an energy may be [Ha]: both are converged to 1e-9."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """What a run found. `values` is all of `summary.json`; the rest are shortcuts into it."""

    path: Path
    values: Mapping[str, Any]

    @property
    def energies(self) -> Mapping[str, float]:
        """Total, kinetic, external, hartree, xc, nuclear [Ha], from the final evaluation."""
        return self.values["energies"]

    @property
    def converged(self) -> bool:
        """Whether the thresholds were reached."""
        return self.values["converged"]

    @property
    def reference(self) -> Mapping[str, float]:
        """Reference energies [Ha] by name."""
        return self.values["reference"]

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return self.values["steps"]


def evaluated(outcome: Evaluation) -> dict[str, Any]:
    """What the final evaluation says, in `summary.json`'s names."""
    return {
        "energies": outcome.energies,
        "electrons": outcome.electrons,
        "orthonormality": outcome.orthonormality,
        "virial": outcome.virial,
        "orbital_energies": outcome.orbital_energies,
        "quadrature_error": outcome.quadrature_error,
        "evaluation": {"level": outcome.level, "hartree": outcome.hartree},
    }


def compared(plan: Plan, outcome: Evaluation, references: Mapping[str, Any]) -> dict[str, Any]:
    """The references, and sentences on an energy below what its own basis allows (`violations`) or near it (`doubts`).

    A violation needs a minimum that PySCF found to be stable. A doubt is an energy that is lower than its own error and
    that of a reference explain; the reference's may be an estimate, so that it says less than a violation does. Remarks
    are on what a learned basis was not trained for.
    """
    same = references.get(REFERENCE_SAME, "")
    below = _below_same_basis(plan, outcome, references)
    stable = details_of(references, same).get("stable")
    violations, doubts = [], _below_limit(outcome, references)
    if below > VIOLATION and stable:
        violations.append(
            f"the energy is {below / MILLIHARTREE:.4f} mHa below the stable PySCF minimum in the same "
            "basis and on the same grid, which no variational calculation can reach: an integral is wrong, or PySCF "
            "stopped at a higher solution."
        )
    elif below > VIOLATION and stable is None:
        doubts.append(
            f"the energy is {below / MILLIHARTREE:.4f} mHa below PySCF's in the same basis and on the same grid, whose "
            "stability was not tested: PySCF stopped at a higher solution, or an integral is wrong."
        )
    system = plan.system
    remarks = setup.beyond_training(system.molecule, system.trained_on) if system.learned is not None else []
    return {**references, VIOLATIONS: violations, DOUBTS: doubts, REMARKS: remarks}


def _below_same_basis(plan: Plan, outcome: Evaluation, references: Mapping[str, Any]) -> float:
    """How far the energy is below the reference of which it cannot be below [Ha]; zero where there is none."""
    energy = known_references(references).get(references.get(REFERENCE_SAME, ""))
    integrals = outcome.hartree in ("exact", "density_fitting") and outcome.level == plan.config.quadrature.level
    # PySCF has integrals of a term that is summed over the grid here: what they differ by is no error of either
    own = (term for term in plan.problem.functional.terms if term.name not in STANDARD)
    integrals = integrals and all(hasattr(term, "of_matrix") for term in own)
    return energy - outcome.energies["total"] if energy is not None and plan.system.gaussian and integrals else 0.0


def _below_limit(outcome: Evaluation, references: Mapping[str, Any]) -> list[str]:
    """A sentence if the energy is below the best reference near the basis limit, by more than both errors."""
    known = known_references(references)
    name = next((n for n in (EXACT, references.get(REFERENCE_LARGE, "")) if n in known), "")
    own, details = outcome.quadrature_error, details_of(references, name)
    error = details.get("error")
    # Gaussian orbitals; a basis of which nothing is known; or a solution above others, as is known
    if own is None or error is None or details.get("stable") is False:
        return []
    below = known[name] - outcome.energies["total"]
    if below <= own + error:
        return []
    below, own, error = (value / MILLIHARTREE for value in (below, own, error))
    return [
        f"the energy is {below:.3f} mHa below {name}, more than its quadrature error ({own:.2g} mHa) and what the "
        f"reference may lack ({error:.2g} mHa) explain: the orbitals fit their grid more than was seen, or the "
        "reference is not the ground state; use a higher quadrature.level."
    ]
