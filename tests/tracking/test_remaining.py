"""Estimates of the time that is left: within a factor of three where they are said, and silence elsewhere."""

import math

import numpy as np
import pytest

THRESHOLDS = (1e-9, 1e-6)


def told(decades, steps=10_000, limit=math.inf, thresholds=THRESHOLDS, each=0.1):
    """(estimate, left) [s] after every step of a course of `log10(|g| / threshold)`, the last of which ends the run."""
    from nnks.tracking.remaining import Remaining

    remaining, pairs = Remaining(steps, limit, thresholds), []
    for step, above in enumerate(decades):
        metrics = {"grad/norm": THRESHOLDS[1] * 10**above, "energy/change": THRESHOLDS[0] * 10 ** (above - 1)}
        remaining.take(step, each * step, metrics)
        pairs.append((remaining.seconds(), each * (len(decades) - 1 - step)))
    return pairs


def share_right(pairs, off=1.0):
    said = [(estimate, left) for estimate, left in pairs if estimate is not None]
    right = [abs(estimate - left) < off or left / 3 <= estimate <= 3 * left for estimate, left in said]
    return len(said) / len(pairs), np.mean(right) if right else 1.0


def noise(size):
    return np.random.default_rng(0).normal(size=size)


@pytest.mark.parametrize(
    ("decades", "said_at_least"),
    [
        (np.linspace(6, -0.01, 400), 0.6),
        (np.linspace(6, -0.01, 400) + 0.2 * noise(400), 0.4),
        (6 - 6.01 * np.linspace(0, 1, 200) ** 2, 0.2),  # superlinear, as near a minimum
        (np.concatenate([np.full(200, 5.0), np.linspace(5, -0.01, 200)]) + 0.05 * noise(400), 0.2),  # a plateau before
    ],
    ids=["linear", "linear with noise", "superlinear", "after a plateau"],
)
def test_what_is_said_of_a_run_that_converges_is_within_a_factor_of_three(decades, said_at_least):
    said, right = share_right(told(decades))
    assert said >= said_at_least
    assert right >= 0.8


def test_a_run_that_stagnates_is_ended_by_its_steps():
    """Neither "39 minutes" at its beginning nor a convergence that never comes."""
    course = 4 + 0.1 * noise(1000)
    said, right = share_right(told(course, steps=1000))
    assert right >= 0.95
    assert said > 0.3


def test_a_run_that_may_converge_at_once_is_not_given_the_time_of_all_its_steps():
    """Of 10,000 steps it takes 30: three seconds, not a quarter of an hour."""
    pairs = told(np.linspace(6, -0.1, 30))
    assert all(estimate is None or estimate < 10 for estimate, _ in pairs)


def test_minibatches_take_all_their_steps_or_seconds():
    pairs = told(3 + noise(500), steps=500, thresholds=None)
    assert share_right(pairs[10:]) == (1.0, 1.0)
    pairs = told(3 + noise(500), steps=10**9, limit=49.9, thresholds=None)
    assert share_right(pairs[10:]) == (1.0, 1.0)


def test_nothing_is_said_before_an_optimizer_has_handed_over():
    from nnks.tracking.remaining import PHASE, Remaining
    from nnks.training import two_phase

    assert PHASE == two_phase.PHASE
    remaining = Remaining(100, thresholds=THRESHOLDS)
    for step in range(50):
        remaining.take(
            step, step, {PHASE: two_phase.FIRST_PHASE, "grad/norm": 10.0**-step, "energy/change": 10.0**-step}
        )
    assert remaining.seconds() is None
