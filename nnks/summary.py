"""What is stored of a finished run, and how its energy compares with the references."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnks.evaluation import Evaluation
from nnks.plan import Plan

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


def found(outcome: Evaluation) -> dict[str, Any]:
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
    """The references, and in `violations` a sentence where the energy lies below what its own basis allows."""
    same, total = references["reference"].get(references.get("reference_same", "")), outcome.energies["total"]
    integrals = outcome.hartree in ("exact", "density_fitting") and outcome.level == plan.config.quadrature.level
    violations = []
    if same is not None and plan.system.gaussian and integrals and total < same - VIOLATION:
        violations.append(
            f"the energy is {1e3 * (same - total):.4f} mHa below the stable PySCF minimum in the same "
            "basis and on the same grid, which no variational calculation can reach: an integral is wrong, or PySCF "
            "stopped at a higher solution."
        )
    return {**references, "violations": violations}
