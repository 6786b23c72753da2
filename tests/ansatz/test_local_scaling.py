"""The learned map of space is invertible whatever its parameters, and overlaps survive it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

POINTS = 500


@pytest.fixture(scope="module", params=["Li", "water"])
def start(request):
    from nnks.testing import toys

    return toys.start(request.param)


def moved(start, size):
    """A module, and the parameters of its first map after noise of a size."""
    from nnks.ansatz import LocalScaling, make_ansatz
    from nnks.testing import toys

    module = LocalScaling()
    params = toys.noisy(make_ansatz(module, start).init_params(jax.random.key(0)), 3, size)
    return module, {name: value[0] for name, value in params.items() if name != "rotation"}


def test_the_determinant_is_positive_and_that_of_the_map(start):
    """Noise of 1 changes slopes by factors of 0.02 to 50, far beyond training; det J > 0 even so."""
    module, map_params = moved(start, 1.0)
    near = np.random.default_rng(0).normal(size=(POINTS, 3)) * np.geomspace(0.01, 10, POINTS)[:, None]
    points = jnp.asarray(near) + start.basis.centers[np.arange(POINTS) % len(start.charges)]

    @jax.jit
    def both(start, map_params, points):
        def at(r):
            image, amplitude = module.transform(map_params, r, start)
            return image, (image, amplitude)

        jacobian, (image, amplitude) = jax.vmap(jax.jacfwd(at, has_aux=True))(points)
        return jnp.linalg.det(jacobian), image, amplitude

    determinant, image, amplitude = both(start, map_params, points)
    assert float(jnp.abs(image - points).max()) > 0.1
    assert float(determinant.min()) > 0
    np.testing.assert_allclose(amplitude**2, determinant, rtol=1e-8)


def test_nuclei_stay_where_they_are(start):
    module, map_params = moved(start, 1.0)
    at = jax.jit(jax.vmap(lambda start, map_params, r: module.transform(map_params, r, start)[0], (None, None, 0)))
    np.testing.assert_allclose(at(start, map_params, start.basis.centers), start.basis.centers, atol=1e-6)


def test_the_overlap_matrix_is_that_of_the_gaussians():
    """By quadrature: as close as the quadrature integrates the Gaussians' own overlaps."""
    from nnks import setup
    from nnks.config import override
    from nnks.interop.pyscf import one_electron_integrals
    from nnks.testing import toys

    system = setup.make_system(override(toys.config("LiH"), {"quadrature.level": 2}))
    start = toys.start("LiH")
    module, map_params = moved(start, 0.2)

    @jax.jit
    def overlaps(start, map_params, points, weights):
        def functions(r):
            image, amplitude = module.transform(map_params, r, start)
            return amplitude * start.basis(image), start.basis(r)

        return [jnp.einsum("p,pb,pc->bc", weights, x, x) for x in jax.vmap(functions)(points)]

    grid = system.grid
    transformed, plain = overlaps(start, map_params, grid.points, grid.weights)
    exact = one_electron_integrals(system.mole).overlap
    quadrature = float(jnp.abs(plain - exact).max())
    assert quadrature < 1e-5
    np.testing.assert_allclose(transformed, exact, atol=5 * quadrature)
