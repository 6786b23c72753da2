"""Fock matrices are derivatives of the energy, whatever the terms read."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="module")
def system():
    from nnks import setup
    from nnks.config import default_config, override

    changes = {"system.molecule": "LiH", "system.basis": "sto-3g", "quadrature.level": 0}
    return setup.make_system(override(default_config(), changes))


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A term of a user's own, which says nothing of what it reads but its order."""

    what: str = "gradient"
    name: str = "penalty"
    order: int = 1

    def __call__(self, x, y):
        density = x.density()
        if self.what == "tau":
            return x.quadrature.integrate(jnp.sum(density.tau, axis=0) ** 2)
        return 0.1 * x.quadrature.integrate(jnp.sum(density.gradient**2, axis=(0, 2)))


jax.tree_util.register_static(Penalty)


@pytest.mark.parametrize("beforehand", [False, True], ids=["each time", "linear terms beforehand"])
@pytest.mark.parametrize("xc", ["lda,vwn", "pbe,pbe"])
@pytest.mark.parametrize("what", ["gradient", "tau"])
def test_a_term_of_ones_own_is_in_the_fock_matrix(what, xc, beforehand, system):
    r"""$\partial E/\partial C = 2nFC$, the left side by differences, whose error is of the order of h^2."""
    from nnks.functional import Functional
    from nnks.functional.exchange_correlation import ExchangeCorrelation
    from nnks.functional.kinetic import QuadratureKinetic
    from nnks.interop.libxc import make_xc
    from nnks.scf import BasisEnergy

    functional = Functional((QuadratureKinetic(), ExchangeCorrelation(make_xc(xc)), Penalty(what)))
    quadrature = system.grid.quadrature()
    energy = BasisEnergy(functional, system.blocks(system.grid, 1), quadrature)
    energy = energy.with_matrices(1) if beforehand else energy
    n = jnp.asarray(system.occupations)
    of = jax.jit(lambda energy, c: energy(c, n))
    rng = np.random.default_rng(0)
    c, d = rng.normal(size=(2, 1, system.mole.nao, n.shape[1])) * 0.3
    h = 1e-5
    slope = (of(energy, c + h * d)[0]["total"] - of(energy, c - h * d)[0]["total"]) / (2 * h)
    expected = 2 * jnp.einsum("si,sbi,sbc,sci->", n, d, of(energy, c)[1], c)
    assert float(slope) == pytest.approx(float(expected), rel=1e-6)


@dataclasses.dataclass(frozen=True)
class Shifted:
    """A linear term with a constant, as the nuclei in a field have one [Ha]."""

    name: str = "shifted"
    order: int = 0
    linear = True

    def __call__(self, x, y):
        return 1.5 + x.quadrature.integrate(x.density().total * x.quadrature.points[:, 2])


jax.tree_util.register_static(Shifted)


def test_energies_are_the_same_with_linear_terms_beforehand(system):
    """Term by term, constants included."""
    from nnks.functional import Functional
    from nnks.functional.exchange_correlation import ExchangeCorrelation
    from nnks.functional.kinetic import QuadratureKinetic
    from nnks.functional.nuclear import Nuclear
    from nnks.interop.libxc import make_xc
    from nnks.scf import BasisEnergy, fock

    nuclear = Nuclear(jnp.asarray(system.molecule.positions), system.charges)
    terms = QuadratureKinetic(), Shifted(), nuclear, ExchangeCorrelation(make_xc("pbe,pbe"))
    energy = BasisEnergy(Functional(terms), system.blocks(system.grid, 1), system.grid.quadrature())
    c = jnp.asarray(np.random.default_rng(1).normal(size=(1, system.mole.nao, 2)) * 0.3)
    n = jnp.asarray(system.occupations)
    each, matrix = fock(energy, c, n)
    beforehand, other = fock(energy.with_matrices(1), c, n)
    assert float(each["nuclear"]) > 0.9
    for name, value in each.items():
        assert float(beforehand[name]) == pytest.approx(float(value), abs=1e-10), name  # sums in another order
    np.testing.assert_allclose(matrix, other, atol=1e-10)
