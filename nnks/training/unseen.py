"""A guard against fitting the molecules: energies of others, which no update sees.

Networks that several molecules share can learn what holds for these alone. The sum of the energies of other molecules
rises again, where it does: the state at its lowest is the one to keep.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from nnks.compiler import FEW_PIECES
from nnks.objective import Objective, Problem, Several, Variables, padded
from nnks.training.loop import StepTaken
from nnks.training.state import TrainingDiverged, TrainState
from nnks.training.validation import Compared, EarlyStopping
from nnks.types import Array, Params, PRNGKey


@dataclasses.dataclass(frozen=True)
class UnseenMolecules:
    """Molecules that share the networks of those that are trained on.

    Attributes:
        objective: their energies.
        start: parameters, of which all but the networks are these molecules' own at every evaluation, so that an energy
            does not depend on those before it.
    """

    objective: Several
    start: Variables

    @functools.cached_property
    def padded(self) -> Any:
        """In sizes that they share programs by."""
        return padded(self.objective.problems)

    def energies(self, params: Variables) -> dict[str, float]:
        """The total of each molecule [Ha], linear coefficients solved for; by label."""
        trained, energies = Variables(params.shared, self.start.local), {}
        for index, (label, system) in enumerate(zip(self.objective.labels, self.padded, strict=True)):
            energies[label] = _energy(system.problem, system.pad(trained.of(index)), jax.random.key(0))
        return {label: float(energy) for label, energy in energies.items()}


@functools.partial(jax.jit, compiler_options=FEW_PIECES)
def _energy(problem: Problem, params: Params, key: PRNGKey) -> Array:
    return problem.loss(params, key, jnp.zeros((), jnp.int32))[0]


@dataclasses.dataclass
class StoppingByMolecules(EarlyStopping):
    """Compares the sum of energies of unseen molecules every few steps, and ends a run in which it does not fall.

    Attributes:
        held_out: the molecules, with their weights in the sum.
        patience: comparisons without a new lowest sum that end the run; None: all steps are taken.
        doubts: comparisons since the lowest sum.
    """

    held_out: Any
    patience: int | None = None

    reason: ClassVar[str] = "validation"

    @property
    def molecules(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Their names."""
        return self.held_out.objective.labels

    def fresh(self) -> StoppingByMolecules:
        """One for another run with the same molecules."""
        return StoppingByMolecules(self.held_out, self.every, self.reports_end, patience=self.patience)

    def check(self, objective: Objective, before: TrainState, progress: StepTaken) -> bool:
        """Whether the sum has not fallen for so long; adds it and each molecule's energy to the step's metrics.

        Raises:
            TrainingDiverged: for an energy that is not finite.
        """
        if progress.step % self.every:
            return False
        energies = self.held_out.energies(progress.state.params)
        total = float(np.dot(self.held_out.objective.weights, list(energies.values())))
        found = {f"validation/{label}": energy for label, energy in energies.items()}
        if not math.isfinite(total):
            raise TrainingDiverged(progress.step, found, before, progress.metrics["energy/total"])
        progress.metrics.update({"energy/validation": total, **found})
        if self.best is None or total < self.best.held_out:
            self.best, self.doubts = Compared(progress.state, float(progress.metrics["energy/total"]), total), 0
        else:
            self.doubts += 1
        return self.patience is not None and self.doubts >= self.patience

    @property
    def apart(self) -> float:
        """Nothing: other molecules have other energies."""
        return 0.0
