"""A basis is learned once, on small molecules of H, C, N, O and F, for any molecule of these elements.

Run:      nnks run --config=learned_basis
          nnks run --config=learned_basis --config.functional.xc=pbe,pbe
Then:     any config with ansatz.name=learned_basis and ansatz.basis=results/learned_basis/.../basis.npz

The molecules have all kinds of bonds, some of them stretched or bent; radicals, cations and free atoms are among them.
Geometries (configs/molecules/training.xyz) are those of the G2 set (Curtiss, Raghavachari, Redfern, Pople, J. Chem.
Phys. 106, 1063 (1997)) as ASE has them, and others near a minimum; the energy is variational, so that no energy of
anything is needed. Molecules of like sizes share compiled programs.
"""

from pathlib import Path

from nnks.config import ConfigDict, default_config
from nnks.geometries.files import frames

MOLECULES = Path(__file__).parent / "molecules" / "training.xyz"


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "learned_basis"
    c.system.molecules = " | ".join(frames(MOLECULES))
    c.system.basis = "cc-pvdz"  # of the first guess alone
    c.ansatz = {"name": "learned_basis", "basis": "new", "size": "double", "elements": "H,C,N,O,F"}
    c.quadrature.level = 1
    c.functional.hartree = "density_fitting"
    c.optimizer = {"name": "adam", "learning_rate": 5e-3, "schedule": "cosine"}
    c.training.molecules = 1  # an update after each
    c.training.steps = 40  # passes over all
    c.training.checkpoint_steps = 1
    c.evaluation.level = 1
    c.training.held_out_steps = 0
    c.reference.pyscf, c.reference.large_basis = False, ""
    return c
