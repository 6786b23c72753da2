"""Every ansatz keeps the contract, and a broken one is refused by the check that it breaks."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from nnks.ansatz import ANSATZE
from nnks.config import override
from nnks.setup.learned import learned_set
from nnks.testing import ANSATZ_CHECKS, AnsatzCase, check_ansatz, toys
from nnks.testing import ansatz as battery

DETERMINISTIC = {"lcgto", "gaussian_learned"}
ELSEWHERE = {"neural", "learned_basis"}  # start near the guess, not at it


@functools.cache
def start(name, molecule):
    if name != "learned_basis":
        return toys.start(molecule)
    learned = learned_set(
        override(toys.config(molecule), {"ansatz": {"name": name, "basis": "new", "elements": "H,Li"}})
    )
    placement = learned.placement(toys.system(molecule).molecule.symbols)
    return dataclasses.replace(toys.start(molecule), learned=learned, placement=placement)


@functools.cache
def case(name, molecule):
    return AnsatzCase(
        ANSATZE[name].make(),
        start(name, molecule),
        starts_at_guess=name not in ELSEWHERE,
        deterministic=name in DETERMINISTIC,
    )


@pytest.mark.parametrize("check", ANSATZ_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", sorted(ANSATZE))
@pytest.mark.parametrize("molecule", [toys.RESTRICTED, toys.UNRESTRICTED])
def test_ansatz(name, molecule, check):
    if name == "learned_basis" and molecule == toys.UNRESTRICTED and check.__name__ == "every_parameter_matters":
        pytest.skip("of a set of elements an atom uses its own")
    check(case(name, molecule))


def test_random_coefficients_start_elsewhere():
    check_ansatz(ANSATZE["lcgto"].make(guess="random"), toys.start(toys.UNRESTRICTED), starts_at_guess=False)


class Sound(nn.Module):
    """Keeps the contract; each class below breaks it in one way."""

    guess: str = "scf"

    def amplitude(self, d2):
        h = nn.tanh(nn.Dense(4, param_dtype=d2.dtype, bias_init=nn.initializers.normal(0.5))(d2[None] / (1 + d2)))
        return nn.Dense(1, param_dtype=d2.dtype, kernel_init=nn.initializers.zeros)(h)[0]

    def factor(self, d2):
        return 1 + self.amplitude(d2)

    @nn.compact
    def __call__(self, r, start):
        return start.orbitals(r) * self.factor(jnp.sum((r - start.basis.centers[0]) ** 2))


class TwoOrbitals(Sound):
    @nn.compact
    def __call__(self, r, start):
        return jnp.repeat(start.orbitals(r) * self.factor(jnp.sum((r - start.basis.centers[0]) ** 2)), 2, axis=1)


class Single(Sound):
    @nn.compact
    def __call__(self, r, start):
        return (start.orbitals(r) * self.factor(jnp.sum((r - start.basis.centers[0]) ** 2))).astype(jnp.float32)


class Double(Sound):
    def factor(self, d2):
        return 1 + self.amplitude(d2) * jnp.ones((), jnp.float64)


class Elsewhere(Sound):
    def factor(self, d2):
        return 1.1 + self.amplitude(d2)


class Dead(Sound):
    def factor(self, d2):
        self.param("unused", nn.initializers.normal(), (3,), d2.dtype)
        return 1 + self.amplitude(d2)


class Kink(Sound):
    def factor(self, d2):
        return 1 + self.amplitude(jnp.sqrt(d2))


class Endless(Sound):
    def factor(self, d2):
        return 1 + self.amplitude(d2) * jnp.exp(d2)


class Slope(Sound):
    def factor(self, d2):
        return 1 + self.amplitude(jax.lax.stop_gradient(d2))


class Retyped(Sound):
    @nn.compact
    def __call__(self, r, start):
        scale = self.param("scale", lambda _: jnp.asarray(1.0))  # a Python number, which arithmetic makes an array
        return start.orbitals(r) * scale * self.factor(jnp.sum((r - start.basis.centers[0]) ** 2))


class Seeded(Sound):
    def amplitude(self, d2):
        return d2 / (1 + d2) ** 2 * self.param("scale", lambda _: jnp.zeros((), d2.dtype))


class Contradicting(nn.Module):
    """Offers coordinates that are not those of its values."""

    guess: str = "scf"

    def setup(self):
        pass

    @nn.compact
    def coordinates(self, start):
        init = nn.initializers.normal()
        return start.coordinates + self.param("rotation", init, start.coordinates.shape, start.frame.dtype)

    def __call__(self, r, start):
        return 2 * jnp.einsum("b,sbn,sni->si", start.basis(r), start.frame, self.coordinates(start))


def test_a_sound_ansatz_passes():
    check_ansatz(Sound(), toys.one_function_start())


@pytest.mark.parametrize(
    ("broken", "check", "words"),
    [
        (TwoOrbitals, battery.one_point_in_all_orbitals_out, "expected \\(spin, orbitals\\) = \\(1, 1\\)"),
        (Single, battery.one_point_in_all_orbitals_out, "float32; expected float64"),
        (Double, battery.single_precision_stays_single, "float64 for float32 input"),
        (Elsewhere, battery.starts_at_the_guess, "an initial orbital at index"),
        (Dead, battery.every_parameter_matters, "do not depend on params\\['unused'\\]"),
        (Kink, battery.finite_everywhere, "a gradient is not finite at r = "),
        (Endless, battery.decays_far_away, "at a distance of 30 Bohr"),
        (Slope, battery.gradient_is_the_finite_difference, "the slope of an orbital at index"),
        (Retyped, battery.compiles_once, "compiled 2 times"),
        (Seeded, battery.same_key_same_parameters, "two keys gave the same parameters"),
        (Contradicting, battery.linear_parts_agree, "an orbital at index"),
    ],
)
def test_a_broken_ansatz_is_refused(broken, check, words):
    with pytest.raises(AssertionError, match=words):
        check(AnsatzCase(broken(), toys.one_function_start()))
