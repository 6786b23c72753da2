"""The Gaussian basis against libcint, closed forms and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

WATER = "O 0 0 0.1173; H 0 0.7572 -0.4692; H 0 -0.7572 -0.4692"
# libcint and XLA both sum a few products in double precision; values are of order one
LIBCINT = 1e-12


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(200, 3)) * 2


def mole(basis):
    from nnks.interop.pyscf import make_mole
    from nnks.molecule import Molecule

    return make_mole(Molecule.from_spec(WATER), basis)


@pytest.mark.parametrize("basis", ["sto-3g", "6-31g", "def2-tzvp", "cc-pvqz"])  # s to g, segmented and general
def test_values_and_gradients_equal_libcint(basis, points):
    from nnks.basis import tabulate
    from nnks.interop.pyscf import gaussian_basis

    mol = mole(basis)
    table = tabulate(gaussian_basis(mol), jnp.array(points))
    expected = mol.eval_gto("GTOval_sph_deriv1", points)
    np.testing.assert_allclose(table.values, expected[0], atol=LIBCINT)
    np.testing.assert_allclose(table.gradients, expected[1:], atol=LIBCINT)


def test_differentiable_in_centers_exponents_and_coefficients(points):
    from nnks.interop.pyscf import gaussian_basis

    basis = gaussian_basis(mole("6-31g"))
    r = jnp.array(points[0])

    @jax.jit  # one program for the gradient and all differences
    def value_and_gradient(b):
        return jax.value_and_grad(lambda b: jnp.sum(jnp.sin(b(r))), allow_int=True)(b)

    def total(b):
        return value_and_gradient(b)[0]

    floats, tree = jax.tree.flatten(basis)
    gradient = jax.tree.leaves(value_and_gradient(basis)[1])
    rng = np.random.default_rng(1)
    checked = 0
    for n, leaf in enumerate(floats):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            continue
        direction = jnp.array(rng.normal(size=leaf.shape)) * jnp.abs(leaf).max()
        step = 1e-6

        def moved(t, n=n, leaf=leaf, direction=direction):
            return total(jax.tree.unflatten(tree, [*floats[:n], leaf + t * direction, *floats[n + 1 :]]))

        slope = float(jnp.vdot(gradient[n], direction))
        # central difference: error step^2 f''' plus rounding eps/step, both about 1e-10 of the scale
        assert slope == pytest.approx(float((moved(step) - moved(-step)) / (2 * step)), rel=1e-5, abs=1e-8)
        checked += abs(slope) > 1e-8
    assert checked >= 4


def test_solid_harmonics_are_orthonormal_on_the_sphere():
    from scipy.integrate import lebedev_rule

    from nnks.basis.harmonics import solid_harmonics

    x, w = lebedev_rule(17)
    values = jax.jit(lambda x: jnp.concatenate([solid_harmonics(l, x) for l in range(6)], axis=1))(jnp.array(x.T))
    np.testing.assert_allclose((values * w[:, None]).T @ values, np.eye(36), atol=1e-12)  # degree 10 is exact at 17


def test_rows_of_the_whole_grid_are_not_copied(points):
    from nnks.basis import tabulate
    from nnks.interop.pyscf import gaussian_basis

    table = tabulate(gaussian_basis(mole("sto-3g")), jnp.array(points))
    assert table.rows(None) is table
    np.testing.assert_array_equal(table.rows(jnp.array([3, 3])).values, table.values[jnp.array([3, 3])])


def test_all_degrees_at_once_are_the_single_ones(points):
    from nnks.basis.harmonics import solid_harmonics, spherical_harmonics

    u = jnp.array(points / np.linalg.norm(points, axis=1)[:, None])
    single = [solid_harmonics(l, u) for l in range(7)]
    single[1] = single[1][:, jnp.array([1, 2, 0])]  # PySCF's x, y, z as m = -1, 0, 1
    np.testing.assert_allclose(spherical_harmonics(6, u), jnp.concatenate(single, axis=1), atol=1e-13)
