"""The claim of the paper's abstract on scaling: the time of one energy gradient along the carbon cages, \
beside a cycle of PySCF.

Expect:   an exponent below 3 in the number of basis functions. Theory: dense orbitals on a grid, orthonormalization and
fitted Coulomb
          integrals cost N^3, four-center integrals N^4
Run:      nnks reproduce scaling [--quick]
Cost:     20 minutes on two cores, 15 more where PySCF finds room for C180, each calculation 15 minutes at most; --quick
          (C20 and C60 in STO-3G) 3 minutes
"""

from nnks.config import ConfigDict, load_config

CLAIM = "An energy and its gradient cost no more than N^3."
SYSTEMS = (
    ("C20", "sto-3g"), ("C60", "sto-3g"), ("C80", "sto-3g"), ("C180", "sto-3g"),
    ("C20", "6-31g"), ("C60", "6-31g"), ("C80", "6-31g"), ("C180", "6-31g"),
)  # fmt: skip
METHODS = ("nnks-gradient", "pyscf-df-cycle")
LIMIT, QUICK_LIMIT = 900.0, 150.0


def get_config() -> ConfigDict:
    changes = {"experiment": "scaling", "functional.auxiliary": "def2-universal-jfit", "optimizer.stability": False}
    return load_config("paper/timing", changes)


def sweep() -> list[dict]:
    return [{"system.molecule": m, "system.basis": b, "label": f"{m}/{b}"} for m, b in SYSTEMS]


def quick() -> list[dict]:
    return sweep()[:2]


def seconds(config: ConfigDict) -> float:
    """A guess at the time of all methods on two cores [s]."""
    size = {"C20": 20.0, "C60": 120.0, "C80": 200.0, "C180": 300.0}[config.system.molecule]
    return size if config.system.basis == "sto-3g" else 1.5 * size
