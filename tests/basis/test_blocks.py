"""A basis in blocks against the same basis in one table, and derivatives against automatic ones."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks import blocks

# products of double-precision values of order ten, and functions below 1e-9 that blocks leave out
ROUNDING = 1e-8


@functools.cache
def case(molecule="LiH", basis="6-31g", level=0):
    """A system, its dense table, and random orthonormal orbitals of two spins."""
    from nnks import setup
    from nnks.config import default_config, override

    changes = {"system.molecule": molecule, "system.basis": basis, "quadrature.level": level}
    s = setup.make_system(override(default_config(), changes))
    overlap = s.mole.intor("int1e_ovlp")
    eigenvalues, vectors = np.linalg.eigh(overlap)
    rng = np.random.default_rng(0)
    mix = [np.linalg.qr(rng.normal(size=(len(overlap), 3)))[0] for _ in range(2)]
    orthonormal = jnp.asarray(np.stack([vectors / np.sqrt(eigenvalues) @ m for m in mix]))
    return s, orthonormal, jnp.array([[1.0, 1.0, 0.5], [1.0, 0.3, 0.0]])


@functools.cache
def table(order=1, held=True, block=256, molecule="LiH"):
    from nnks.blocks import make_blocks
    from nnks.interop.pyscf import gaussian_basis

    s, _, _ = case(molecule)
    return make_blocks(
        gaussian_basis(s.mole),
        s.grid.points,
        s.grid.weights,
        order=order,
        memory=math.inf if held else 0.0,
        block=block,
    )


def local(density):
    """A function of everything that a functional may read."""
    sigma = density.sigma
    return (
        jnp.sum(density.rho**1.5, axis=0)
        + 0.1 * jnp.sqrt(sigma[1] ** 2 + 1e-3)
        + jnp.sum(density.tau * density.rho, axis=0)
    )


def dense(c, occupations, molecule="LiH"):
    from nnks.orbitals import Orbitals

    s, _, _ = case(molecule)
    values, gradients = s.table(s.grid, 1).contract(c, 1)
    return Orbitals(s.grid.quadrature(), values, gradients, occupations, c)


@pytest.mark.parametrize("held", [True, False])
def test_density_equals_that_of_the_dense_table(held):
    _, c, n = case()
    summed = jax.jit(lambda b, c: blocks.density(b, c, n))(table(held=held), c)
    expected = dense(c, n).density()
    for name in ("rho", "gradient", "tau"):
        np.testing.assert_allclose(getattr(summed, name), getattr(expected, name), atol=ROUNDING)


@pytest.mark.parametrize("held", [True, False])
def test_integral_and_its_derivative(held):
    """The derivative that is found in the same pass is that of automatic differentiation through the dense table."""
    _, c, n = case()
    summed = jax.jit(jax.value_and_grad(lambda c, b: blocks.integral(b, local, c, n)))(c, table(held=held))
    expected = jax.jit(jax.value_and_grad(lambda c: dense(c, n).integral(local)))(c)
    np.testing.assert_allclose(summed[0], expected[0], atol=ROUNDING)
    np.testing.assert_allclose(summed[1], expected[1], atol=ROUNDING)


def test_second_derivatives_pass_through_the_pass():
    """A stability analysis takes the directional derivative of the gradient."""
    _, c, n = case()
    direction = jnp.asarray(np.random.default_rng(3).normal(size=c.shape))

    def curvature(energy):
        return jax.jvp(jax.grad(energy), (c,), (direction,))[1]

    summed = jax.jit(lambda b: curvature(lambda c: blocks.integral(b, local, c, n)))(table())
    expected = jax.jit(lambda: curvature(lambda c: dense(c, n).integral(local)))()
    np.testing.assert_allclose(summed, expected, atol=10 * ROUNDING)


def test_matrix_is_the_derivative_with_respect_to_the_density_matrix():
    s, c, n = case()
    weights = s.grid.weights
    density = dense(c, n).density()
    slope = jax.grad(lambda d: jnp.dot(weights, local(d)))(density)
    summed = jax.jit(lambda b, d: blocks.matrix(b, d))(table(), slope)
    gradient = jax.grad(lambda c: dense(c, n).integral(local))(c)
    np.testing.assert_allclose(2 * jnp.einsum("sbc,sci,si->sbi", summed, c, n), gradient, atol=ROUNDING)
    np.testing.assert_allclose(summed, jnp.swapaxes(summed, 1, 2), atol=1e-13)


def test_overlap_of_orthonormal_orbitals():
    _, c, n = case()
    np.testing.assert_allclose(blocks.overlap(table(), c), dense(c, n).overlap(), atol=ROUNDING)


def test_far_shells_are_skipped():
    """Two hydrogen molecules 60 Bohr apart: a point sees half of the basis, and the density is the same."""
    apart = "H 0 0 0; H 0 0 0.74; H 0 0 32; H 0 0 32.74"
    s, c, n = case(apart, "6-31g")
    far = table(molecule=apart)
    assert far.columns < 0.7 * s.mole.nao
    np.testing.assert_allclose(blocks.density(far, c, n).rho, dense(c, n, apart).density().rho, atol=ROUNDING)


def test_single_precision_contractions_are_summed_in_double():
    _, c, n = case()
    exact, single = table(), table().in_precision("float32")
    summed, expected = blocks.integral(single, local, c, n), blocks.integral(exact, local, c, n)
    assert summed.dtype == jnp.float64
    # float32 rounds each orbital value to 6e-8; errors of a thousand points partly cancel
    np.testing.assert_allclose(summed, expected, rtol=3e-7)
    assert summed != expected


@pytest.mark.parametrize(("count", "block"), [(1, 16), (16, 16), (17, 16), (1000, 64), (4096, 1024)])
def test_bisection_takes_every_point_once(count, block):
    from nnks.basis.screening import bisect

    points = np.random.default_rng(0).normal(size=(count, 3))
    leaves = bisect(points, block)
    np.testing.assert_array_equal(np.sort(np.concatenate(leaves)), np.arange(count))
    assert max(map(len, leaves)) <= block
    assert sum(len(leaf) < block for leaf in leaves) <= 1


def test_reach_bounds_the_functions():
    """At its reach a shell is negligible, and not much before."""
    from nnks.basis.gaussian import NEGLIGIBLE
    from nnks.interop.pyscf import gaussian_basis

    s, _, _ = case()
    for group in gaussian_basis(s.mole).groups:
        for shell, distance in enumerate(group.reach()):
            for factor, near in ((1.0, False), (0.9, True)):
                radial = np.exp(-np.asarray(group.exponents)[shell] * (factor * distance) ** 2)
                value = (
                    np.abs(radial @ np.asarray(group.normalized())[shell]).max() * (factor * distance) ** group.degree
                )
                assert (value > NEGLIGIBLE) == near


@pytest.mark.parametrize(
    ("changes", "steps"),
    [({}, 30), ({"sampler__name": "uniform", "sampler__batch_size": 300, "optimizer__name": "adam"}, 5)],
)
def test_without_memory_the_basis_is_evaluated_at_every_use(changes, steps, quick, tmp_path):
    """On the whole grid and on batches: the same energies as with a table, within rounding."""
    import nnks
    from nnks.basis import BasisTable
    from nnks.runs.plan import plan
    from nnks.tracking.record import RunRecord

    sums = []
    for memory in (None, 0.0):
        config = quick(functional__xc="pbe", quadrature__memory=memory, training__steps=steps, **changes)
        table = plan(config).problem.model.table
        assert (isinstance(table, BasisTable) or getattr(table, "held", False)) == (memory is None)
        sums.append(
            [row["energy/total"] for row in RunRecord(nnks.run(config, results=tmp_path / str(memory)).path).metrics]
        )
    np.testing.assert_allclose(sums[0], sums[1], atol=1e-10)
