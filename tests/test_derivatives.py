"""A derivative that is not programmed raises; it is not zero."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="module")
def integral():
    """A sum over blocks of the basis, as a function of the blocks, coefficients and occupations, and these."""
    from nnks import blocks, setup
    from nnks.config import default_config, override

    changes = {"system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": 0}
    system = setup.make_system(override(default_config(), changes))
    table = system.blocks(system.grid, 0)

    def energy(table, coefficients, occupations):
        return blocks.integral(table, lambda density: density.total**1.3, coefficients, occupations)

    return energy, table, jnp.full((1, 2, 1), 0.5), jnp.full((1, 1), 2.0)


def test_the_one_that_exists_is_that_of_differences(integral):
    energy, table, c, n = integral
    slope, h = jax.jit(jax.grad(energy, 1))(table, c, n), jnp.zeros_like(c).at[0, 1, 0].set(1e-5)
    assert float((energy(table, c + h, n) - energy(table, c - h, n)) / 2e-5) == pytest.approx(
        float(slope[0, 1, 0]), 1e-6
    )


@pytest.mark.parametrize("compiled", [True, False])
def test_others_raise(compiled, integral):
    from nnks.derivatives import NoDerivative

    energy, table, c, n = integral

    def of_centers(centers):
        return energy(dataclasses.replace(table, basis=dataclasses.replace(table.basis, centers=centers)), c, n)

    wrap = jax.jit if compiled else (lambda function: function)
    with pytest.raises(NoDerivative, match="'occupations' is not programmed, only that by 'coefficients'"):
        wrap(jax.grad(energy, 2))(table, c, n)
    with pytest.raises(NoDerivative, match="'table'"):
        wrap(jax.grad(of_centers))(table.basis.centers)


def test_streamed_potentials_have_one_by_charges_alone():
    from nnks.coulomb.potentials import fitting_potentials
    from nnks.coulomb.streamed import _projection
    from nnks.derivatives import NoDerivative
    from nnks.interop import coulomb, pyscf
    from nnks.molecule import Molecule

    fitting_set = coulomb.auxiliary_mole(pyscf.make_mole(Molecule.from_spec("H2"), "sto-3g"), "def2-universal-jfit")
    potentials = fitting_potentials(pyscf.gaussian_basis(fitting_set))
    rng = np.random.default_rng(0)
    points, charges = jnp.asarray(rng.normal(size=(1, 8, 3))), jnp.asarray(rng.normal(size=(1, 8)))

    def total(charges, points):
        return jnp.sum(_projection(potentials, charges, points) ** 2)

    h = jnp.zeros_like(charges).at[0, 3].set(1e-5)
    difference = (total(charges + h, points) - total(charges - h, points)) / 2e-5
    assert float(jax.grad(total)(charges, points)[0, 3]) == pytest.approx(float(difference), rel=1e-6)
    with pytest.raises(NoDerivative, match="'points'"):
        jax.grad(total, 1)(charges, points)
