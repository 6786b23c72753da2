r"""First-order steps on minibatches with a control variate.

It is the same batch's estimate at a state whose energy on the whole grid is known.

$$E = E(\tilde\theta) + \hat E(\theta) - \hat E(\tilde\theta), \qquad
  g = g(\tilde\theta) + \hat g(\theta) - \hat g(\tilde\theta)$$
Hats are estimates from one batch, and what they have in common cancels: the closer $\theta$ stays to the anchor
$\tilde\theta$, the less they vary. Both are unbiased where the batch's are. A step costs two gradients on a batch, and
one on the whole grid where the anchor is made anew.

References:
    Johnson, Zhang, NeurIPS 2013 (stochastic variance-reduced gradient).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from nnks.objective import Problem, whole
from nnks.registry import InputError
from nnks.training.gradient import FirstOrder, advance
from nnks.training.state import Metrics, StepFn, TrainState
from nnks.types import Array, Params, PRNGKey, record


@record
class Snapshot:
    """Parameters with their energies [Ha] and gradient on the whole grid."""

    params: Params
    energies: dict[str, Array]
    gradient: Params


@record
class ControlledState:
    """The anchor, and the state of the optax optimizer."""

    anchor: Snapshot
    first: Any


@dataclasses.dataclass(frozen=True)
class Controlled:
    """A first-order optimizer whose estimates have a control variate, anchored anew every so many steps."""

    first: FirstOrder
    every: int
    minibatch: bool = True
    reports_end: bool = False

    def check(self, problem: Problem) -> None:
        """Refuses what a control variate is nothing for.

        Raises:
            InputError: with what could be used.
        """
        if problem.sampler.exact:
            raise InputError(
                f"training.control_steps is {self.every}, and the whole grid leaves no variance to reduce; use "
                "training.control_steps=0, or a sampler of minibatches such as sampler.name='importance'."
            )
        if problem.model.gram == "ema" or problem.constraint is not None:
            raise InputError(
                f"training.control_steps is {self.every}, and a control variate needs an energy of the parameters and "
                "the batch alone; use orthogonalizer.gram='full' or 'batch' and "
                "orthogonalizer.constraint='reparameterize', or training.control_steps=0."
            )

    def prepare(self, problem: Problem, params: Params) -> Params:
        """The parameters as they are."""
        self.check(problem)
        return params

    def init(self, problem: Problem, params: Params, key: PRNGKey) -> ControlledState:
        """No anchor yet: the first step makes one."""
        _, metrics = jax.eval_shape(problem.loss, params, key, jnp.int32(0))
        energies = {name: jnp.zeros((), e.dtype) for name, e in metrics.energies.items()}
        anchor = Snapshot(params, energies, jax.tree.map(jnp.zeros_like, params))
        return ControlledState(anchor, self.first.init(problem, params, key))

    def make_step(self, problem: Problem) -> StepFn:
        """The compiled step; both problems' arrays, which are the same, are its arguments."""

        @jax.jit
        def step(problem: Problem, full: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
            return self._step(problem, full, state)

        full = whole(problem)
        return lambda state: step(problem, full, state)

    def _step(self, problem: Problem, full: Problem, state: TrainState) -> tuple[TrainState, Metrics]:
        old: ControlledState = state.opt_state
        due = state.step % self.every == 0
        anchor = jax.lax.cond(due, lambda: _anchored(full, state), lambda: old.anchor)
        (_, now), here = jax.value_and_grad(problem.loss, has_aux=True)(state.params, state.key, state.step)
        (_, then), there = jax.value_and_grad(problem.loss, has_aux=True)(anchor.params, state.key, state.step)
        gradient = jax.tree.map(lambda a, b, c: a + (b - c), anchor.gradient, here, there)
        energies = {name: e + (now.energies[name] - then.energies[name]) for name, e in anchor.energies.items()}
        inner = dataclasses.replace(state, opt_state=old.first)
        estimate = dataclasses.replace(now, energies=energies)
        new, metrics = advance(self.first.optimizer, problem, inner, gradient, estimate)
        evaluations = state.evaluations + 2 + due.astype(state.evaluations.dtype)
        return dataclasses.replace(
            new, opt_state=ControlledState(anchor, new.opt_state), evaluations=evaluations
        ), metrics


def _anchored(full: Problem, state: TrainState) -> Snapshot:
    """The anchor at a state's parameters."""
    (_, metrics), gradient = jax.value_and_grad(full.loss, has_aux=True)(state.params, state.key, state.step)
    return Snapshot(state.params, metrics.energies, gradient)
