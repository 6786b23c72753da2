"""Every sampler keeps the contract, and a broken one is refused. What is particular to one: tests/quadrature."""

import functools

import jax
import jax.numpy as jnp
import pytest

from nnks.quadrature import SAMPLERS, Batch, make_sampler
from nnks.testing import SAMPLER_CHECKS, SamplerCase, toys
from nnks.testing import sampler as battery
from nnks.types import record, static

SIZE = 48
SECTIONS = {
    "full": {"name": "full"},
    "uniform": {"name": "uniform", "batch_size": SIZE, "replacement": False},
    "uniform, replaced": {"name": "uniform", "batch_size": SIZE, "replacement": True},
    "stratified": {"name": "stratified", "batch_size": SIZE},
    "importance": {"name": "importance", "batch_size": SIZE},
    "importance, independent": {"name": "importance", "batch_size": SIZE, "systematic": False},
}


@functools.cache
def case(name):
    grid = toys.grid()
    density = jnp.exp(-1.5 * jnp.linalg.norm(grid.points, axis=1))
    return SamplerCase(make_sampler(SECTIONS[name], grid, density))


def test_every_member_is_tested():
    assert {section["name"] for section in SECTIONS.values()} == set(SAMPLERS)


@pytest.mark.parametrize("check", SAMPLER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SECTIONS)
def test_sampler(name, check):
    check(case(name))


@record
class Broken:
    """Uniform draws with one thing wrong."""

    weights: jax.Array
    fault: str = static(default="")
    size: int = static(default=SIZE)
    exact: bool = static(default=False)

    def draw(self, key, step):
        points = len(self.weights)
        stay = key if self.fault == "step" else jax.random.fold_in(key, step)
        x, y = (stay, stay) if self.fault == "twins" else jax.random.split(stay)
        low = 1 if self.fault == "first point" else 0
        index = [jax.random.randint(k, (self.size,), low, points) for k in (x, y)]
        scale = points / (self.size - 8 if self.fault == "scale" else self.size)
        if self.fault == "half":
            index = [i[: self.size // 2] for i in index]
        return tuple(Batch(index=i, weights=self.weights[i] * scale) for i in index)


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("half", battery.is_a_sampler, "have shapes \\(\\(24,\\), \\(24,\\)\\); expected \\(48,\\)"),
        ("scale", battery.one_point_sums_are_unbiased, "the mean sum over the first batch is"),
        ("twins", battery.pair_sums_are_unbiased, "the mean pair sum is"),
        ("twins", battery.batches_are_independent, "the correlation of the two batches' sums is"),
        ("step", battery.same_key_and_step_same_batch, "another step gave the same batch"),
    ],
)
def test_a_broken_sampler_is_refused(fault, check, words):
    with pytest.raises(AssertionError, match=words):
        check(SamplerCase(Broken(toys.grid().weights, fault)))


def test_a_sampler_that_only_claims_to_be_exact_is_refused():
    with pytest.raises(AssertionError, match="the sorted index has shape \\(48,\\); expected \\(480,\\)"):
        battery.exact_means_exact(SamplerCase(Broken(toys.grid().weights, exact=True)))
