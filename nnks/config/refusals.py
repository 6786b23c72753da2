"""What is refused of a key beside values that it does not take: where it goes with others, and what a text must name.

The checks themselves stand where the thing is built, with their advice. Here each is declared once, in words and with
changes of a small run that meet it: pages and `nnks list keys` show the words, and a test sees to it that the changes
are refused in a sentence that names the key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

SMALL: Mapping[str, Any] = {"system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": 0}
"""The run, by `lcgto` and L-BFGS, that the examples change."""

OXYGEN = "3\ncharge=1 spin=1\nO 0 0 0\nH 0 0 0.96\nH 0.93 0 -0.24"
"""The text of an xyz file whose comment line states the charge and the spin."""


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One reason to refuse a key.

    Attributes:
        when: the end of a sentence that begins "it is refused when".
        changes: of the small run, by dotted key, that are refused for it.
        says: what the sentence calls the key, if not by its name.
    """

    when: str
    changes: Mapping[str, Any]
    says: str = ""


def _member(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {f"{kind}.name": name} | {f"{kind}.{key}": value for key, value in fields.items()}


_NEURAL = _member("ansatz", "neural", guess="minao")
_SHELLS = {"quadrature.radial": 20, "quadrature.angular": 50}
_BATCHES = _member("sampler", "uniform", batch_size=50)
_ADAM = _member("optimizer", "adam")

REFUSALS: Mapping[str, tuple[Refusal, ...]] = {
    "experiment": (
        Refusal("it cannot be a folder's name: empty, with a separator, or reserved", {"experiment": "a/b"}),
    ),
    "label": (Refusal("it has line breaks or more than 200 characters", {"label": "a" * 201}),),
    "system.molecule": (
        Refusal("it names no molecule of the library and no file, or has no atoms", {"system.molecule": "unobtainium"}),
        Refusal("an atom is no element, or a ghost atom", {"system.molecule": "Gh(H) 0 0 0; H 0 0 1"}, "atom 1"),
        Refusal("two nuclei are closer than 0.1 Bohr", {"system.molecule": "H 0 0 0; H 0 0 0.01"}, "molecule 'H2'"),
    ),
    "system.unit": (Refusal("it is no unit of length", {"system.unit": "furlong"}),),
    "system.charge": (
        Refusal("it leaves no electron", {"system.charge": 2}),
        Refusal("the file states another one", {"system.molecule": OXYGEN, "system.charge": 0}),
    ),
    "system.spin": (
        Refusal("the number of electrons cannot have it", {"system.spin": 1}),
        Refusal("the file states another one", {"system.molecule": OXYGEN, "system.spin": 3}),
    ),
    "system.restricted": (Refusal("true, and spin is not 0", {"system.spin": 2, "system.restricted": True}),),
    "system.basis": (
        Refusal("no basis set is called so, or it lacks an element", {"system.basis": "6-31q"}),
        Refusal("it goes with a pseudopotential", {"system.basis": "lanl2dz", "system.molecule": "Cl2"}),
        Refusal("it has fewer functions than orbitals are occupied", {"system.charge": -4}),
    ),
    "quadrature.level": (Refusal("the orbitals are Gaussian, and quadrature.radial says the grid", _SHELLS),),
    "quadrature.pruning": (
        Refusal("quadrature.radial says the grid", _SHELLS | {"quadrature.level": 3, "quadrature.pruning": "sg1"}),
    ),
    "quadrature.radial": (
        Refusal("quadrature.angular is None", {"quadrature.radial": 20}),
        Refusal("the ansatz leaves the Gaussian basis, and evaluation.level is None", _SHELLS | _NEURAL),
    ),
    "quadrature.angular": (
        Refusal("quadrature.radial is None", {"quadrature.angular": 50}),
        Refusal("no rule of Lebedev's has this number", {"quadrature.radial": 20, "quadrature.angular": 51}),
    ),
    "quadrature.memory": (Refusal("the machine has less", {"quadrature.memory": 1e6}),),
    "functional.xc": (
        Refusal("PySCF does not know it", {"functional.xc": "pbd"}),
        Refusal("it is a hybrid", {"functional.xc": "b3lyp"}),
        Refusal("it has a dispersion correction", {"functional.xc": "pbe-d3"}),
        Refusal("it is not local (VV10)", {"functional.xc": "scan_vv10"}),
    ),
    "functional.hartree": (
        Refusal("exact, and the ansatz leaves the Gaussian basis", {"functional.hartree": "exact"} | _NEURAL),
        Refusal(
            "exact, and its integrals do not fit the machine",
            {"functional.hartree": "exact", "system.molecule": "benzene", "system.basis": "aug-cc-pv5z"},
        ),
    ),
    "functional.one_electron": (
        Refusal(
            "analytic, and the ansatz leaves the Gaussian basis", {"functional.one_electron": "analytic"} | _NEURAL
        ),
    ),
    "functional.fitting": (
        Refusal("no Hartree energy of the run is fitted", {"functional.fitting": "quadrature"}),
        Refusal(
            "basis, and the ansatz leaves the Gaussian basis",
            {"functional.hartree": "density_fitting", "functional.fitting": "basis"} | _NEURAL,
        ),
        Refusal(
            "basis, and its integrals take more than quadrature.memory",
            {"functional.hartree": "density_fitting", "functional.fitting": "basis", "quadrature.memory": 0.0},
        ),
    ),
    "functional.auxiliary": (Refusal("no fitting set is called so", {"functional.auxiliary": "foo"}),),
    "training.precision": (
        Refusal(
            "float32, and linear coefficients are solved for",
            {"training.precision": "float32"} | _member("ansatz", "neural_basis", guess="minao"),
        ),
    ),
    "training.devices": (Refusal("JAX sees fewer", {"training.devices": 1000}),),
    "training.held_out_steps": (
        Refusal("the sampler draws minibatches", {"training.held_out_steps": 1} | _BATCHES | _ADAM),
        Refusal("no grid is finer than quadrature.level", {"training.held_out_steps": 1, "quadrature.level": 9}),
    ),
    "training.control_steps": (
        Refusal("the sampler takes the whole grid", {"training.control_steps": 10} | _ADAM),
        Refusal("the optimizer is none of optax's", {"training.control_steps": 10}),
    ),
    "evaluation.hartree": (
        Refusal("exact, and the ansatz leaves the Gaussian basis", {"evaluation.hartree": "exact"} | _NEURAL),
    ),
    "evaluation.auxiliary": (Refusal("no fitting set is called so", {"evaluation.auxiliary": "foo"}),),
    "reference.large_basis": (Refusal("no basis set is called so", {"reference.large_basis": "foo"}),),
    "tracking.project": (Refusal("it has a character that W&B refuses", {"tracking.project": "a/b"}),),
    "orthogonalizer.name": (
        Refusal(
            "a rotation (cayley, exponential), and the ansatz is not lcgto", {"orthogonalizer.name": "cayley"} | _NEURAL
        ),
    ),
    "orthogonalizer.gram": (
        Refusal("analytic, and the ansatz leaves the Gaussian basis", {"orthogonalizer.gram": "analytic"} | _NEURAL),
        Refusal("ema, and the sampler takes the whole grid", {"orthogonalizer.gram": "ema"}),
    ),
    "orthogonalizer.decay": (Refusal("orthogonalizer.gram is not ema", {"orthogonalizer.decay": 0.5}),),
    "orthogonalizer.penalty": (Refusal("orthogonalizer.constraint is not penalty", {"orthogonalizer.penalty": 3.0}),),
    "orthogonalizer.constraint": (
        Refusal(
            "not reparameterize, and the optimizer is not of first order",
            {"orthogonalizer.constraint": "penalty", "ansatz.guess": "random"},
        ),
        Refusal("not reparameterize, and the start is not random", {"orthogonalizer.constraint": "penalty"} | _ADAM),
    ),
    "sampler.uniform.batch_size": (
        Refusal(
            "more than the grid has points, each drawn once",
            _member("sampler", "uniform", batch_size=10_000_000) | _ADAM,
        ),
    ),
    "ansatz.neural_basis.linear": (
        Refusal(
            "solved, and the sampler draws minibatches",
            _member("ansatz", "neural_basis", guess="minao", linear="solved") | _BATCHES | _ADAM,
        ),
    ),
    "optimizer.name": (
        Refusal("it compares energies, and the sampler draws minibatches", _BATCHES, "optimizer 'lbfgs'"),
        Refusal(
            "direct, and the orbitals are not rotations of a guess's",
            _member("optimizer", "direct") | _NEURAL,
            "optimizer 'direct'",
        ),
    ),
    "optimizer.handover.curvature": (
        Refusal(
            "optimizer.second is not lbfgs", _member("optimizer", "handover", second="natural_gradient", curvature=2.0)
        ),
    ),
    "optimizer.natural_gradient.least_damping": (
        Refusal(
            "it is above optimizer.damping", _member("optimizer", "natural_gradient", damping=1e-3, least_damping=1.0)
        ),
    ),
}
"""By dotted key, with the member between where only one member's field is meant. Not complete: rarer pairs of settings
are refused, too."""


def refusals(path: str, members: Sequence[str]) -> tuple[Refusal, ...]:
    """Those of a key, and of the members that have it.

    Args:
        path: the dotted key.
        members: that have it, for a field of a member.
    """
    kind, _, field = path.partition(".")
    return tuple(
        reason for key in (path, *(f"{kind}.{name}.{field}" for name in members)) for reason in REFUSALS.get(key, ())
    )
