"""Coulomb and exchange matrices are PySCF's, by four-center integrals and by density fitting."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks import setup
from nnks.config import default_config, override
from nnks.coulomb import ChargeAtPoints, ChargeInBasis
from nnks.interop.coulomb import auxiliary_mole

FITTING = "def2-universal-jkfit"


@functools.cache
def solved(charge):
    """Water or its cation in 6-31G: the system, PySCF's orbitals [spin basis orbitals] and occupations."""
    changes = {"system.molecule": "water", "system.basis": "6-31g", "quadrature.level": 0}
    changes |= {"system.charge": charge, "system.spin": charge}
    system = setup.make_system(override(default_config(), changes))
    solution = (system.mole.UHF() if charge else system.mole.RHF()).run(verbose=0)
    coefficients, filled = np.asarray(solution.mo_coeff), np.asarray(solution.mo_occ)
    if not charge:
        coefficients, filled = coefficients[None], filled[None]
    return system, solution, jnp.asarray(coefficients[:, :, :6]), jnp.asarray(filled[:, :6])


def operator_and_reference(method, charge):
    """The operator, and PySCF's way to the same integrals."""
    system, solution, *_ = solved(charge)
    if method == "exact":
        return system.exact(), solution
    return system.fitted(FITTING), solution.density_fit(auxbasis=auxiliary_mole(system.mole, FITTING).basis)


@pytest.mark.parametrize("charge", [0, 1], ids=["restricted", "unrestricted"])
@pytest.mark.parametrize(("method", "atol"), [("exact", 1e-11), ("fitted", 1e-9)])
def test_coulomb_and_exchange_matrices_are_those_of_pyscf(method, atol, charge):
    """One channel with the electrons of both spins, or five up and four down; the sixth orbital is empty."""
    operator, reference = operator_and_reference(method, charge)
    system, _, c, n = solved(charge)
    density = np.einsum("si,sbi,sci->sbc", n, c, c)
    own = density if charge else density[0]
    expected = reference.get_j(system.mole, own).reshape(density.shape).sum(axis=0)
    coulomb = jax.jit(lambda operator, d: operator.coulomb(d))(operator, jnp.asarray(density.sum(axis=0)))
    np.testing.assert_allclose(coulomb, expected, atol=atol)
    exchange = jax.jit(lambda operator, c, n: operator.exchange(c, n))(operator, c, n)
    np.testing.assert_allclose(exchange, reference.get_k(system.mole, own).reshape(density.shape), atol=atol)


@pytest.mark.parametrize("method", ["exact", "fitted"])
def test_the_coulomb_matrix_is_the_derivative_of_the_energy(method):
    """Of a density matrix that is not symmetric, too: its antisymmetric part is no charge."""
    operator, _ = operator_and_reference(method, 0)
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(13, 13)))

    def energy(matrix):
        return operator.energy(ChargeInBasis(matrix), ChargeInBasis(matrix))

    coulomb = operator.coulomb(matrix)
    np.testing.assert_allclose(jax.jit(jax.grad(energy))(matrix), coulomb, atol=1e-10)
    np.testing.assert_allclose(operator.coulomb(matrix.T), coulomb, atol=1e-12)
    assert float(energy(matrix)) == pytest.approx(0.5 * float(jnp.vdot(matrix, coulomb)), rel=1e-12)


@pytest.mark.parametrize("method", ["exact", "fitted"])
def test_interactions_are_those_of_each_two(method):
    operator, _ = operator_and_reference(method, 0)
    matrices = np.random.default_rng(1).normal(size=(3, 13, 13))
    matrices = jnp.asarray(matrices + matrices.swapaxes(1, 2))
    charges = [ChargeInBasis(matrix) for matrix in matrices]
    expected = [[2 * float(operator.energy(x, y)) for y in charges] for x in charges]
    np.testing.assert_allclose(operator.interactions(matrices), expected, rtol=1e-11)


@pytest.mark.parametrize("method", ["exact", "fitted"])
def test_the_derivative_of_the_exchange_energy_is_its_matrix(method):
    r"""$E_x = -\frac12\sum_s\operatorname{tr}D^sK^s$ moves by $-2\,n_iK\psi_i$ with an orbital."""
    operator, _ = operator_and_reference(method, 1)
    _, _, c, n = solved(1)

    @jax.jit
    def energy(c):
        return -0.5 * jnp.einsum("si,sbi,sbc,sci->", n, c, operator.exchange(c, n), c)

    expected = -2 * jnp.einsum("si,sbc,sci->sbi", n, operator.exchange(c, n), c)
    np.testing.assert_allclose(jax.jit(jax.grad(energy))(c), expected, atol=1e-10)


def test_exchange_by_products_of_orbitals_on_the_grid_is_that_of_the_matrix(lithium_hydride):
    r"""$\sum_{ij}n_in_j(ij|ij) = \operatorname{tr}DK$: Poisson's operator knows no matrix, and its energies say it."""
    case, n = lithium_hydride, jnp.array([[2.0, 2.0]])
    c = jnp.asarray(case.orbitals[None, :, :2])
    trace = jnp.einsum("si,sbi,sbc,sci->", n, c, case.operator("exact").exchange(c, n), c)

    @jax.jit
    def on_the_grid(operator, psi):
        def interaction(i, j):
            charge = ChargeAtPoints(case.system.grid.quadrature(), psi[:, i] * psi[:, j])
            return 2 * operator.energy(charge, charge)

        return sum(4.0 * interaction(i, j) for i in range(2) for j in range(2))

    energy = on_the_grid(case.operator("poisson"), case.values[:, :2])
    assert float(energy) == pytest.approx(float(trace), abs=2e-5)  # four times what level 1 errs on Li's core
