"""Poisson's equation on atomic grids: closed forms, four-center integrals, batches."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@functools.cache
def system(molecule, level):
    from nnks import build
    from nnks.config import default_config, override

    return build.make_system(override(default_config(), {"system.molecule": molecule, "quadrature.level": level}))


@functools.cache
def solver(molecule, level):
    from nnks.functional.hartree import make_poisson
    from nnks.interop.pyscf import angular_degrees

    s = system(molecule, level)
    return make_poisson(s.grid, np.asarray(s.molecule.positions), angular_degrees())


@jax.jit
def potential(poisson, rho, quadrature, at):
    return poisson.potential(rho, quadrature, at)


def gaussian(points, center, alpha):
    """A normalized charge and its potential, erf(sqrt(alpha) d) / d."""
    d = jnp.linalg.norm(points - jnp.asarray(center)[None, :], axis=1)
    return (alpha / math.pi) ** 1.5 * jnp.exp(-alpha * d**2), jax.scipy.special.erf(math.sqrt(alpha) * d) / d


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_potential_of_a_gaussian_charge(shift):
    """Also off the nucleus, where harmonics up to degree 14 are needed, and at places that are no grid points."""
    grid = system("He", 3).grid
    rho, _ = gaussian(grid.points, (0.0, 0.0, shift), 1.3)
    at = jnp.array([[0.3, 0.1, -0.2], [1.0, 2.0, -0.5], [0.0, 9.0, 3.0], [40.0, 0.0, 0.0]])
    _, expected = gaussian(at, (0.0, 0.0, shift), 1.3)
    # eighth-order radial quadrature with 50 shells (measured: 1e-7), and harmonics beyond degree 14
    np.testing.assert_allclose(potential(solver("He", 3), rho, grid.quadrature(), at), expected, atol=3e-6)


def errors(molecule, levels):
    """Energy of the minao density less its four-center value [Ha]."""
    from nnks import build
    from nnks.functional.hartree import ExactHartree
    from nnks.interop.pyscf import coulomb_integrals
    from nnks.orbitals import Density, TabulatedDensity

    found = []
    for level in levels:
        s = system(molecule, level)
        matrix = jnp.sum(build.spin_density(s, "minao"), axis=0)
        chi = s.table(s.grid, 0).values
        rho = jnp.einsum("pb,bc,pc->p", chi, matrix, chi)
        x = TabulatedDensity(s.grid.quadrature(), Density(rho[None], None, None))
        energy = jax.jit(lambda poisson, x: poisson(x, x))(solver(molecule, level), x)
        found.append(float(energy - ExactHartree(coulomb_integrals(s.mole)).of_matrix(matrix)))
    return found


def test_error_falls_with_the_level():
    coarse, medium, fine = map(abs, errors("LiH", (1, 2, 3)))
    assert coarse > 5 * medium
    assert medium > 2 * fine
    assert fine < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("molecule", "bound"), [("water", 1e-5), ("N2", 1e-5), ("C6H6", 2e-3)])
def test_four_center_energies_at_level_3(molecule, bound):
    """Measured 1e-6, 8e-6 and, with many small cells whose edges degree 14 does not resolve, 1.3e-3 Ha."""
    (error,) = errors(molecule, (3,))
    assert abs(error) < bound


def test_batches_are_unbiased(key):
    """Two independent batches: the mean over draws is the energy on the full grid, within 4 standard errors."""
    from nnks.orbitals import Density, TabulatedDensity
    from nnks.quadrature import make_sampler

    s, draws = system("LiH", 0), 2000
    rho = sum(n * gaussian(s.grid.points, c, 0.8)[0] for n, c in zip((3.0, 1.0), s.molecule.positions, strict=True))
    sampler = make_sampler({"name": "importance", "batch_size": 400}, s.grid, rho)

    def density(quadrature, index):
        return TabulatedDensity(quadrature, Density(rho[index][None], None, None))

    def estimate(poisson, step):
        x, y = sampler.draw(key, step)
        return poisson(density(s.grid.take(x), x.index), density(s.grid.take(y), y.index))

    sampled = np.asarray(jax.jit(lambda p: jax.lax.map(lambda t: estimate(p, t), jnp.arange(draws)))(solver("LiH", 0)))
    full = density(s.grid.quadrature(), slice(None))
    exact = float(solver("LiH", 0)(full, full))
    assert abs(sampled.mean() - exact) < 4 * sampled.std(ddof=1) / np.sqrt(draws)


def test_derivative_is_the_potential():
    """dE/drho_k = w_k V_k, as the operator is symmetric up to the grid's error."""
    from nnks.orbitals import Density, TabulatedDensity

    s = system("LiH", 2)
    q = s.grid.quadrature()
    rho = sum(gaussian(q.points, c, 0.8)[0] for c in s.molecule.positions)

    @jax.jit
    def slope(poisson, rho, direction):
        def energy(r):
            x = TabulatedDensity(q, Density(r[None], None, None))
            return poisson(x, x)

        return jnp.vdot(jax.grad(energy)(rho), direction), q.weights @ (poisson.potential(rho, q, q.points) * direction)

    direction, _ = gaussian(q.points, (0.2, 0.0, 1.0), 1.0)
    derivative, work = slope(solver("LiH", 2), rho, direction)
    assert float(derivative) == pytest.approx(float(work), rel=1e-4)
