"""The paper's Figure 2: energy against wall-clock time on carbon clusters, direct minimization beside self-consistency.

Expect:   on C20 the energy of self-consistent cycles jumps and does not settle; direct minimization falls to a lower
one and converges
Run:      nnks reproduce fig2 [--quick]
Cost:     10 minutes on two cores; --quick (C20 in STO-3G; shares its timings with `timing`) 3 minutes
"""

from nnks.config import ConfigDict, load_config

CLAIM = "Direct minimization converges on clusters where self-consistency does not."
SYSTEMS = (("C20", "sto-3g"), ("C20", "6-31g"), ("C60", "sto-3g"))
METHODS = ("nnks", "pyscf-df", "nnks-scf")
LIMIT, QUICK_LIMIT = 1800.0, 150.0


def get_config() -> ConfigDict:
    return load_config("paper/timing", {"experiment": "fig2"})


def sweep() -> list[dict]:
    return [{"system.molecule": m, "system.basis": b, "label": f"{m}/{b}"} for m, b in SYSTEMS]


def quick() -> list[dict]:
    return sweep()[:1]


def seconds(config: ConfigDict) -> float:
    """A guess at the time of all methods on two cores [s]."""
    return 200.0 if config.system.molecule == "C20" else 600.0
