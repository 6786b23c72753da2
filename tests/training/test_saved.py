"""What a checkpoint holds beside the state comes back bit for bit.

That is energies, seconds, the reason of the end, and what early stopping knows.
"""

import dataclasses
import math

import jax
import numpy as np
import pytest


@pytest.fixture
def ready(quick):
    from nnks.runs.plan import plan

    return plan(quick(ansatz__name="residual", ansatz__width=4, training__held_out_steps=1))


@pytest.fixture
def state(ready):
    from nnks import setup
    from nnks.training import begin

    key = setup.run_key(ready.config)
    return begin(ready.optimizer, ready.problem, ready.problem.init_params(key), key)


def through_files(saved, like, folder):
    from nnks.training.checkpoint import Checkpoints

    first = Checkpoints(folder)
    first.save(saved)
    first.close()
    again = Checkpoints(folder)
    restored = again.restore(like)
    again.close()
    return restored


def numbers(tree):
    leaves = [jax.random.key_data(x) if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key) else x for x in tree]
    return [np.asarray(leaf) for leaf in leaves]


def assert_same(one, other):
    for a, b in zip(numbers(jax.tree.leaves(one)), numbers(jax.tree.leaves(other)), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("compared", [0, 2, 7], ids=["nothing yet", "a few", "more than it keeps"])
def test_a_guard_goes_on_with_what_it_knew(compared, ready, state, tmp_path):
    from nnks.training.saved import Progressed, pack, unpack
    from nnks.training.validation import Compared

    stopping = ready.stopping
    like = pack(state, Progressed(), stopping.fresh())
    states = [jax.tree.map(lambda x: x, dataclasses.replace(state, step=state.step + n)) for n in range(compared)]
    for n, each in enumerate(states):
        stopping.recent.append(Compared(each, -1.0 - n / 3, -1.0 + n / 7))
    if states:
        stopping.best, stopping.doubts = Compared(states[1], -4 / 3, -6 / 7), 2
    now = dataclasses.replace(state, step=state.step + 9)
    saved = pack(now, Progressed(-1.0 / 3, 2.5, 0.1, 4), stopping)

    other = stopping.fresh()
    restored, progressed = unpack(through_files(saved, like, tmp_path), other)
    assert progressed == Progressed(-1.0 / 3, 2.5, 0.1, 4)
    assert_same(restored, now)
    assert other.doubts == stopping.doubts
    assert [(c.total, c.held_out) for c in other.recent] == [(c.total, c.held_out) for c in stopping.recent]
    if states:
        assert_same(other.best.state, states[1])
        assert other.better() is other.best.state
    else:
        assert other.best is None


def test_before_the_first_step_there_is_no_energy(state, tmp_path):
    from nnks.training.saved import Progressed, pack, unpack

    saved = pack(state, Progressed(), None)
    assert math.isnan(saved.total)
    restored, progressed = unpack(through_files(saved, saved, tmp_path), None)
    assert progressed == Progressed()
    assert_same(restored, state)
