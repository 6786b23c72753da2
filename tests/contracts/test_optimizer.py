"""Every optimizer keeps the contract, and a broken one is refused."""

import dataclasses
import functools
from typing import ClassVar

import jax
import optax
import pytest

from nnks.testing import OPTIMIZER_CHECKS, OptimizerCase
from nnks.testing import optimizer as battery
from nnks.training import OPTIMIZERS, FirstOrder, TrainState
from nnks.training.state import energy_metrics


@functools.cache
def case(name):
    return OptimizerCase(OPTIMIZERS.build({"name": name}, steps=battery.STEPS))


@pytest.mark.parametrize("check", OPTIMIZER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_optimizer(name, check):
    check(case(name))


@dataclasses.dataclass(frozen=True)
class Broken:
    """Gradient descent with one thing wrong."""

    fault: str
    minibatch: ClassVar[bool] = True
    reports_end: ClassVar[bool] = False

    def init(self, problem, params, key):
        return ()

    def make_step(self, problem):
        calls = []
        rate = -0.01 if self.fault == "up" else 0.01

        @jax.jit
        def step(problem, state, count):
            (_, evaluated), gradient = jax.value_and_grad(problem.loss, has_aux=True)(
                state.params, state.key, state.step
            )
            params = jax.tree.map(lambda x, g: x - rate * (1 + count) * g, state.params, gradient)
            metrics = energy_metrics(evaluated.energies)
            if self.fault == "late":
                metrics["energy/total"] += 1e-6
            if self.fault != "silent":
                metrics["grad/norm"] = optax.tree.norm(gradient)
            stay = 0 if self.fault == "counter" else 1
            return TrainState(state.step + stay, params, (), state.key, state.evaluations + 1), metrics

        def counted(state):
            calls.append(1)  # what changes is kept outside the state
            return step(problem, state, float(len(calls)) if self.fault == "hidden" else 0.0)

        return counted


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("counter", battery.a_step_counts, "added 0 to state.step"),
        ("silent", battery.metrics_have_names, "the metrics lack grad/norm"),
        ("late", battery.energies_are_where_it_says, "`reports_end` is False"),
        ("up", battery.goes_down, "expected it to fall"),
        ("hidden", battery.same_state_same_step, "from one state gave two results"),
    ],
)
def test_a_broken_optimizer_is_refused(fault, check, words):
    with pytest.raises(AssertionError, match=words):
        check(OptimizerCase(Broken(fault)))


def test_a_transformation_alone_is_refused():
    with pytest.raises(AssertionError, match="lacks one of"):
        battery.is_an_optimizer(OptimizerCase(optax.adam(1e-2)))
    assert FirstOrder(optax.adam(1e-2)).minibatch
