"""Differences of energies in a learned basis: atomization, reactions and isomers, beside Gaussian bases.

Run:      .venv/bin/python -m benchmarks.learned_reactions --basis BASIS [--functional lda,vwn] [--level 3]
Cost:     a quarter of an hour on two cores after benchmarks/learned_basis.py, whose stored energies it uses

Every reaction has a molecule that the basis was not trained on; small partners and the free atoms were in training.
Atoms have their unpaired electrons, in the same basis. Methods are those of benchmarks/learned_basis.py. Writes
results/benchmarks/learned_reactions-FUNCTIONAL.json: mean absolute and largest errors against pcseg-3 [kcal/mol].
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from benchmarks.learned_basis import BASES, FOLDER, STORE, gaussian, learned
from nnks.geometries.files import frames
from nnks.molecule import Molecule
from nnks.tracking.files import read_json

KILOCALORIE = 1 / 627.5094740631
"""Of a mole, in Hartree."""

TRAINING = Path("configs/molecules/training.xyz")
ATOMS = ("H", "C", "N", "O", "F")

REACTIONS = (
    *("CH3CH2OH = CH3OCH3", "HCOOCH3 = CH3COOH", "CH3CHO = CH2OCH2", "C3H4_C2v = C3H4_D2d", "C3H6_D3h = C3H6_Cs"),
    *("CH3ONO = CH3NO2", "CH3CH2NH2 = C2H6NH", "butadiene = 2-butyne", "butadiene = cyclobutene"),
    *("butadiene = bicyclobutane", "butadiene = methylenecyclopropane", "HCOOH = CO + H2O", "HCOOH = CO2 + H2"),
    *("CH3CHO = CH4 + CO", "NH2CHO = NH3 + CO", "HCOF = HF + CO", "CH3F + H2 = CH4 + HF", "NH2F + H2 = NH3 + HF"),
    *("C3H8 + H2 = C2H6 + CH4", "CH3CH2OH + H2 = C2H6 + H2O", "H2CCHF = C2H2 + HF", "NCCN + H2 = HCN + HCN"),
    *("CH3COF + H2O = CH3COOH + HF", "CH3CONH2 + H2O = CH3COOH + NH3", "HCOOCH3 + H2O = HCOOH + CH3OH"),
    *("CH3CH2NH2 + H2 = C2H6 + NH3",),
)


def balance(reaction: str) -> Counter[str]:
    """Molecules with their signed numbers."""
    count: Counter[str] = Counter()
    for side, sign in zip(reaction.split(" = "), (-1, 1), strict=True):
        for name in side.split(" + "):
            count[name] += sign
    return count


def atomization(molecule: Molecule) -> Counter[str]:
    """A molecule's atoms, less the molecule."""
    count = Counter(molecule.symbols)
    count[str(molecule.name)] -= 1
    return count


def row_of(text: str, basis: str, xc: str, level: int) -> dict[str, Any]:
    """The energies of a molecule by every method."""
    molecule = Molecule.from_spec(text)
    row: dict[str, Any] = {"molecule": molecule.name} | {each: gaussian(molecule, each, xc) for each in BASES}
    return row | {"learned": learned(text, basis, xc, level)}


def error(count: Counter[str], rows: dict[str, Any], method: str) -> float:
    """Of the energy of a reaction, against the last basis [kcal/mol]."""
    return sum(
        n * (rows[name][method]["energy"] - rows[name][BASES[-1]]["energy"]) / KILOCALORIE for name, n in count.items()
    )


def main() -> None:
    """Measures what is not stored yet, and prints a row for each kind of difference and each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--basis", required=True)
    parser.add_argument("--functional", default="lda,vwn")
    parser.add_argument("--level", type=int, default=3)
    asked = parser.parse_args()
    name = asked.functional.split(",")[0]
    to, unseen = STORE / f"learned_reactions-{name}.json", STORE / f"learned_basis-unseen-{name}.json"
    rows = {row["molecule"]: row for row in (read_json(unseen) or {}).get("rows", []) if "learned" in row}
    own = {row["molecule"]: row for row in (read_json(to) or {}).get("rows", [])}
    texts = {str(Molecule.from_spec(text).name): text for text in frames(TRAINING)}
    counts = {reaction: balance(reaction) for reaction in REACTIONS}
    counts = {name: count for name, count in counts.items() if all(n in rows or n in texts for n in count)}
    molecules = [Molecule.from_spec(text) for text in frames(FOLDER / "unseen.xyz")]
    atoms = {f"atomization of {m.name}": atomization(m) for m in molecules if m.name in rows}
    settings = {"basis": Path(asked.basis).name, "level": asked.level, "xc": asked.functional}
    for needed in sorted({n for count in (counts | atoms).values() for n in count} - rows.keys() - own.keys()):
        own[needed] = row_of(texts[needed], asked.basis, asked.functional, asked.level)
        store(to, settings, list(own.values()))
    rows |= own
    table = []
    for kind, some in (("atomization", atoms), ("reactions and isomers", counts)):
        for method in ("learned", *BASES[:-1]):
            errors = [abs(error(count, rows, method)) for count in some.values()]
            mean = sum(errors) / len(errors)
            table.append({"kind": kind, "number": len(errors), "method": method, "mean": mean, "largest": max(errors)})
    store(to, settings, list(own.values()), summary=table)
    print_table(table, f"absolute errors against {BASES[-1]} [kcal/mol]")


if __name__ == "__main__":
    main()
