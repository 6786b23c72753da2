"""What a reference near the basis limit will take, before it is computed.

The seconds are a sum of what a calculation does, with factors fitted to the processor seconds of those that come with nnks
(`python -m benchmarks.limits --fit`).
"""

from __future__ import annotations

import numpy as np

from nnks.interop.pyscf import becke_grid, make_mole
from nnks.interop.reference import AFFORDABLE, ReferenceSpec
from nnks.molecule import Molecule
from nnks.types import Float

FACTORS = np.array([1.0, 3e-8, 4e-9])
"""Of `parts` [s]."""


def estimated_seconds(molecule: Molecule, spec: ReferenceSpec) -> float:
    """Processor seconds of one calculation, as far as sizes tell."""
    mole = make_mole(molecule, spec.basis)
    grid = becke_grid(mole, spec.level, spec.pruning or None, spec.radial, spec.angular, divided=False)
    return float(parts(mole.nao, grid.size, spec) @ FACTORS)


def parts(functions: int, points: int, spec: ReferenceSpec) -> Float[np.ndarray, " parts"]:
    """What grows with the size: nothing, integrals over four functions, and matrices on the grid, for each spin and derivative.

    Beyond `AFFORDABLE` the integrals are fitted, and grow with the third power, from the same seconds there.
    """
    spins = 1 if spec.restricted else 2
    integrals = functions**3 * min(functions, AFFORDABLE)
    gradients = 4 if _has_gradients(spec.xc) else 1
    return np.array([1.0, spins * integrals, spins * gradients * points * functions**2], float)


def _has_gradients(xc: str) -> bool:
    from pyscf.dft import libxc

    return libxc.xc_type(xc) not in ("LDA", "HF")
