"""Calculations over time: what was measured of nnks and of PySCF on a system."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from nnks_paper.study import Study
from nnks_paper.tasks import PER_ATOM

NAMES = {"nnks": "nnks, direct", "nnks-scf": "nnks, JAX SCF", "pyscf-df": "PySCF, fitted"}


@dataclasses.dataclass(frozen=True)
class Timed:
    """A calculation over time.

    Attributes:
        molecule, basis, method: what was calculated.
        history: (seconds since the molecule was built, total [Ha]) after every step or cycle; nnks's without
            compilation.
        cold: the same with compilation, or the same where nothing is compiled.
        converged: by its own thresholds.
        failed: why it ended before that; empty if it did not.
        fitted: where nnks fitted the Coulomb energy: in the `basis` as PySCF does, or on the `quadrature`, whose error
            the energy then has.
    """

    molecule: str
    basis: str
    method: str
    history: Sequence[tuple[float, float]]
    cold: Sequence[tuple[float, float]]
    converged: bool
    cycles: int
    failed: str = ""
    fitted: str = "basis"

    @property
    def system(self) -> str:
        """As tables call it."""
        return f"{self.molecule}/{self.basis}"

    @property
    def energy(self) -> float | None:
        """The last total [Ha]."""
        return self.history[-1][1] if self.history else None

    def reached(self, history: Sequence[tuple[float, float]] | None = None) -> float | None:
        """Seconds after which the energy stays within 1e-6 Ha per atom of its last value.

        None if it did not converge.
        """
        history = self.history if history is None else history
        if not (self.converged and history):
            return None
        seconds, last = history[-1]
        for spent, energy in reversed(history):
            if abs(energy - last) > PER_ATOM * int(self.molecule.lstrip("CH") or 1):
                break
            seconds = spent
        return seconds


def collect(study: Study) -> list[Timed]:
    """What was measured, in order."""
    return [timed(m.config.system.molecule, m.config.system.basis, m.method, timing) for m, timing in study.timings()]


def timed(molecule: str, basis: str, method: str, timing: dict[str, Any]) -> Timed:
    """A stored measurement."""
    history = [(float(s), float(e)) for s, e in timing.get("history") or []]
    cold = [(float(s), float(e)) for s, e in (timing.get("cold") or timing).get("history") or []]
    return Timed(
        molecule,
        basis,
        method,
        history,
        cold,
        bool(timing.get("converged")),
        int(timing.get("cycles") or 0),
        timing.get("failed", ""),
        timing.get("fitted", "basis"),
    )
