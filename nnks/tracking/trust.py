"""Which references of a run count, and whether its energy is to be believed: read from its summary alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnks.tracking.record import DOUBTS, REFERENCE, REFERENCE_DETAILS, VIOLATIONS


def known_references(summary: Mapping[str, Any]) -> dict[str, float]:
    """Reference energies [Ha] by name, without those of calculations that did not converge."""
    energies = {name: energy for name, energy in (summary.get(REFERENCE) or {}).items() if energy is not None}
    return {name: energy for name, energy in energies.items() if _converged(summary, name)}


def lost_references(summary: Mapping[str, Any]) -> list[str]:
    """A sentence for each reference that did not converge."""
    details = summary.get(REFERENCE_DETAILS) or {}
    lost = [name for name in details if not _converged(summary, name)]
    return [f"{_calculation(name)} did not converge; it is no reference." for name in lost]


def objections(summary: Mapping[str, Any]) -> list[str]:
    """Sentences on why the energy is not to be believed: it cannot be right, or nothing that is known explains it."""
    return [*(summary.get(VIOLATIONS) or []), *(summary.get(DOUBTS) or [])]


def _converged(summary: Mapping[str, Any], name: str) -> bool:
    return details_of(summary, name).get("converged") is not False


def details_of(summary: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """How a reference was found; empty where that is not known."""
    return (summary.get(REFERENCE_DETAILS) or {}).get(name) or {}


def _calculation(name: str) -> str:
    program, _, basis = name.partition("/")
    return f"PySCF in {basis}" if program == "pyscf" and basis else "The self-consistent field of nnks"
