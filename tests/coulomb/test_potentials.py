"""Potentials of fitting functions are those of PySCF's integrals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.coulomb import fitting_potentials
from nnks.interop import coulomb
from nnks.interop import pyscf as interop
from nnks.molecule import Molecule

LIH = "Li 0 0 0; H 0 0 1.6"


@pytest.fixture(scope="module")
def fitting_set():
    """Two kinds of atoms, functions up to g."""
    return coulomb.auxiliary_mole(interop.make_mole(Molecule.from_spec(LIH), "sto-3g"), "def2-universal-jfit")


def test_potentials_are_those_of_integrals(fitting_set):
    """Near the nuclei, between them, where all but the widest functions count as multipoles, and where all do."""
    rng = np.random.default_rng(0)
    potentials = fitting_potentials(interop.gaussian_basis(fitting_set))
    reach = np.asarray(potentials.reach)
    between = np.array([[0, 0, 0.1 * reach[:, 0].max() + 0.9 * reach[:, 1].min()]])
    points = [rng.normal(size=(60, 3)) * 0.1, rng.normal(size=(60, 3)) * 2, between + 0.1 * rng.normal(size=(60, 3))]
    points = np.concatenate([*points, np.array([[0, 0, 30.0]]) + rng.normal(size=(60, 3))])
    away = np.linalg.norm(points[120:180, None] - np.asarray(potentials.centers), axis=-1).min(axis=0)
    zones = np.sum(away[:, None] > reach[np.asarray(potentials.kind)], axis=1)
    assert 1 in zones
    expected = coulomb.auxiliary_potentials(fitting_set, points)
    amounts = jnp.asarray(rng.normal(size=fitting_set.nao))
    blocks = jnp.asarray(points).reshape(4, 60, 3)
    assert np.all(reach < 28)  # the last block is far from both atoms
    np.testing.assert_allclose(
        jax.jit(lambda p, c, r: p.potential(c, r))(potentials, amounts, blocks).reshape(-1),
        amounts @ expected,
        atol=1e-7,
    )
    charges = jnp.asarray(rng.normal(size=240))
    projected = jax.jit(lambda p, q, r: p.projection(q, r))(potentials, charges.reshape(4, 60), blocks)
    np.testing.assert_allclose(projected, expected @ charges, atol=1e-7)
