"""Differences of energies in a learned basis: atomization, reactions and isomers, beside Gaussian bases.

Run:      .venv/bin/python -m benchmarks.learned_reactions --basis BASIS [--functional lda,vwn] [--level 3]
Cost:     a quarter of an hour on two cores after benchmarks/learned_basis.py, whose stored energies it uses

Every reaction has a molecule that the basis was not trained on; small partners and the free atoms were in training.
Atoms have their unpaired electrons, in the same basis. Methods are those of benchmarks/learned_basis.py. Writes
results/benchmarks/learned_reactions-FUNCTIONAL.json: mean absolute and largest errors against pcseg-3 [kcal/mol].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import print_table
from benchmarks.learned_basis import BASES, FOLDER, STORE, Measurements, arguments
from nnks.geometries.files import frames
from nnks.molecule import Molecule

KILOCALORIE = 1 / 627.5094740631
"""Of a mole, in Hartree."""

TRAINING = Path("configs/molecules/training.xyz")

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


def error(count: Counter[str], rows: Mapping[str, Any], method: str) -> float | None:
    """Of the energy of a reaction, against the last basis [kcal/mol]; None where an energy did not converge."""
    total = 0.0
    for name, number in count.items():
        energy, limit = rows[name][method]["energy"], rows[name][BASES[-1]]["energy"]
        if energy is None or limit is None:
            return None
        total += number * (energy - limit) / KILOCALORIE
    return total


def main() -> None:
    """Measures what is not stored yet, and prints a row for each kind of difference and each method."""
    asked = arguments(__doc__).parse_args()
    if not asked.basis:
        raise SystemExit("--basis names none; expected a set that comes with nnks, or a file such as basis.npz.")
    xc = asked.functional.split(",")[0]
    unseen = Measurements(asked, STORE / f"learned_basis-unseen-{xc}.json", BASES).rows
    own = Measurements(asked, STORE / f"learned_reactions-{xc}.json", BASES)
    molecules = {str(Molecule.from_spec(text).name): text for text in frames(FOLDER / "unseen.xyz")}
    if lacks := molecules.keys() - {name for name, row in unseen.items() if "learned" in row}:
        raise SystemExit(f"{', '.join(sorted(lacks))}: measure them with benchmarks.learned_basis first.")
    texts = {str(Molecule.from_spec(text).name): text for text in frames(TRAINING)}
    counts = {reaction: balance(reaction) for reaction in REACTIONS}
    atoms = {f"atomization of {name}": atomization(Molecule.from_spec(text)) for name, text in molecules.items()}
    for name in sorted({name for count in (counts | atoms).values() for name in count} - unseen.keys()):
        own.measure(name, texts[name])
    rows, table = unseen | own.rows, []
    for kind, some in (("atomization", atoms), ("reactions and isomers", counts)):
        for method in ("learned", *BASES[:-1]):
            each = [error(count, rows, method) for count in some.values()]
            sizes = [abs(value) for value in each if value is not None]
            mean = sum(sizes) / len(sizes)
            table.append({"kind": kind, "number": len(sizes), "method": method, "mean": mean, "largest": max(sizes)})
    own.store(summary=table)
    print_table(table, f"absolute errors against {BASES[-1]} [kcal/mol]")


if __name__ == "__main__":
    main()
