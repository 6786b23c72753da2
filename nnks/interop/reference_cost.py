"""What a reference near the basis limit will take, before it is computed.

The seconds are a sum of what a calculation does, with factors fitted to the processor seconds of those that come with
nnks (`python -m benchmarks.limits --fit`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnks.interop.pyscf import becke_grid, make_mole
from nnks.interop.reference import AFFORDABLE, ReferenceSpec
from nnks.molecule import Molecule
from nnks.types import Float

FACTORS = np.array([0.0, 8.4e-8, 3.3e-7])
"""Of `parts` [s]; of 21 calculations they gave 0.4 to 1.4 of what each took."""


def estimated_seconds(molecule: Molecule, spec: ReferenceSpec) -> float:
    """Processor seconds of one calculation, as far as sizes tell."""
    mole = make_mole(molecule, spec.basis)
    grid = becke_grid(mole, spec.level, spec.pruning or None, spec.radial, spec.angular, divided=False)
    return float(parts(mole, grid.size, spec) @ FACTORS)


def parts(mole: Any, points: int, spec: ReferenceSpec) -> Float[np.ndarray, " parts"]:
    """What grows with the size: nothing, integrals over four functions, and orbitals on the grid.

    The stability analysis takes most of the time: it turns every occupied orbital into every function, on every point.
    Beyond `AFFORDABLE` there is none, and the integrals are fitted; they grow with the third power from there.
    """
    functions, occupied = mole.nao, sum(mole.nelec) / (2 if spec.restricted else 1)
    integrals = functions**3 * min(functions, AFFORDABLE)
    gradients = 1.3 if _has_gradients(spec.xc) else 1.0
    return np.array([1.0, integrals, gradients * points * functions * occupied], float)


def _has_gradients(xc: str) -> bool:
    from pyscf.dft import libxc

    return libxc.xc_type(xc) not in ("LDA", "HF")
