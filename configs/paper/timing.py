"""The paper's running times on carbon clusters: direct minimization beside PySCF, C20 to C180.

Expect:   less time than density-fitted PySCF, and convergence on C20, where self-consistency fails. The paper's basis
and stopping rule are not
          known, and its times are a GPU's: ratios are compared, not seconds
Run:      nnks reproduce timing [--quick]
Cost:     75 minutes on two cores, each calculation 30 minutes at most; --quick (C20 in STO-3G) 4 minutes
"""

from nnks.config import ConfigDict, default_config

CLAIM = "Direct minimization converges where self-consistency does not, and takes less time to the same energy."
SYSTEMS = (
    ("C20", "sto-3g"),
    ("C20", "6-31g"),
    ("C60", "sto-3g"),
    ("C80", "sto-3g"),
    ("C100", "sto-3g"),
    ("C180", "sto-3g"),
)
METHODS = ("nnks", "pyscf-df")
"""What is timed of each system, in a process of its own."""

LIMIT, QUICK_LIMIT = 1800.0, 150.0
"""Longest time of a calculation [s], the repetition of nnks's included."""


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "timing"
    c.functional.xc = "lda,vwn"
    c.functional.hartree = "density_fitting"
    c.quadrature.level = 1
    c.optimizer = {"name": "direct"}
    return c


def sweep() -> list[dict]:
    return [{"system.molecule": m, "system.basis": b, "label": f"{m}/{b}"} for m, b in SYSTEMS]


def quick() -> list[dict]:
    return sweep()[:1]


def seconds(config: ConfigDict) -> float:
    """A guess at the time of all methods on two cores [s]."""
    return {"C20": 110.0, "C60": 220.0, "C80": 1400.0, "C100": 650.0, "C180": 2300.0}[config.system.molecule]
