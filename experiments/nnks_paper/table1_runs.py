"""What the runs of Table 1 found: terms by method, and the three numbers of a minibatch run."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

from nnks.tracking.record import RunRecord
from nnks.tracking.trust import known_references
from nnks_paper.paper import TERMS
from nnks_paper.study import Study

AGREES = 1e-5
"""Distance from PySCF [Ha] that every energy and term is to keep."""

LAST = 0.1
"""Share of the steps, at the end, whose estimates are averaged: what a minibatch run would report."""


@dataclasses.dataclass(frozen=True)
class Molecule:
    """What the runs of a molecule found: terms [Ha] by method, how reference and SCF were found, its minibatch run."""

    name: str
    direct: Mapping[str, float]
    pyscf: Mapping[str, float] | None
    scf: Mapping[str, float] | None
    details: Mapping[str, Any]
    batches: Batches | None

    def worst(self, method: str) -> float | None:
        """Largest distance of a method's terms and total from PySCF's [Ha]."""
        values = {"direct": self.direct, "scf": self.scf}[method]
        if values is None or self.pyscf is None:
            return None
        return max(abs(values[name] - self.pyscf[name]) for name in TERMS)


@dataclasses.dataclass(frozen=True)
class Batches:
    """A minibatch run's numbers [Ha]: its own estimate, the spread over steps, and the exact energy of its orbitals."""

    estimate: float
    spread: float
    exact: float
    steps: int

    @property
    def gap(self) -> float:
        """How wrong the estimate is [Ha]."""
        return self.estimate - self.exact


def columns(energies: Mapping[str, float]) -> dict[str, float]:
    """Energies by the paper's columns [Ha]."""
    one = energies["kinetic"] + energies["external"]
    return {name: one if name == "kinetic+external" else energies[name] for name in TERMS}


def estimate(record: RunRecord) -> Batches:
    """The mean of the last tenth of a minibatch run's estimates, beside the exact energy of its final orbitals."""
    totals = [line["energy/total"] for line in record.metrics if "energy/total" in line]
    last = totals[-max(int(LAST * len(totals)), 1) :]
    summary = record.summary or {}
    spread = statistics.stdev(last) if len(last) > 1 else 0.0
    return Batches(statistics.fmean(last), spread, summary["energies"]["total"], int(summary["steps"]))


def collect(study: Study) -> list[Molecule]:
    """The molecules whose direct run is finished."""
    directly, batches = {}, {}
    for config, record in study.runs():
        if config.sampler.name == "full":
            directly[config.system.molecule] = record
        else:
            batches[config.system.molecule] = estimate(record)
    molecules = []
    for name, record in directly.items():
        summary = record.summary or {}
        terms = {name: summary["reference_terms"][name] for name in known_references(summary)}
        same = summary.get("reference_same", "")
        pyscf, scf = (columns(terms[key]) if key in terms else None for key in (same, "scf"))
        details = {
            role: (summary.get("reference_details") or {}).get(key, {})
            for role, key in (("pyscf", same), ("scf", "scf"))
        }
        molecules.append(Molecule(name, columns(summary["energies"]), pyscf, scf, details, batches.get(name)))
    return molecules
