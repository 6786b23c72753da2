"""Where a config's numbers may lie, and which texts have a closed set of values: one table for all ways into a config.

Keys are dotted; `ansatz.width` holds for every member of nnks that has the field, `optimizer.direct.trials` for one.
Fields of members that others register are not known here: their numbers must be finite, and whole ones fit 64 bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from nnks.config import texts
from nnks.config.values import WHOLE, Bounds

STEPS = 1_000_000_000
"""Of a training: at least a day and a half for the smallest, whose steps take 150 microseconds, and years for
others."""

PRECISIONS = ("float64", "mixed", "float32")

PRUNINGS = ("nwchem", "sg1", "treutler", "")

LEVELS = Bounds(0, 9)

MOST = 1_000_000
"""Of real numbers whose sensible values are all far below."""

SHARE, POSITIVE, NOT_NEGATIVE = Bounds(0, 1, below=True), Bounds(0, MOST, above=True), Bounds(0, MOST)

BOUNDS: Mapping[str, Bounds] = {
    "system.charge": Bounds(-1000, 1000),
    "system.spin": Bounds(0, 10_000),
    "quadrature.level": LEVELS,
    "quadrature.radial": Bounds(1, 1000),
    "quadrature.angular": Bounds(1, 5810),  # the largest of Lebedev's rules
    "quadrature.memory": Bounds(0, MOST, "GB"),
    "training.steps": Bounds(1, STEPS),
    "training.seconds": Bounds(0, 1_000_000_000, "s", above=True),
    "training.seed": Bounds(0, WHOLE),
    "training.devices": Bounds(1, 100_000),
    "training.energy_tolerance": Bounds(0, MOST, "Ha"),
    "training.gradient_tolerance": Bounds(0, 1_000_000),
    "training.held_out_steps": Bounds(0, STEPS),
    "training.control_steps": Bounds(0, STEPS),
    "training.checkpoint_steps": Bounds(0, STEPS),
    "training.molecules": Bounds(1, 10_000),
    "training.displaced": Bounds(0, 1000),
    "training.displacement": Bounds(0, 1, "Angstrom", above=True),
    "training.validation_steps": Bounds(1, STEPS),
    "training.patience": Bounds(1, STEPS),
    "evaluation.level": LEVELS,
    "reference.seconds": Bounds(0, 1_000_000_000, "s"),
    "tracking.log_steps": Bounds(1, STEPS),
    "tracking.exact_steps": Bounds(0, STEPS),
    "orthogonalizer.decay": SHARE,
    "orthogonalizer.penalty": Bounds(0, 1e12, "Ha", above=True),
    "orthogonalizer.threshold": SHARE,
    "sampler.batch_size": Bounds(1, 10_000_000),
    "sampler.mixture": Bounds(0, 1, above=True),
    "ansatz.width": Bounds(1, 10_000),
    "ansatz.depth": Bounds(1, 32),
    "ansatz.envelopes": Bounds(1, 100),
    "ansatz.terms": Bounds(1, 100),
    "ansatz.scales": Bounds(1, 1000),
    **dict.fromkeys((f"functional.terms.field.{axis}" for axis in "xyz"), Bounds(-10, 10, "Ha/(e Bohr)")),
    "optimizer.learning_rate": Bounds(0, above=True),  # of some optimizers it has the unit of a parameter
    "optimizer.handover.learning_rate": NOT_NEGATIVE,
    "optimizer.memory": Bounds(1, 1000),
    "optimizer.trials": Bounds(1, 1000),
    "optimizer.direct.trials": Bounds(2, 1000),
    "optimizer.curvature": Bounds(0, MOST, "Ha", above=True),
    "optimizer.first_step": POSITIVE,
    "optimizer.largest_step": Bounds(0, 1.5, "rad", above=True),
    "optimizer.reach": Bounds(0, 1.5, "rad", above=True),
    "optimizer.patience": Bounds(1, 1_000_000),
    "optimizer.gain": Bounds(0, 1, above=True, below=True),
    "optimizer.points": Bounds(1, 10_000_000),
    "optimizer.iterations": Bounds(1, 100_000),
    "optimizer.damping": POSITIVE,
    "optimizer.least_damping": POSITIVE,
    "optimizer.decay": SHARE,
    # of optax
    "optimizer.b1": SHARE,
    "optimizer.b2": SHARE,
    "optimizer.b3": SHARE,
    "optimizer.eps": NOT_NEGATIVE,
    "optimizer.eps_root": NOT_NEGATIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.initial_accumulator_value": NOT_NEGATIVE,
    "optimizer.initial_scale": NOT_NEGATIVE,
    "optimizer.threshold": NOT_NEGATIVE,
}
"""Lowest and highest value of each number, with its unit."""

FAULTS: Mapping[str, Callable[[str], str]] = {
    "experiment": texts.folder,
    "label": texts.label,
    "tracking.project": texts.project,
    "system.molecule": texts.content,
    "system.molecules": texts.content,
    "training.validation": texts.content,
    "system.basis": texts.basis,
    "functional.auxiliary": texts.basis,
    "evaluation.auxiliary": texts.basis,
    "reference.large_basis": texts.content,
}
"""What is asked of texts; of all others that they are one line."""

BY_ELEMENT = ("system.basis", "functional.auxiliary", "evaluation.auxiliary")
"""Texts that may be given as a dictionary with one for each element."""

EMPTY: Mapping[str, str] = {
    "label": "one made from what the run is",
    "quadrature.pruning": "none",
    "reference.large_basis": "none",
}
"""What an empty text stands for."""


@functools.cache
def choices() -> Mapping[str, Sequence[str]]:
    """The values of each key that has a closed set of them."""
    from nnks.ansatz.features import ACTIVATIONS
    from nnks.ansatz.learned_basis import SIZES
    from nnks.ansatz.neural_basis import LINEAR
    from nnks.functional.hartree import HARTREE
    from nnks.objective.constraint import CONSTRAINTS
    from nnks.orbitals import GRAMS
    from nnks.tracking.wandb_session import MODES
    from nnks.training.gradient import OPTAX, SCHEDULES
    from nnks.training.metric import FORMS
    from nnks.training.natural_gradient import SOLVERS
    from nnks.training.two_phase import SECOND

    return {
        "quadrature.pruning": PRUNINGS,
        "functional.hartree": tuple(HARTREE),
        "functional.one_electron": ("auto", "analytic", "quadrature"),
        "functional.fitting": ("auto", "basis", "quadrature"),
        "training.precision": PRECISIONS,
        "evaluation.hartree": tuple(HARTREE),
        "tracking.wandb": MODES,
        "orthogonalizer.gram": GRAMS,
        "orthogonalizer.constraint": tuple(CONSTRAINTS),
        "ansatz.activation": tuple(ACTIVATIONS),
        "ansatz.guess": ("minao", "core", "random", "scf"),
        "ansatz.linear": LINEAR,
        "ansatz.size": SIZES,
        "optimizer.schedule": tuple(SCHEDULES),
        "optimizer.first": OPTAX,
        "optimizer.second": SECOND,
        "optimizer.form": FORMS,
        "optimizer.solver": SOLVERS,
    }
