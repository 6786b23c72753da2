"""Every operator on charges of any sign: PySCF's integrals of orbital products, bilinearity, potentials."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.config import default_config, override
from nnks.coulomb import AtPoints, ChargeAtPoints, InBasis, Unavailable
from nnks.quadrature import Batch
from nnks.setup import make_system

IN_BASIS, AT_POINTS = ("exact", "fitted"), ("tabulated", "streamed", "poisson", "pairwise")


@jax.jit
def energy(operator, x, y):
    return operator.energy(x, y)


@jax.jit
def potential(operator, charge, at=None):
    return operator.potential(charge, at)


GRID = 1e-5
"""What grid level 1 errs on the core orbital's own product [Ha], by far the largest; on others 2e-7 to 3e-6."""


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1), (3, 4), (2, 3), (4, 5)])
@pytest.mark.parametrize(
    ("name", "rtol", "atol"),
    [
        ("exact", 1e-12, 1e-13),
        ("fitted", 0, 2e-6),  # the even-tempered set: 9e-7 for the highest occupied and the lowest empty orbital
        ("tabulated", 0, GRID),
        ("streamed", 0, GRID),
        ("poisson", 0, GRID),
        ("pairwise", 0.02, 0),  # a cell as a ball: 0.5 % for the core, 1.3 % for others
    ],
)
def test_the_product_of_two_orbitals_interacts_as_in_pyscf(name, rtol, atol, i, j, water):
    """Twice its energy is (ij|ij): of the core, of core and valence, of lone pair, bond and empty orbitals."""
    charge = water.pair(name, i, j)
    interaction = 2 * float(energy(water.operator(name), charge, charge))
    assert interaction == pytest.approx(water.integrals[i, j, i, j], rel=rtol, abs=atol)


@pytest.mark.parametrize("name", ["fitted", "tabulated", "streamed"])
def test_a_fit_is_a_lower_bound_for_products_too(name, water):
    charge = water.pair(name, 4, 5)
    missing = water.integrals[4, 5, 4, 5] - 2 * float(energy(water.operator(name), charge, charge))
    assert 0 < missing < 2e-6


@pytest.mark.parametrize("name", IN_BASIS + AT_POINTS)
def test_the_energy_is_bilinear_and_symmetric(name, lithium_hydride):
    """Two different charges: their interaction is PySCF's, in either order; a combination's is the combination."""
    case, operator = lithium_hydride, lithium_hydride.operator(name)
    x, y, z = (case.pair(name, *ij) for ij in ((0, 1), (1, 2), (1, 1)))
    combined = jax.tree.map(lambda a, b: 2 * a - 3 * b, x, z)
    if not operator.in_basis:
        combined = ChargeAtPoints(x.quadrature, 2 * x.density - 3 * z.density)
    xy, zy, both = (float(energy(operator, a, y)) for a in (x, z, combined))
    assert both == pytest.approx(2 * xy - 3 * zy, abs=1e-13)
    # Poisson's operator takes the potential of its second argument: symmetric as far as the grid resolves it (1.6e-6)
    assert float(energy(operator, y, combined)) == pytest.approx(both, abs=5e-6 if name == "poisson" else 1e-13)
    expected = case.integrals[1, 1, 1, 2]
    assert 2 * zy == pytest.approx(expected, **({"rel": 0.02} if name == "pairwise" else {"abs": 1e-5}))


@pytest.mark.parametrize("name", AT_POINTS)
def test_the_potential_is_the_derivative_of_the_energy(name, lithium_hydride):
    """By the density at each point, over its weight: so the potential is that of the same operator."""
    operator, charge = lithium_hydride.operator(name), lithium_hydride.pair(name, 0, 1)
    other = lithium_hydride.pair(name, 1, 1)

    @jax.jit
    def work(operator, density):
        def of(density):
            moved = ChargeAtPoints(charge.quadrature, density)
            return operator.energy(moved, moved)

        return jnp.vdot(jax.grad(of)(density), other.density)

    expected = other.amounts @ potential(operator, charge)
    # half of Poisson's derivative is that of its potential's side, the same as far as the grid resolves it (7e-7)
    tolerance = {"abs": 5e-6} if name == "poisson" else {"rel": 1e-12}
    assert float(work(operator, charge.density)) == pytest.approx(float(expected), **tolerance)


@pytest.mark.parametrize("name", AT_POINTS)
def test_a_batch_has_the_points_that_its_index_names(name, lithium_hydride):
    """All points of the grid in another order: the same energy, and the same potential at each."""
    grid, operator = lithium_hydride.system.grid, lithium_hydride.operator(name)
    charge = lithium_hydride.pair(name, 0, 1)
    order = jnp.asarray(np.random.default_rng(1).permutation(grid.size))
    shuffled = ChargeAtPoints(grid.take(Batch(order, grid.weights[order])), charge.density[order])
    assert float(energy(operator, shuffled, charge)) == pytest.approx(float(energy(operator, charge, charge)), rel=1e-9)
    ordered, other = potential(operator, charge)[order], potential(operator, shuffled)
    # a block of points as it comes has fewer that are far: what counts as a multipole differs by 1e-10 of a potential
    np.testing.assert_allclose(other, ordered, atol=1e-7 if name == "streamed" else 1e-11)


def gaussian(points, center, alpha):
    """A normalized charge and its potential, erf(sqrt(alpha) d) / d."""
    d = jnp.linalg.norm(points - jnp.asarray(center)[None, :], axis=1)
    return (alpha / math.pi) ** 1.5 * jnp.exp(-alpha * d**2), jax.scipy.special.erf(math.sqrt(alpha) * d) / d


@pytest.fixture(scope="module")
def helium():
    return make_system(override(default_config(), {"system.molecule": "He", "quadrature.level": 3}))


AWAY = jnp.array([[0.3, 0.1, -0.2], [1.0, 2.0, -0.5], [0.0, 9.0, 3.0], [40.0, 0.0, 0.0]])
"""Places that are no points of the grid [Bohr]."""


@pytest.mark.parametrize(("shift", "sign"), [(0.0, 1.0), (0.4, -1.0)])
def test_poissons_potential_of_a_gaussian_charge(shift, sign, helium):
    """Also off the nucleus, where harmonics up to degree 14 are needed, and at places that are no grid points."""
    operator, quadrature = helium.poisson(helium.grid)[0], helium.grid.quadrature()
    charge = ChargeAtPoints(quadrature, sign * gaussian(quadrature.points, (0.0, 0.0, shift), 1.3)[0])
    for at, places in ((None, quadrature.points), (AWAY, AWAY)):
        _, expected = gaussian(places, (0.0, 0.0, shift), 1.3)
        # eighth-order radial quadrature with 50 shells (measured: 1e-7), and harmonics beyond degree 14
        np.testing.assert_allclose(potential(operator, charge, at), sign * expected, atol=3e-6)


@pytest.mark.parametrize("name", ["tabulated", "streamed"])
def test_a_fitted_potential_of_a_gaussian_charge(name, helium):
    """At the nucleus, where the even-tempered functions of degree 0 are: between two of them in exponent."""
    made = getattr(helium, name)("even_tempered", helium.grid)
    operator = made if name == "tabulated" else made[0]
    quadrature = helium.grid.quadrature()
    charge = ChargeAtPoints(quadrature, gaussian(quadrature.points, (0.0, 0.0, 0.0), 1.3)[0])
    np.testing.assert_allclose(potential(operator, charge), gaussian(quadrature.points, (0.0,) * 3, 1.3)[1], atol=1e-4)
    if name == "streamed":
        np.testing.assert_allclose(potential(operator, charge, AWAY), gaussian(AWAY, (0.0,) * 3, 1.3)[1], atol=1e-4)


def test_the_pair_sums_potential_of_a_gaussian_charge(lithium_hydride):
    """Beyond the charge a sum of point charges is its potential; inside, the cell of a coincident point counts."""
    operator, quadrature = lithium_hydride.operator("pairwise"), lithium_hydride.system.grid.quadrature()
    charge = ChargeAtPoints(quadrature, gaussian(quadrature.points, (0.0, 0.0, 0.0), 1.3)[0])
    away = jnp.array([[0.0, 9.0, 3.0], [40.0, 0.0, 0.0]])
    np.testing.assert_allclose(potential(operator, charge, away), gaussian(away, (0.0,) * 3, 1.3)[1], rtol=1e-4)
    own, expected = potential(operator, charge), gaussian(quadrature.points, (0.0,) * 3, 1.3)[1]
    assert float(charge.amounts @ (own - expected)) == pytest.approx(0, abs=0.02 * float(charge.amounts @ expected))


@pytest.mark.parametrize("name", IN_BASIS + AT_POINTS)
def test_what_an_operator_does_not_have_is_refused_with_the_reason(name, lithium_hydride):
    operator = lithium_hydride.operator(name)
    if operator.in_basis:
        assert isinstance(operator, InBasis)
        with pytest.raises(Unavailable, match="knows no potential at points; use an operator on points"):
            operator.potential(lithium_hydride.pair(name, 0, 1))
        return
    assert isinstance(operator, AtPoints)
    with pytest.raises(Unavailable, match="knows no basis to have a matrix of Coulomb integrals in"):
        operator.coulomb(jnp.eye(6))
    with pytest.raises(Unavailable, match="take its energy of each two charges"):
        operator.interactions(jnp.eye(6)[None])
    with pytest.raises(Unavailable, match="take its energy of products of two orbitals"):
        operator.exchange(jnp.ones((1, 6, 1)), jnp.ones((1, 1)))
    if name == "tabulated":
        with pytest.raises(Unavailable, match="at the points of its grid alone"):
            operator.potential(lithium_hydride.pair(name, 0, 1), AWAY)
