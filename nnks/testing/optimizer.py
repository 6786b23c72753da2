"""The contract of an optimizer: a pure step from one training state to the next, that goes down."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.objective import Problem
from nnks.testing import toys
from nnks.testing.expect import expect, run_checks
from nnks.training import Optimizer, TrainState, begin
from nnks.training.state import Metrics
from nnks.types import Params

STEPS = 12


class OptimizerCase:
    """An optimizer on a problem, and the states and metrics of a dozen steps.

    Args:
        optimizer: as a config would make it.
        problem: None for `toys.problem()`.
    """

    def __init__(self, optimizer: Any, problem: Problem | None = None):
        self.optimizer = optimizer
        self.problem = toys.problem() if problem is None else problem

    @functools.cached_property
    def step(self) -> Callable[[TrainState], tuple[TrainState, Metrics]]:
        """The compiled step."""
        return self.optimizer.make_step(self.problem)

    @functools.cached_property
    def run(self) -> tuple[list[TrainState], list[Metrics]]:
        """States before and after each step, and the metrics of each."""
        key = jax.random.key(0)
        ansatz = self.problem.model.ansatz
        params: Params = toys.noisy(jax.jit(ansatz.init_params)(key), 1, 0.3)
        states, metrics = [begin(self.optimizer, self.problem, params, key)], []
        for _ in range(STEPS):
            state, numbers = self.step(states[-1])
            states.append(state)
            metrics.append(numbers)
        return states, metrics


def is_an_optimizer(case: OptimizerCase) -> None:
    """`minibatch`, `reports_end`, `init` and `make_step`."""
    expect(
        isinstance(case.optimizer, Optimizer),
        f"{case.optimizer} lacks one of `minibatch`, `reports_end`, `init`, `make_step`.",
    )
    for name in ("minibatch", "reports_end"):
        kind = type(getattr(case.optimizer, name))
        expect(kind is bool, f"`{name}` is a {kind.__name__}; expected True or False.")


def a_step_counts(case: OptimizerCase) -> None:
    """A step adds one to `step` and what it used to `evaluations`, and keeps the shape of everything else."""
    states, _ = case.run
    for before, after in itertools.pairwise(states):
        taken, used = int(after.step - before.step), int(after.evaluations - before.evaluations)
        expect(taken == 1, f"a step added {taken} to state.step; expected 1.")
        expect(used >= 1, f"a step added {used} to state.evaluations; expected at least one energy gradient.")
        expect(
            jax.tree.map(jnp.shape, before) == jax.tree.map(jnp.shape, after),
            "a step changed the shape of the state; expected the same, or every step is compiled anew.",
        )


def metrics_have_names(case: OptimizerCase) -> None:
    """Every term, the total and the gradient norm are reported as finite scalars."""
    wanted = {f"energy/{term.name}" for term in case.problem.functional.terms} | {"energy/total", "grad/norm"}
    for numbers in case.run[1]:
        missing = sorted(wanted - set(numbers))
        expect(not missing, f"the metrics lack {', '.join(missing)}; expected `energy_metrics(...)` and 'grad/norm'.")
        for name, value in numbers.items():
            expect(jnp.shape(value) == () and np.isfinite(value), f"{name} is {value}; expected a finite scalar.")


def energies_are_where_it_says(case: OptimizerCase) -> None:
    """`energy/total` is that of the state after the step if `reports_end`, else of the one before."""
    states, metrics = case.run
    step = STEPS // 2
    total, key = float(metrics[step]["energy/total"]), jax.random.key(0)
    energy = float(case.problem.loss(states[step + case.optimizer.reports_end].params, key, jnp.int32(0))[0])
    expect(
        abs(total - energy) <= 1e-9 * max(1.0, abs(energy)),
        f"`reports_end` is {case.optimizer.reports_end}, and a step reported {total:.9f} Ha where that state has "
        f"{energy:.9f} Ha.",
    )


def goes_down(case: OptimizerCase) -> None:
    """A dozen steps lower the energy."""
    first, last = (float(case.run[1][n]["energy/total"]) for n in (0, -1))
    expect(last < first, f"the energy went from {first:.9f} to {last:.9f} Ha in {STEPS} steps; expected it to fall.")


def same_state_same_step(case: OptimizerCase) -> None:
    """A step is pure: from a state that was stored and read again it does the same, bit for bit."""
    states, _ = case.run
    leaves, tree = jax.tree.flatten(states[5])
    stored = [x if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else jnp.asarray(np.array(x)) for x in leaves]
    again, _ = case.step(jax.tree.unflatten(tree, stored))
    pairs = zip(jax.tree.leaves(again.params), jax.tree.leaves(states[6].params), strict=True)
    expect(
        all(np.array_equal(a, b) for a, b in pairs),
        "a step from one state gave two results; expected everything that changes to be in the state.",
    )


OPTIMIZER_CHECKS: tuple[Callable[[OptimizerCase], None], ...] = (
    is_an_optimizer,
    a_step_counts,
    metrics_have_names,
    energies_are_where_it_says,
    goes_down,
    same_state_same_step,
)
"""One property each, of an `OptimizerCase`."""


def check_optimizer(optimizer: Optimizer, problem: Problem | None = None) -> None:
    """Runs the whole battery on an optimizer such as `LBFGS()`.

    Raises:
        AssertionError: with a sentence, for the first property that does not hold.
    """
    run_checks(OPTIMIZER_CHECKS, OptimizerCase(optimizer, problem))
