"""The recommended Gaussian calculation, for any molecule: direct minimization to the Kohn-Sham minimum of a basis.

Claim:    within 1e-6 Ha of PySCF in the same basis, on the same grid
Run:      nnks run --config=gaussian --config.system.molecule=C6H6 --config.system.basis=6-31g
Cost:     about 10 gradients; seconds up to benzene on one core, compilation included
"""

from nnks.config import ConfigDict, default_config


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "gaussian"
    c.optimizer = {"name": "direct"}  # rotations of molecular orbitals; follows its frame, leaves saddles
    return c
