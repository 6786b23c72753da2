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
