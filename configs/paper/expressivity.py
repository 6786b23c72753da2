"""The claim of the paper's abstract on expressivity: a minimizer satisfies the Kohn-Sham equations.

Expect:   a commutator FDS - SDF of 1e-6 Ha or less at the orbitals of direct minimization, and self-consistent cycles
from them that change the
          energy by less than 1e-8 Ha
Run:      nnks reproduce expressivity [--quick]
Cost:     6 runs, 2 minutes on two cores; --quick (H2, H2O, triplet O2) 1 minute
"""

from nnks.config import ConfigDict, load_config

CLAIM = (
    "A minimizer of the energy satisfies the Kohn-Sham equations, and self-consistency stays where it starts from it."
)
SYSTEMS = (("H2", 0), ("H2O", 0), ("O2", 2), ("O2", 0), ("CH4", 0), ("C6H6", 0))


def get_config() -> ConfigDict:
    return load_config(
        "paper/table1", {"experiment": "expressivity", "optimizer.name": "direct", "reference.pyscf": False}
    )


def sweep() -> list[dict]:
    return [{"system.molecule": m, "system.spin": s, "label": f"{m}, 2S = {s}"} for m, s in SYSTEMS]


def quick() -> list[dict]:
    return sweep()[:3]


def seconds(config: ConfigDict) -> float:
    """A guess at a run's time on two cores [s]."""
    return 15.0
