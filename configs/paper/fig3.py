"""The paper's Figure 3: what the batch size does to convergence on C20, against epochs and against seconds.

Expect:   smaller batches need fewer epochs; very small ones lose time, and end higher at a constant learning rate
Run:      nnks reproduce fig3 [--quick]
Cost:     21 runs, about an hour on two cores; --quick (coarser grid, one seed, fewer epochs) 4 minutes

Every term is summed over the batch; the Coulomb energy is fitted on the batch (two independent ones for its two densities), which has no pair
sum's bias. `energy/exact` is the energy of the orbitals on the full grid with integrals in the basis, recorded every few epochs.
"""

from nnks.config import ConfigDict, default_config

CLAIM = "Smaller batches need fewer epochs to the same energy, and very small ones lose wall-clock time."
POINTS = {0: 21720, 1: 103600}
"""Of the grids of C20, which the numbers of steps follow from."""

PARTS = (128, 64, 32, 16, 8, 4, 1)
"""Batches an epoch; 1 is the full grid."""

EPOCHS, QUICK_EPOCHS = 64, 16


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "fig3"
    c.system.molecule, c.system.basis = "C20", "sto-3g"
    c.quadrature.level = 1
    c.ansatz = {"name": "lcgto", "guess": "random"}
    c.orthogonalizer.name = "qr"
    c.functional.xc = "lda,vwn"
    c.functional.one_electron = "quadrature"
    c.functional.hartree = "density_fitting"
    c.functional.fitting = "quadrature"
    c.functional.auxiliary = "def2-universal-jfit"
    c.optimizer = {"name": "adam", "learning_rate": 1e-2}
    c.reference.pyscf = False  # self-consistency does not converge; the energies are compared with direct minimization
    c.reference.large_basis = ""
    return c


def _runs(level: int, parts: tuple[int, ...], epochs: int, seeds: int, marks: int) -> list[dict]:
    runs = []
    for part in parts:
        size = -(-POINTS[level] // part)
        batches = {"sampler.name": "uniform", "sampler.batch_size": size} if part > 1 else {"sampler.name": "full"}
        steps = epochs * part
        length = {
            "training.steps": steps,
            "tracking.exact_steps": max(steps // marks, 1),
            "training.checkpoint_steps": 0,
        }
        runs += [
            {"quadrature.level": level, "label": f"1/{part}" if part > 1 else "full grid", "training.seed": s}
            | length
            | batches
            for s in range(seeds)
        ]
    direct = {
        "label": "direct",
        "optimizer.name": "direct",
        "functional.one_electron": "auto",
        "functional.fitting": "auto",
    }
    return [direct | {"quadrature.level": level, "ansatz.guess": "minao", "orthogonalizer.name": "cholesky"}, *runs]


def sweep() -> list[dict]:
    return _runs(1, PARTS, EPOCHS, 3, 16)


def quick() -> list[dict]:
    return _runs(0, (64, 32, 16, 8, 4, 1), QUICK_EPOCHS, 1, 8)


def seconds(config: ConfigDict) -> float:
    """A guess at a run's time on two cores [s]."""
    return 30.0 if config.optimizer.name == "direct" else 20 + 0.05 * config.training.steps
