"""Members of a user's own that are none are refused in one sentence, before anything is compiled."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from nnks.orthogonalize import ORTHOGONALIZERS
from nnks.quadrature import SAMPLERS, Batch
from nnks.registry import InputError
from nnks.training import OPTIMIZERS
from nnks.types import record, static


@record
class Mix:
    positive: bool = static(default=False)

    def __call__(self, values, weights):
        return jnp.eye(len(values))


@record
class VectorMix(Mix):
    def __call__(self, values, weights):
        return weights


@record
class TupleMix(Mix):
    def __call__(self, values, weights):
        return values, weights


@record
class RaisingMix(Mix):
    def __call__(self, values, weights):
        raise ArithmeticError("no square root today")


@record
class IntegerMix(Mix):
    def __call__(self, values, weights):
        return jnp.eye(len(values), dtype=int)


@record
class NoSign:
    def __call__(self, values, weights):
        return jnp.eye(len(values))


@dataclasses.dataclass
class NoRecord:
    positive: bool = False

    def __call__(self, values, weights):
        return jnp.eye(len(values))


MIXES = {
    VectorMix: "returned [7]; expected [n, n] for values [n, points] = [3, 7]",
    TupleMix: "returned of type tuple; expected an array [n, n]",
    RaisingMix: "fails with ArithmeticError: no square root today (",
    IntegerMix: "returned of type int64; expected real numbers",
    NoSign: "is a NoSign without `positive`",
    NoRecord: "which JAX cannot take apart; make it a class with the decorator nnks.types.record",
}


@record
class Drawn:
    weights: Any
    size: int = static(default=20)
    exact: bool = static(default=False)

    def draw(self, key, step):
        batch = Batch(jnp.arange(20), self.weights[:20])
        return batch, batch


@record
class One(Drawn):
    def draw(self, key, step):
        return Batch(jnp.arange(20), self.weights[:20])


@record
class Short(Drawn):
    def draw(self, key, step):
        return (Batch(jnp.arange(10), self.weights[:10]),) * 2


@record
class Real(Drawn):
    def draw(self, key, step):
        batch = object.__new__(Batch)  # as in a project whose types are not checked
        object.__setattr__(batch, "index", self.weights[:20])
        object.__setattr__(batch, "weights", self.weights[:20])
        return batch, batch


@record
class NoDraw:
    weights: Any
    size: int = static(default=20)
    exact: bool = static(default=False)


SAMPLERS_WRONG = {
    One: "draws a Batch; expected two nnks.quadrature.Batch, (x, y)",
    Short: "draws weights [10]; expected [size] = [20]",
    Real: "draws an index of type float64; expected whole numbers",
}


@dataclasses.dataclass
class Steps:
    steps: int
    minibatch = True
    reports_end = False

    def init(self, problem, params, key):
        return ()

    def make_step(self, problem):
        return lambda state: (state, {})


class FailingInit(Steps):
    def init(self, problem, params, key):
        return params["momentum"]


@dataclasses.dataclass
class NoInit:
    minibatch = True


@dataclasses.dataclass
class FailingConstructor(Steps):
    def __post_init__(self):
        raise ValueError("rates must fall")


OPTIMIZERS_WRONG = {
    FailingInit: "fails in `init` with KeyError: momentum (",
    NoInit: "is a NoInit without `reports_end`, `init`, `make_step`",
    FailingConstructor: "cannot be made: ValueError: rates must fall (",
}


@pytest.fixture
def refused(monkeypatch, quick):
    """What is said of a member that is registered for one test."""
    from nnks.config import complete
    from nnks.runs.plan import sketch

    def say(registry, section, make, **others):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        registry.register("mine", "a user's own")(make)
        config = quick(**others)
        with config.unlocked():
            config[section] = {"name": "mine"}
        with pytest.raises(InputError) as refusal:
            sketch(complete(config))
        assert str(refusal.value).isprintable()
        return str(refusal.value)

    return say


@pytest.mark.parametrize("kind", MIXES, ids=lambda kind: kind.__name__)
def test_a_wrong_orthogonalizer_is_refused(kind, refused):
    text = refused(ORTHOGONALIZERS, "orthogonalizer", kind)
    assert text.startswith("orthogonalizer 'mine' ")
    assert MIXES[kind] in text


@pytest.mark.parametrize("kind", SAMPLERS_WRONG, ids=lambda kind: kind.__name__)
def test_a_wrong_sampler_is_refused(kind, refused):
    def make(*, grid):
        return kind(grid.weights)

    text = refused(SAMPLERS, "sampler", make, optimizer__name="adam")
    assert text.startswith("sampler 'mine' ")
    assert SAMPLERS_WRONG[kind] in text


@pytest.mark.parametrize("kind", OPTIMIZERS_WRONG, ids=lambda kind: kind.__name__)
def test_a_wrong_optimizer_is_refused(kind, refused):
    text = refused(OPTIMIZERS, "optimizer", kind)
    assert text.startswith("optimizer 'mine' ")
    assert OPTIMIZERS_WRONG[kind] in text


def test_a_sampler_without_draw_is_refused():
    from nnks.setup.own import check_sampler

    with pytest.raises(InputError, match="sampler 'mine' is a NoDraw without `draw`"):
        check_sampler("mine", NoDraw(jnp.ones(30)))


def test_right_members_are_let_through():
    from nnks.setup.own import check_optimizer, check_orthogonalizer, check_sampler

    check_orthogonalizer("mine", Mix())
    check_sampler("mine", Drawn(jnp.ones(30)))
    check_optimizer("mine", Steps(3))
    assert jax.tree.leaves(Drawn(jnp.ones(30)))
