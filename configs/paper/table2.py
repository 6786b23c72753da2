"""The paper's Table 2: O2 is paramagnetic and CO2 is not, by energies with and without two unpaired electrons.

Expect:   O2 lower by 71 mHa with two unpaired electrons, CO2 higher by 278 mHa; exchange only, 6-31g, level 1. The
paper's numbers were not found
Run:      nnks reproduce table2 [--quick]
Cost:     5 runs, 1 to 2 minutes on two cores; --quick is the same
"""

from nnks.config import ConfigDict, default_config

CLAIM = "The spin of the lower state follows from direct minimization, with restricted and with unrestricted orbitals."
STATES = (("O2", 0, True), ("O2", 0, False), ("O2", 2, False), ("CO2", 0, True), ("CO2", 2, False))


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "table2"
    c.system.basis = "6-31g"
    c.functional.xc = "lda,"
    c.quadrature.level = 1
    c.optimizer = {"name": "direct"}
    c.reference.large_basis = ""
    return c


def sweep() -> list[dict]:
    return [{"system.molecule": m, "system.spin": s, "system.restricted": r, "label": "direct"} for m, s, r in STATES]


def quick() -> list[dict]:
    return sweep()


def seconds(config: ConfigDict) -> float:
    """A guess at a run's time on two cores [s]."""
    return 18.0
