"""Sulfur and chlorine are added to a learned basis, whose other elements stay as they are.

Run:      nnks run --config=learned_basis_s_cl --config.ansatz.basis=results/learned_basis/.../basis.npz
Then:     any config with ansatz.name=learned_basis and ansatz.basis=results/learned_basis_s_cl/.../basis.npz

What is trained are the functions of S and Cl, and how their presence deforms those of others. Energies of molecules
without them are unchanged. Geometries (configs/molecules/training_s_cl.xyz) are those of the G2 set (Curtiss,
Raghavachari, Redfern, Pople, J. Chem. Phys. 106, 1063 (1997)) as ASE has them, and others optimized with LDA in
def2-SVP; some bonds are stretched.
"""

from pathlib import Path

from nnks.config import ConfigDict, load_config
from nnks.geometries.files import frames

MOLECULES = Path(__file__).parent / "molecules" / "training_s_cl.xyz"


def get_config() -> ConfigDict:
    c = load_config("learned_basis")
    c.experiment = "learned_basis_s_cl"
    c.system.molecules = " | ".join(frames(MOLECULES))
    c.ansatz = {"name": "learned_basis", "basis": "double-lda", "train": True, "elements": "S,Cl"}
    return c
