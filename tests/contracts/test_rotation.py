"""Every rotation keeps the contract, a broken one is refused; and both maps are what their names say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from nnks.orthogonalize import ORTHOGONALIZERS, Exponential, Rotation
from nnks.testing import ROTATION_CHECKS, RotationCase
from nnks.testing import rotation as battery
from nnks.types import record, static

MEMBERS = sorted(name for name in ORTHOGONALIZERS if isinstance(ORTHOGONALIZERS[name].make(), Rotation))


@functools.cache
def case(name):
    return RotationCase(ORTHOGONALIZERS[name].make())


@pytest.mark.parametrize("check", ROTATION_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("member", MEMBERS)
def test_rotation(member, check):
    check(case(member))


def test_there_are_two():
    assert MEMBERS == ["cayley", "exponential"]


@record
class Broken:
    """The exponential with one thing wrong."""

    fault: str = static(default="")

    def rotate(self, reference, raw):
        if self.fault == "twice":
            raw = reference + 2 * (raw - reference)
        if self.fault == "empty":
            reference = reference.at[:, -1].set(jnp.eye(len(raw))[-1])
        psi = Exponential().rotate(reference, raw)
        if self.fault == "scale":
            return psi * (1 + 1e-9)
        if self.fault == "gradient":
            return psi + jax.lax.stop_gradient(raw) - raw
        if self.fault == "frame":
            return Exponential().rotate(reference, raw.at[0].add(raw[1] - reference[1]))
        return psi.astype(jnp.float64) if self.fault == "dtype" else psi


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("dtype", battery.is_a_rotation, "orbitals of float32 input are in float64"),
        ("scale", battery.orthonormal, "the overlap at 0.1 rad"),
        ("empty", battery.orthonormal, "the overlap at 0.1 rad"),
        ("twice", battery.starts_at_the_reference, "a small change"),
        ("frame", battery.follows_the_frame, "in a turned frame"),
        ("gradient", battery.first_derivative, "the slope at the reference"),
    ],
)
def test_a_broken_rotation_is_refused(fault, check, words):
    with pytest.raises(AssertionError, match=words):
        check(RotationCase(Broken(fault)))


@pytest.mark.parametrize("angle", [0.01, 1.0, 50.0])
@pytest.mark.parametrize("member", MEMBERS)
def test_it_is_the_map_of_the_whole_generator(member, angle):
    """Of an antisymmetric matrix with all basis functions in it."""
    one, c = np.eye(battery.FUNCTIONS), case(member)
    w = np.asarray(c.reference)
    change = angle * np.where(np.arange(battery.ORBITALS) < battery.OCCUPIED, c.change, 0)
    z = change - w @ (w.T @ change)
    a = z @ w.T - w @ z.T
    rotation = {
        "exponential": lambda: scipy.linalg.expm(a),
        "cayley": lambda: np.linalg.solve(one - a / 2, one + a / 2),
    }
    np.testing.assert_allclose(c.rotate(w, w + change), rotation[member]() @ w, atol=1e-12)
