"""An ansatz of a user's own that is none is refused in one sentence, before anything is compiled."""

import dataclasses
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from nnks.ansatz import ANSATZE
from nnks.registry import InputError


def orbitals(start, values=1.0):
    return jnp.full(start.coordinates.shape[::2], values)


class Plain(nn.Module):
    """Right, for others to break."""

    guess: str = "random"

    @nn.compact
    def __call__(self, r, start):
        return self.out(self.param("scale", nn.initializers.ones, (), r.dtype) * jnp.exp(-jnp.sum(r**2)), start)

    def out(self, s, start):
        return s * orbitals(start)


class Flat(Plain):
    def out(self, s, start):
        return s * orbitals(start)[0]


class Scalar(Plain):
    def out(self, s, start):
        return s


class Tuple(Plain):
    def out(self, s, start):
        return s * orbitals(start), s


class Dictionary(Plain):
    def out(self, s, start):
        return {"orbitals": s * orbitals(start)}


class Nothing(Plain):
    def out(self, s, start):
        return None


class Text(Plain):
    def out(self, s, start):
        return "orbitals"


class Single(Plain):
    def out(self, s, start):
        return (s * orbitals(start)).astype(jnp.float32)


class Integers(Plain):
    def out(self, s, start):
        return orbitals(start).astype(int)


class Complex(Plain):
    def out(self, s, start):
        return 1j * s * orbitals(start)


class Raises(Plain):
    def out(self, s, start):
        raise KeyError("no such\nlayer")


class Branches(Plain):
    def out(self, s, start):
        return s * orbitals(start) if s > 0 else orbitals(start)


class Listed(Plain):
    layers: list = dataclasses.field(default_factory=lambda: [8, 8])


class Untrainable(nn.Module):
    guess: str = "random"

    def __call__(self, r, start):
        return orbitals(start)


class IntegerParameter(Plain):
    def out(self, s, start):
        return s * orbitals(start) + self.param("n", lambda _: jnp.arange(3))[0]


class NoGuess(nn.Module):
    width: int = 3

    def __call__(self, r, start):
        return orbitals(start)


class NeedsWidth(nn.Module):
    width: int
    guess: str = "random"

    def __call__(self, r, start):
        return orbitals(start)


class Refuses(Plain):
    def __post_init__(self):
        super().__post_init__()
        raise RuntimeError("not today")


class Coordinates(nn.Module):
    guess: str = "random"

    @nn.compact
    def coordinates(self, start):
        return self.param("rotation", nn.initializers.zeros, start.coordinates.shape[1:], start.frame.dtype)

    def __call__(self, r, start):
        return orbitals(start) * jnp.sum(self.coordinates(start))


class Functions(Plain):
    def functions(self, r, start):
        return jnp.zeros((2, 3))


class FunctionsAlone(Plain):
    def functions(self, r, start):
        return jnp.zeros(3)


class NotANumber(Plain):
    def out(self, s, start):
        return s * orbitals(start, jnp.nan)


class SingularAtNuclei(nn.Module):
    guess: str = "random"

    @nn.compact
    def __call__(self, r, start):
        return orbitals(start) * self.param("scale", nn.initializers.ones, (), r.dtype) / jnp.sum(r**2)


class NotANumberParameter(Plain):
    def out(self, s, start):
        return orbitals(start) * s * self.param("bad", lambda _: jnp.asarray(jnp.nan))


@dataclasses.dataclass
class NoModule:
    guess: str = "random"


REFUSED = {
    Flat: "returned [1]; expected [spin, orbitals] = [1, 1]",
    Scalar: "returned a single number; expected [spin, orbitals] = [1, 1]",
    Tuple: "returned a tuple of 2; expected an array [spin, orbitals] = [1, 1]",
    Dictionary: "returned a dict; expected an array",
    Nothing: "returned nothing; expected an array",
    Text: "fails in `__call__` with TypeError",
    Single: "of type float32; expected float64",
    Integers: "of type int64; expected float64",
    Complex: "of type complex128; expected float64",
    Raises: "KeyError: no such layer (",
    Branches: "TracerBoolConversionError",
    Listed: "ansatz.layers is [8, 8]; use a tuple",
    Untrainable: "has no parameters",
    IntegerParameter: "has the parameter 'n' of type int64",
    NoGuess: "has no field `guess`",
    NeedsWidth: "cannot be made: TypeError: NeedsWidth.__init__() missing 1 required positional argument: 'width'",
    Refuses: "cannot be made: RuntimeError: not today",
    Coordinates: "has coordinates [2, 1]; expected [spin, n, orbitals] = [1, 2, 1]",
    Functions: "has functions [2, 3]; expected [functions]",
    FunctionsAlone: "has a parameter `coefficients`, nothing; "
    "expected an array [spin, functions, orbitals] = [1, 3, 1]",
    NoModule: "is a NoModule; expected a flax module",
}
NOT_FINITE = {
    NotANumber: "starts with orbitals that are not finite",
    SingularAtNuclei: "not finite (nan or infinite) at a nucleus, r = (0, 0, 0) Bohr",
    NotANumberParameter: "the parameter 'bad', which is not finite",
}


@pytest.fixture
def own(monkeypatch, quick):
    """The config of a run by a class that is registered for one test."""
    from nnks.config import complete

    def make(kind):
        monkeypatch.setattr(ANSATZE, "_entries", dict(ANSATZE._entries))
        ANSATZE.register("mine", "a user's own")(kind)
        config = quick()
        with config.unlocked():
            config.ansatz = {"name": "mine"}
        return complete(config)

    return make


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_a_wrong_ansatz_is_refused_in_one_line(kind, own):
    from nnks.runs.plan import sketch

    with pytest.raises(InputError) as refusal:
        sketch(own(kind))
    text = str(refusal.value)
    assert text.startswith("ansatz 'mine' ")
    assert REFUSED[kind] in text
    assert text.isprintable()
    assert len(text) < 500


def test_an_error_of_the_users_own_names_file_and_line(own):
    from nnks.runs.plan import sketch

    with pytest.raises(InputError, match=r"test_check\.py:\d+\)"):
        sketch(own(Raises))


@pytest.mark.parametrize("kind", NOT_FINITE, ids=lambda kind: kind.__name__)
def test_a_start_that_is_not_finite_is_refused(kind, own):
    from nnks.runs.plan import plan

    with pytest.raises(InputError, match=re.escape(NOT_FINITE[kind])):
        plan(own(kind))


def test_a_right_ansatz_is_planned(own):
    from nnks.runs.plan import plan, sketch

    config = own(Plain)
    assert sketch(config).describe()["parameters"] == "1"
    assert jax.tree.leaves(plan(config).problem.model.ansatz.start)
