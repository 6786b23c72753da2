"""The paper's Figure 3: what the batch size does to convergence on C20, against epochs and against seconds.

Expect:   every batch needs fewer epochs than the full grid to 1 Ha, but no fewer seconds; at a constant learning rate
batches end 0.1 to 1.4 Ha high
Run:      nnks reproduce fig3 [--quick]
Cost:     22 runs, an hour on two cores; --quick (benzene, one seed, six sizes, fewer epochs) 2 minutes

Every term is summed over the batch; the Coulomb energy is fitted on the batch (two independent ones for its two
densities), which has no pair sum's bias. `energy/exact` is the energy of the orbitals on the full grid with integrals
in the basis, recorded every few epochs.
"""

from nnks.config import ConfigDict, default_config

CLAIM = "Smaller batches need fewer epochs to the same energy, and very small ones lose wall-clock time."
POINTS = {"C20": 103600, "C6H6": 10236}
"""Of the grids of C20 at level 1 and of benzene at level 0, which the numbers of steps follow from."""

PARTS, QUICK_PARTS = (128, 64, 32, 16, 8, 4, 1), (64, 32, 16, 8, 4, 1)
"""Batches an epoch; 1 is the full grid."""

ALONE = True
"""Seeds are not trained together: the seconds of a step are compared, and members of a batch share theirs."""

EPOCHS, STEPS = 64, (400, 3000)
QUICK_EPOCHS, QUICK_STEPS = 24, (150, 600)
"""Epochs, as long as that is no fewer and no more steps than these."""


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
    c.optimizer = {"name": "adam", "learning_rate": 3e-2}
    c.reference.pyscf = False  # self-consistency does not converge; the energies are compared with direct minimization
    c.reference.large_basis = ""
    return c


def _runs(
    molecule: str, level: int, parts: tuple[int, ...], epochs: int, limits: tuple[int, int], seeds: int
) -> list[dict]:
    runs, system = [], {"system.molecule": molecule, "quadrature.level": level}
    for part in parts:
        size = -(-POINTS[molecule] // part)
        batches = {"sampler.name": "uniform", "sampler.batch_size": size} if part > 1 else {"sampler.name": "full"}
        steps = min(max(epochs * part, limits[0]), limits[1])
        length = {"training.steps": steps, "tracking.exact_steps": steps // 16, "training.checkpoint_steps": 0}
        label = f"1/{part}" if part > 1 else "full grid"
        runs += [{"label": label, "training.seed": s} | system | length | batches for s in range(seeds)]
    direct = {"label": "direct", "optimizer.name": "direct", "ansatz.guess": "minao", "orthogonalizer.name": "cholesky"}
    return [direct | system | {"functional.one_electron": "auto", "functional.fitting": "auto"}, *runs]


def sweep() -> list[dict]:
    return _runs("C20", 1, PARTS, EPOCHS, STEPS, 3)


def quick() -> list[dict]:
    return _runs("C6H6", 0, QUICK_PARTS, QUICK_EPOCHS, QUICK_STEPS, 1)


def seconds(config: ConfigDict) -> float:
    """A guess at a run's time on two cores [s]."""
    large = config.system.molecule == "C20"
    if config.optimizer.name == "direct":
        return 40.0 if large else 10.0
    share = 1.0 if config.sampler.name == "full" else config.sampler.batch_size / POINTS[config.system.molecule]
    return 20.0 + config.training.steps * (0.05 + 0.6 * share if large else 0.01 + 0.06 * share)
